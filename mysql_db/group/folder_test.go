package main

import (
	"os"
	"slices"
	"testing"
	"time"
)

func TestFolder(t *testing.T) {
	f := folder(t.TempDir())
	if r, err := f.record(); r.Group != "" || err != nil {
		t.Errorf("record of an empty folder = %v, %v, want none", r, err)
	}
	if f.hasData() || !f.seen().IsZero() {
		t.Error("an empty folder has data, or has been in a group")
	}
	want := record{Group: "group", Members: []string{"a", "b"}}
	for _, name := range []string{"mysql", "lost+found"} {
		if err := os.Mkdir(f.path(name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range []error{f.remember(record{Group: "earlier"}), f.remember(want),
		f.mark(copyingMark), f.mark(discardMark), f.unmark(permitMark, discardMark)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	r, err := f.record()
	if err != nil || r.Group != want.Group || !slices.Equal(r.Members, want.Members) {
		t.Errorf("record = %v, %v, want %v", r, err, want)
	}
	if !f.hasData() || f.seen().IsZero() || !f.has(copyingMark) || f.has(discardMark) {
		t.Error("the folder does not have what was put into it")
	}
	if err := f.clear(); err != nil {
		t.Fatal(err)
	}
	if r, _ := f.record(); r.Group != "" || f.hasData() {
		t.Error("clear leaves a record or data")
	}
	if !f.has(copyingMark) || !f.has("lost+found") {
		t.Error("clear removes a mark, or what belongs to the file system")
	}
}

// A copy that finds a later group remembers that group, and keeps the time at which it was last a
// member itself.
func TestFolderLearns(t *testing.T) {
	f := folder(t.TempDir())
	later := record{Group: "later", Members: []string{"b"}}
	if err := f.learn(later); err != nil {
		t.Fatal(err)
	}
	if r, err := f.record(); r.Group != "" || err != nil {
		t.Errorf("a copy that never was in a group remembers %v (%v), want nothing", r, err)
	}
	if err := f.remember(record{Group: "earlier", Members: []string{"a", "b"}}); err != nil {
		t.Fatal(err)
	}
	was := time.Now().Add(-time.Hour)
	if err := os.Chtimes(f.path(recordFile), was, was); err != nil {
		t.Fatal(err)
	}
	if err := f.learn(later); err != nil {
		t.Fatal(err)
	}
	r, err := f.record()
	if err != nil || r.Group != later.Group || !slices.Equal(r.Members, later.Members) {
		t.Errorf("record = %v, %v, want %v", r, err, later)
	}
	if !f.seen().Equal(was) {
		t.Errorf("seen = %v, want %v", f.seen(), was)
	}
}
