package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// A folder is the data folder of a copy. The names of db-group's own files in it begin with a dot,
// so that mysqld ignores them.
type folder string

const (
	recordFile = ".group.json"
	// permitMark permits this copy to start a group, in spite of what other copies have, or to make
	// a new site if it has no data.
	permitMark = ".permit-start"
	// newSiteMark permits this copy to make a new site, and to start its group, if no other copy
	// has data.
	newSiteMark = ".permit-new-site"
	// confirmingMark says that this copy has begun to start a group. It may have confirmed
	// submissions since then, even if its record does not name that group.
	confirmingMark = ".confirming"
	// discardMark gives up the data of a copy that the group refuses.
	discardMark = ".discard"
	// copyingMark says that the data is incomplete, because it is being copied.
	copyingMark = ".copying"
	// firstStartMark says that the data is incomplete, because MySQL makes it (db-entrypoint).
	firstStartMark = ".first-start"
)

func (f folder) path(name string) string { return filepath.Join(string(f), name) }

func (f folder) has(name string) bool {
	_, err := os.Stat(f.path(name))
	return err == nil
}

// hasData tells whether there is a database, complete or not. It returns true unless it is certain
// that there is none, because a copy without data is overwritten.
func (f folder) hasData() bool { return !f.lacks("mysql") || !f.lacks("ibdata1") }

func (f folder) lacks(name string) bool {
	_, err := os.Stat(f.path(name))
	return errors.Is(err, os.ErrNotExist)
}

// isComplete tells whether there is a database, and nothing of it is missing.
func (f folder) isComplete() bool {
	return f.hasData() && !f.has(copyingMark) && !f.has(firstStartMark)
}

// mark makes a mark, which is on the disk when mark returns.
func (f folder) mark(name string) error {
	file, err := os.Create(f.path(name))
	if err != nil {
		return err
	}
	return errors.Join(file.Close(), f.sync())
}

// unmark removes marks, one after the other, also from the disk. A mark may be missing.
func (f folder) unmark(names ...string) error {
	for _, name := range names {
		err := os.Remove(f.path(name))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err := errors.Join(err, f.sync()); err != nil {
			return err
		}
	}
	return nil
}

// sync flushes the folder itself, so that files made, renamed or removed stay so after a power
// loss.
func (f folder) sync() error {
	dir, err := os.Open(string(f))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// record returns what the copy remembers of its group: nothing, if it never was in one.
func (f folder) record() (r record, err error) {
	content, err := os.ReadFile(f.path(recordFile))
	if errors.Is(err, os.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(content, &r)
}

// remember writes a record, which is on the disk when it returns.
func (f folder) remember(r record) error {
	content, err := json.Marshal(r)
	if err != nil {
		return err
	}
	file, err := os.Create(f.path(recordFile + ".new"))
	if err != nil {
		return err
	}
	_, err = file.Write(append(content, '\n'))
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.path(recordFile+".new"), f.path(recordFile)); err != nil {
		return err
	}
	return f.sync()
}

// learn remembers a group that this copy has found, and is not in yet. So a copy that knows of a
// later group can't start an earlier one by itself. A copy that never was in a group can't start
// one by itself, and learns nothing. learn does not change what seen returns.
func (f folder) learn(r record) error {
	own, err := f.record()
	if err != nil || own.Group == "" || r.Group == "" || own.equal(r) {
		return err
	}
	seen := f.seen()
	if err := f.remember(r); err != nil {
		return err
	}
	return os.Chtimes(f.path(recordFile), seen, seen)
}

// touch notes that the copy is a member of the group now. After a power loss the last notes may be
// gone.
func (f folder) touch() error { return os.Chtimes(f.path(recordFile), time.Now(), time.Now()) }

// seen returns when the copy was a member of a group last, or copied its data from one. It returns
// the zero time if the copy did neither.
func (f folder) seen() time.Time {
	info, err := os.Stat(f.path(recordFile))
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// giveUp removes the database and the record, after it has set copyingMark: what is left after an
// interruption is then not taken for a database.
func (f folder) giveUp() error {
	if err := f.mark(copyingMark); err != nil {
		return err
	}
	return f.clear()
}

// clear removes the database and the record. The marks stay.
func (f folder) clear() error {
	entries, err := os.ReadDir(string(f))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasPrefix(name, ".") && name != recordFile || name == "lost+found" {
			continue
		}
		if err := os.RemoveAll(f.path(name)); err != nil {
			return err
		}
	}
	return f.sync()
}

// freeMB returns the free space in megabytes.
func (f folder) freeMB() uint64 {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(string(f), &fs); err != nil {
		return 0
	}
	return fs.Bavail * uint64(fs.Bsize) >> 20
}
