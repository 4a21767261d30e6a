package main

import (
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/go-redis/redis/v8"
	"github.com/go-sql-driver/mysql"
)

// plainCommand is the argument that makes this program a plain server.
const plainCommand = "plain-server"

// servePlain is a server in plain Go: each visit is one INCR, and each form is one INSERT. It has
// the settings that the clients have by default, or that their documentation recommends.
func servePlain() error {
	cachePassword, cacheErr := os.ReadFile(os.Getenv("REDIS_PASSWORD_FILE"))
	password, databaseErr := os.ReadFile(os.Getenv("MYSQL_PASSWORD_FILE"))
	if err := errors.Join(cacheErr, databaseErr); err != nil {
		return err
	}
	cache := redis.NewClient(&redis.Options{Addr: os.Getenv("REDIS_ADDR"),
		Password: strings.TrimSpace(string(cachePassword))})

	c := mysql.NewConfig()
	c.Net, c.Addr, c.DBName = "tcp", os.Getenv("MYSQL_ADDR"), os.Getenv("MYSQL_DATABASE")
	c.User, c.Passwd = os.Getenv("MYSQL_USER"), strings.TrimSpace(string(password))
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	// The README of the driver recommends these.
	db.SetConnMaxLifetime(3 * time.Minute)
	db.SetMaxOpenConns(10)
	db.SetMaxIdleConns(10)
	insert, err := db.Prepare("INSERT INTO " + os.Getenv("TABLE") +
		" (token, first_name, last_name, favourite_food, country, created_at)" +
		" VALUES (?, ?, ?, ?, ?, UTC_TIMESTAMP(3))")
	if err != nil {
		return err
	}

	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		visits, err := cache.Incr(r.Context(), os.Getenv("VISITS_KEY")).Result()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintf(w, "<p>Visits: %d</p>\n", visits)
	})
	mux.HandleFunc("POST /simpleform", func(w http.ResponseWriter, r *http.Request) {
		_, err := insert.ExecContext(r.Context(), r.PostFormValue("token"),
			r.PostFormValue("first_name"), r.PostFormValue("last_name"),
			r.PostFormValue("favourite_food"), r.PostFormValue("country"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	return http.ListenAndServe(net.JoinHostPort("127.0.0.1", os.Getenv("PORT")), mux)
}
