package main

import (
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite"
)

// starts measures the time from the start of a process to its first page, on the embedded storage:
// of the program, and of a bare server that opens the same files.
func (b *bench) starts(rounds int) error {
	data := "DATA_DIR=" + filepath.Join(b.dir, "start")
	app, err := b.app(data)
	if err != nil {
		return err
	}
	answers, err := record(app)
	if err != nil {
		return err
	}
	startApp := func() (target, error) { return b.app(data) }
	startBare := func() (target, error) { return b.bare(answers, data, "OPEN=yes") }
	for range 4 * rounds { // each takes some hundredths of a second
		program, err := b.timeStart(startApp)
		if err != nil {
			return err
		}
		bare, err := b.timeStart(startBare)
		if err != nil {
			return err
		}
		b.report.add("start of the process to the first page, embedded", "", "%.0f ms", program)
		b.report.add("the same against a bare server that opens the same files", "≤ 1.5", "%.2f",
			program/bare)
	}
	return nil
}

// timeStart returns the milliseconds until a new process has answered a request.
func (b *bench) timeStart(start func() (target, error)) (ms float64, err error) {
	running := len(b.closers)
	began := time.Now()
	server, err := start()
	if err != nil {
		return 0, err
	}
	resp, err := http.Get("http://" + server.addr + "/")
	took := time.Since(began)
	if err == nil {
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			err = fmt.Errorf("GET / = %d, want 200", resp.StatusCode)
		}
	}
	return float64(took) / float64(time.Millisecond), errors.Join(err, b.close(running))
}

// openFiles opens the files of the embedded storage, and reads from them.
func openFiles(dir string) error {
	for _, name := range []string{"visits.db", "submissions.db"} {
		db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, name)+"?_pragma=journal_mode(wal)")
		if err != nil {
			return err
		}
		var tables int
		if err := db.QueryRow("SELECT COUNT(*) FROM sqlite_schema").Scan(&tables); err != nil {
			return err
		}
	}
	return nil
}
