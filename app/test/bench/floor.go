package main

import (
	"context"
	"database/sql"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/go-redis/redis/v8"
	"github.com/go-sql-driver/mysql"

	"simpleapp/internal/batch"
	"simpleapp/internal/testserver"
	"simpleapp/internal/testsite"
)

// newWrites returns what a bareServer does for a visit and for a form before it answers. The
// baseline only reads the request.
//
// The floor counts and stores durably, in the storage that the environment names as it does for the
// app. All requests that wait share one INCRBY or one INSERT. On the embedded storage they share
// one write of the same block. The floor handles no faults and measures nothing, so the app can
// hardly be faster than it on net/http, this storage and this disk.
//
// With OPEN, the server stores nothing, but opens the files of the embedded storage: see starts.
func newWrites() (count, store func(*http.Request) error, err error) {
	switch {
	case os.Getenv("REDIS_ADDR") != "":
		count = countInRedis()
		store, err = storeInMySQL()
		return count, store, err
	case os.Getenv("OPEN") != "":
		if err := openFiles(os.Getenv("DATA_DIR")); err != nil {
			return nil, nil, err
		}
	case os.Getenv("DATA_DIR") != "":
		count, err = writeToFile()
		return count, count, err
	}
	read := func(r *http.Request) error {
		_, err := io.Copy(io.Discard, r.Body)
		return err
	}
	return read, read, nil
}

// shareWrites returns a function that takes an item from a request, and writes it together with the
// items of the other requests that wait.
func shareWrites[Item any](item func(*http.Request) Item,
	write func(context.Context, []Item) error) func(*http.Request) error {
	writes := batch.New(256, time.Minute,
		func(ctx context.Context, items []Item) ([]struct{}, error) {
			return make([]struct{}, len(items)), write(ctx, items)
		})
	return func(r *http.Request) error {
		ticket, err := writes.Put(item(r))
		if err == nil {
			_, err = ticket.Wait()
		}
		return err
	}
}

// nothing is the item of a write that needs nothing of the request.
func nothing(*http.Request) struct{} { return struct{}{} }

func countInRedis() func(*http.Request) error {
	client := redis.NewClient(&redis.Options{Addr: os.Getenv("REDIS_ADDR"), MaxRetries: -1,
		OnConnect: func(ctx context.Context, conn *redis.Conn) error {
			password, err := os.ReadFile(os.Getenv("REDIS_PASSWORD_FILE"))
			if err != nil {
				return err
			}
			return conn.Auth(ctx, strings.TrimSpace(string(password))).Err()
		}})
	return shareWrites(nothing, func(ctx context.Context, visits []struct{}) error {
		return client.IncrBy(ctx, "floor", int64(len(visits))).Err()
	})
}

func storeInMySQL() (func(*http.Request) error, error) {
	password, err := os.ReadFile(os.Getenv("MYSQL_PASSWORD_FILE"))
	if err != nil {
		return nil, err
	}
	c := mysql.NewConfig()
	c.Net, c.Addr, c.DBName = "tcp", os.Getenv("MYSQL_ADDR"), testserver.Database
	c.User, c.Passwd = testserver.User, strings.TrimSpace(string(password))
	c.InterpolateParams = true
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)

	form := testsite.Form()
	form.Del("pledge") // has no column
	columns := slices.Sorted(maps.Keys(form))
	insert := "INSERT INTO submissions (" + strings.Join(columns, ", ") +
		", created_at, tallied) VALUES "
	row := "(" + strings.Repeat("?, ", len(columns)) + "UTC_TIMESTAMP(3), TRUE)"
	answers := func(r *http.Request) []any {
		values := make([]any, len(columns))
		for i, column := range columns {
			values[i] = r.PostFormValue(column)
		}
		return values
	}
	return shareWrites(answers, func(ctx context.Context, forms [][]any) error {
		rows := row + strings.Repeat(", "+row, len(forms)-1)
		_, err := db.ExecContext(ctx, insert+rows, slices.Concat(forms...)...)
		return err
	}), nil
}

func writeToFile() (func(*http.Request) error, error) {
	path := filepath.Join(os.Getenv("DATA_DIR"), "floor")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|syscall.O_DSYNC, 0o600)
	if err != nil {
		return nil, err
	}
	block := make([]byte, 4096)
	return shareWrites(nothing, func(context.Context, []struct{}) error {
		_, err := file.WriteAt(block, 0)
		return err
	}), nil
}
