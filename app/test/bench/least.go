package main

import (
	"context"
	"database/sql"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/go-redis/redis/v8"
	"github.com/go-sql-driver/mysql"

	"simpleapp/internal/batch"
	"simpleapp/internal/testserver"
)

// least returns the least that a server can do to count a visit and to store a form durably, with the stores
// that the environment names as it does for the app. All who wait share one INCRBY or one INSERT; embedded, one
// block that is written again and again. What makes the app right under faults, and tells what it does, is
// missing: so this is about as fast as it could be on net/http, these stores and this disk.
func least() (count, store func(*http.Request) error, err error) {
	switch {
	case os.Getenv("REDIS_ADDR") != "":
		count = leastCount()
		store, err = leastStore()
		return count, store, err
	case os.Getenv("DATA_DIR") != "":
		count, err = leastFile()
		return count, count, err
	}
	drain := func(r *http.Request) error {
		_, err := io.Copy(io.Discard, r.Body)
		return err
	}
	return drain, drain, nil
}

// combined returns a function that has its item written together with those of other requests.
func combined[Item any](write func(context.Context, []Item) error, item func(*http.Request) Item) func(*http.Request) error {
	writes := batch.New(256, time.Minute, func(ctx context.Context, items []Item) ([]struct{}, error) {
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

func nothing(*http.Request) struct{} { return struct{}{} }

func leastCount() func(*http.Request) error {
	client := redis.NewClient(&redis.Options{Addr: os.Getenv("REDIS_ADDR"), MaxRetries: -1,
		OnConnect: func(ctx context.Context, conn *redis.Conn) error {
			password, err := os.ReadFile(os.Getenv("REDIS_PASSWORD_FILE"))
			if err != nil {
				return err
			}
			return conn.Auth(ctx, strings.TrimSpace(string(password))).Err()
		}})
	return combined(func(ctx context.Context, visits []struct{}) error {
		return client.IncrBy(ctx, "least", int64(len(visits))).Err()
	}, nothing)
}

func leastStore() (func(*http.Request) error, error) {
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
	fields := []string{"token", "first_name", "last_name", "favourite_food", "country"}
	row := ", (?" + strings.Repeat(", ?", len(fields)-1) + ", UTC_TIMESTAMP(3), TRUE)"
	return combined(func(ctx context.Context, forms [][]any) error {
		var args []any
		for _, form := range forms {
			args = append(args, form...)
		}
		_, err := db.ExecContext(ctx, "INSERT INTO submissions ("+strings.Join(fields, ", ")+", created_at, tallied) VALUES "+
			strings.Repeat(row, len(forms))[2:], args...)
		return err
	}, func(r *http.Request) []any {
		form := make([]any, len(fields))
		for i, field := range fields {
			form[i] = r.PostFormValue(field)
		}
		return form
	}), nil
}

func leastFile() (func(*http.Request) error, error) {
	file, err := os.OpenFile(filepath.Join(os.Getenv("DATA_DIR"), "least"), os.O_CREATE|os.O_WRONLY|syscall.O_DSYNC, 0o600)
	if err != nil {
		return nil, err
	}
	block := make([]byte, 4096)
	return combined(func(context.Context, []struct{}) error {
		_, err := file.WriteAt(block, 0)
		return err
	}, nothing), nil
}
