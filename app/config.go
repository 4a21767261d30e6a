package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"
	_ "time/tzdata" // for TZ on systems without a time zone database

	"github.com/caarlos0/env/v11"
)

// A config contains the settings in the environment. docs/configuration.md explains them.
type config struct {
	Addr          string        `env:"ADDR" envDefault:":8080"`
	AdminAddr     string        `env:"ADMIN_ADDR" envDefault:"127.0.0.1:9090"`
	DataDir       string        `env:"DATA_DIR" envDefault:"./data"`
	MySQLAddr     string        `env:"MYSQL_ADDR"`
	MySQLDatabase string        `env:"MYSQL_DATABASE" envDefault:"simple_db"`
	MySQLUser     string        `env:"MYSQL_USER" envDefault:"simpleapp"`
	MySQLPassword secretFile    `env:"MYSQL_PASSWORD_FILE" envDefault:"/run/secrets/mysql_password"`
	RedisAddr     string        `env:"REDIS_ADDR"`
	RedisPassword secretFile    `env:"REDIS_PASSWORD_FILE" envDefault:"/run/secrets/redis_password"`
	TimeZone      string        `env:"TZ" envDefault:"UTC"`
	LogLevel      slog.Level    `env:"LOG_LEVEL" envDefault:"info"`
	ShutdownDelay time.Duration `env:"SHUTDOWN_DELAY" envDefault:"0s"`

	location      *time.Location // of TimeZone
	mysqlPassword string         // the content of its file at the start
}

// loadConfig returns the settings in environ. Its errors name the variable that is wrong.
func loadConfig(environ map[string]string) (config, error) {
	c, err := env.ParseAsWithOptions[config](env.Options{Environment: environ})
	var parse env.ParseError
	if errors.As(err, &parse) {
		field, _ := reflect.TypeFor[config]().FieldByName(parse.Name)
		return c, fmt.Errorf("%s: %w", field.Tag.Get("env"), parse.Err)
	} else if err != nil {
		return c, err
	}
	if c.location, err = location(c.TimeZone); err != nil {
		return c, fmt.Errorf("TZ: %w: write a name such as Asia/Singapore or UTC", err)
	}
	if c.ShutdownDelay < 0 {
		return c, fmt.Errorf("SHUTDOWN_DELAY: %v is negative", c.ShutdownDelay)
	}
	for _, server := range []struct {
		addrName, addr, fileName string
		file                     secretFile
		password                 *string
	}{
		{"MYSQL_ADDR", c.MySQLAddr, "MYSQL_PASSWORD_FILE", c.MySQLPassword, &c.mysqlPassword},
		{"REDIS_ADDR", c.RedisAddr, "REDIS_PASSWORD_FILE", c.RedisPassword, new(string)},
	} {
		if server.addr == "" {
			continue
		}
		host, port, err := net.SplitHostPort(server.addr)
		if err != nil || host == "" || port == "" {
			return c, fmt.Errorf("%s: %q is not host:port", server.addrName, server.addr)
		}
		if *server.password, err = server.file.read(); err != nil {
			return c, fmt.Errorf("%s: %w", server.fileName, err)
		}
	}
	return c, nil
}

// location returns the time zone that a TZ variable names. POSIX allows a colon before the name. C
// libraries also accept the path of a file, as in :/etc/localtime.
func location(tz string) (*time.Location, error) {
	name := strings.TrimPrefix(tz, ":")
	if !filepath.IsAbs(name) {
		return time.LoadLocation(name)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	zone, err := time.LoadLocationFromTZData(name, data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return zone, nil
}

// A secretFile is the path of a file that holds a password and nothing else.
type secretFile string

// read returns the password, without the white space around it.
func (f secretFile) read() (string, error) {
	content, err := os.ReadFile(string(f))
	if err != nil {
		return "", err
	}
	secret := strings.TrimSpace(string(content))
	if secret == "" {
		return "", fmt.Errorf("%s is empty", f)
	}
	return secret, nil
}
