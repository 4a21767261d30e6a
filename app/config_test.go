package main

import (
	"context"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestConfigInstance(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for instance, want := range map[string]string{"": host, "3.node4": "3.node4"} {
		c, err := loadConfig(map[string]string{"INSTANCE": instance})
		if err != nil || c.Instance != want {
			t.Errorf("INSTANCE=%s is %q, %v, want %q", instance, c.Instance, err, want)
		}
	}
}

// A mistake in the environment ends the program at once. The error names the variable and the file.
func TestStartUpMistakes(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := t.TempDir()
	empty, file := filepath.Join(dir, "empty"), filepath.Join(dir, "file")
	missing := filepath.Join(dir, "missing")
	os.WriteFile(empty, []byte(" \n"), 0o600)
	os.WriteFile(file, []byte("secret-word"), 0o600)
	notSQLite := filepath.Join(dir, "not-sqlite")
	os.Mkdir(notSQLite, 0o700)
	content := []byte(strings.Repeat("not a database ", 100))
	os.WriteFile(filepath.Join(notSQLite, "visits.db"), content, 0o600)
	folder := filepath.Join(dir, "folder")
	os.MkdirAll(filepath.Join(folder, "submissions.db"), 0o700)

	for _, test := range []struct {
		name    string
		environ map[string]string
		wants   []string
	}{
		{"port in use",
			map[string]string{"ADDR": taken.Addr().String()},
			[]string{"ADDR", "address already in use", "to a free address, such as :8081"}},
		{"admin port in use",
			map[string]string{"ADMIN_ADDR": taken.Addr().String()},
			[]string{"ADMIN_ADDR", "address already in use",
				"set ADMIN_ADDR to a free address, such as 127.0.0.1:9091"}},
		{"bad address", map[string]string{"ADDR": "localhost"}, []string{"ADDR", "missing port"}},
		{"bad MySQL address",
			map[string]string{"MYSQL_ADDR": "db", "MYSQL_PASSWORD_FILE": file},
			[]string{"MYSQL_ADDR", `"db"`, "host:port"}},
		{"bad Redis address",
			map[string]string{"REDIS_ADDR": ":6379", "REDIS_PASSWORD_FILE": file},
			[]string{"REDIS_ADDR", "host:port"}},
		{"bad address of one of several MySQL servers",
			map[string]string{"MYSQL_ADDR": "a:3306,b", "MYSQL_PASSWORD_FILE": file},
			[]string{"MYSQL_ADDR", `"b"`, "host:port"}},
		{"a MySQL port that is no number",
			map[string]string{"MYSQL_ADDR": "db:abc", "MYSQL_PASSWORD_FILE": file},
			[]string{"MYSQL_ADDR", `"db:abc"`, "1 to 65535"}},
		{"a MySQL port that is too large",
			map[string]string{"MYSQL_ADDR": "a:3306,b:99999", "MYSQL_PASSWORD_FILE": file},
			[]string{"MYSQL_ADDR", `"b:99999"`, "1 to 65535"}},
		{"a Redis port that is no decimal number",
			map[string]string{"REDIS_ADDR": "127.0.0.1:0x", "REDIS_PASSWORD_FILE": file},
			[]string{"REDIS_ADDR", `"127.0.0.1:0x"`, "1 to 65535"}},
		{"a Redis port of 0",
			map[string]string{"REDIS_ADDR": "cache:0", "REDIS_PASSWORD_FILE": file},
			[]string{"REDIS_ADDR", `"cache:0"`, "1 to 65535"}},
		{"a space between the addresses of MySQL servers",
			map[string]string{"MYSQL_ADDR": "a:3306, b:3306", "MYSQL_PASSWORD_FILE": file},
			[]string{"MYSQL_ADDR", `" b:3306"`, "host:port"}},
		{"a domain that is an address",
			map[string]string{"DOMAIN": "192.0.2.7", "ACME_EMAIL": "me@example.com"},
			[]string{"DOMAIN", `"192.0.2.7"`, "is an address"}},
		{"a domain that is an IPv6 address",
			map[string]string{"DOMAIN": "[2001:db8::1]", "ACME_EMAIL": "me@example.com"},
			[]string{"DOMAIN", "is an address"}},
		{"a domain with a port",
			map[string]string{"DOMAIN": "a.example.com,food.example.com:443"},
			[]string{"DOMAIN", `"food.example.com:443"`, "has a port"}},
		{"a domain with a path",
			map[string]string{"DOMAIN": "food.example.com/x"}, []string{"DOMAIN", "has a path"}},
		{"a domain with a scheme",
			map[string]string{"DOMAIN": "https://food.example.com"},
			[]string{"DOMAIN", "has a path or a scheme"}},
		{"a wildcard",
			map[string]string{"DOMAIN": "*.example.com"}, []string{"DOMAIN", "wildcard"}},
		{"a domain without a dot",
			map[string]string{"DOMAIN": "localhost"}, []string{"DOMAIN", "no full name"}},
		{"a domain with other letters",
			map[string]string{"DOMAIN": "köln.example.com"}, []string{"DOMAIN", "xn--"}},
		{"a domain of commas",
			map[string]string{"DOMAIN": " , "}, []string{"DOMAIN", "0 names"}},
		{"no ACME_EMAIL",
			map[string]string{"DOMAIN": "food.example.com"},
			[]string{"ACME_EMAIL", "to which the authority may write"}},
		{"a bad ACME_EMAIL",
			map[string]string{"DOMAIN": "food.example.com", "ACME_EMAIL": "Me <me@example.com>"},
			[]string{"ACME_EMAIL", "no e-mail address"}},
		{"a bad ACME_DIRECTORY",
			map[string]string{"DOMAIN": "food.example.com", "ACME_EMAIL": "me@example.com",
				"ACME_DIRECTORY": "http://ca.example.com/"},
			[]string{"ACME_DIRECTORY", "no https address"}},
		{"a missing ACME_CA_FILE",
			map[string]string{"DOMAIN": "food.example.com", "ACME_EMAIL": "me@example.com",
				"ACME_CA_FILE": missing},
			[]string{"ACME_CA_FILE", missing}},
		{"port of https in use",
			map[string]string{"DOMAIN": "food.example.com", "ACME_EMAIL": "me@example.com",
				"HTTPS_ADDR": taken.Addr().String()},
			[]string{"HTTPS_ADDR", "address already in use"}},
		{"a time zone of Go's own",
			map[string]string{"TZ": "Local"}, []string{"TZ", "Local", "Asia/Singapore"}},
		{"a log level with a number",
			map[string]string{"LOG_LEVEL": "error+9"}, []string{"LOG_LEVEL", "ERROR+9", "warn"}},
		{"unknown MYSQL_TLS",
			map[string]string{"MYSQL_ADDR": "db:3306", "MYSQL_PASSWORD_FILE": file,
				"MYSQL_TLS": "yes"},
			[]string{"MYSQL_TLS", `"yes"`, "preferred", "verify"}},
		{"unknown REDIS_TLS",
			map[string]string{"REDIS_ADDR": "cache:6379", "REDIS_PASSWORD_FILE": file,
				"REDIS_TLS": "on"},
			[]string{"REDIS_TLS", `"on"`, "off", "verify"}},
		{"missing file of authorities",
			map[string]string{"MYSQL_ADDR": "db:3306", "MYSQL_PASSWORD_FILE": file,
				"MYSQL_TLS": "verify", "MYSQL_TLS_CA_FILE": missing},
			[]string{"MYSQL_TLS_CA_FILE", missing, "no such file", "in PEM format"}},
		{"file of authorities without a certificate",
			map[string]string{"REDIS_ADDR": "cache:6379", "REDIS_PASSWORD_FILE": file,
				"REDIS_TLS": "verify", "REDIS_TLS_CA_FILE": file},
			[]string{"REDIS_TLS_CA_FILE", file, "no certificate"}},
		{"MYSQL_TLS_CA_FILE without MYSQL_TLS=verify",
			map[string]string{"MYSQL_ADDR": "db:3306", "MYSQL_PASSWORD_FILE": file,
				"MYSQL_TLS_CA_FILE": file},
			[]string{"MYSQL_TLS_CA_FILE", "MYSQL_TLS=verify"}},
		{"no MySQL password file",
			map[string]string{"MYSQL_ADDR": "db:3306", "MYSQL_PASSWORD_FILE": missing},
			[]string{"MYSQL_PASSWORD_FILE", missing, "set it to a file", "password in it"}},
		{"empty MySQL password file",
			map[string]string{"MYSQL_ADDR": "db:3306", "MYSQL_PASSWORD_FILE": empty},
			[]string{"MYSQL_PASSWORD_FILE", empty, "empty"}},
		{"no Redis password file",
			map[string]string{"REDIS_ADDR": "cache:6379"},
			[]string{"REDIS_PASSWORD_FILE", "/run/secrets/redis_password"}},
		{"empty Redis password file",
			map[string]string{"REDIS_ADDR": "cache:6379", "REDIS_PASSWORD_FILE": empty},
			[]string{"REDIS_PASSWORD_FILE", empty, "empty"}},
		{"bad time zone",
			map[string]string{"TZ": "Mars/Olympus"},
			[]string{"TZ", "Mars/Olympus", "Asia/Singapore"}},
		{"POSIX rule as a time zone",
			map[string]string{"TZ": "SGT-8"},
			[]string{"TZ", "SGT-8", "Asia/Singapore"}},
		{"time zone from a missing file",
			map[string]string{"TZ": ":" + missing},
			[]string{"TZ", missing, "Asia/Singapore"}},
		{"time zone from a file that has none",
			map[string]string{"TZ": ":" + empty},
			[]string{"TZ", empty, "Asia/Singapore"}},
		{"bad log level",
			map[string]string{"LOG_LEVEL": "loud"},
			[]string{"LOG_LEVEL", "loud", "write it as debug, info, warn or error"}},
		{"bad delay",
			map[string]string{"SHUTDOWN_DELAY": "5"},
			[]string{"SHUTDOWN_DELAY", "5", "write it as a time such as 5s"}},
		{"bad port of https",
			map[string]string{"HTTPS_PORT": "abc"},
			[]string{"HTTPS_PORT", "abc", "write it as a number from 1 to 65535"}},
		{"port 0 of https",
			map[string]string{"DOMAIN": "food.example.com", "ACME_EMAIL": "me@example.com",
				"HTTPS_ADDR": "127.0.0.1:0", "HTTPS_PORT": "0"},
			[]string{"HTTPS_PORT", "0", "write it as a number from 1 to 65535"}},
		{"a missing WEB_DIR",
			map[string]string{"WEB_DIR": missing},
			[]string{"WEB_DIR", missing, "such as app/internal/web"}},
		{"negative delay",
			map[string]string{"SHUTDOWN_DELAY": "-5s"},
			[]string{"SHUTDOWN_DELAY", "-5s"}},
		{"data folder is a file",
			map[string]string{"DATA_DIR": file},
			[]string{"DATA_DIR", file, "set it to a folder that this user can write"}},
		{"data folder below a file",
			map[string]string{"DATA_DIR": file + "/data"},
			[]string{"DATA_DIR", file}},
		{"file in the data folder is not a database",
			map[string]string{"DATA_DIR": notSQLite},
			[]string{"DATA_DIR", "visits.db", "not a database", "import a backup"}},
		{"file in the data folder is a folder", map[string]string{"DATA_DIR": folder},
			[]string{"DATA_DIR", "submissions.db", "let this user write"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			environ := with(embedded(t), "ADDR", "127.0.0.1:0", "ADMIN_ADDR", "127.0.0.1:0")
			maps.Copy(environ, test.environ)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel() // otherwise a program that notices no mistake would serve for ever
			err := run(ctx, invocation{environ: environ, stdout: io.Discard, stderr: io.Discard})
			if err == nil {
				t.Fatal("run = nil, want an error")
			}
			for _, want := range test.wants {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("run = %v, want it to name %s", err, want)
				}
			}
			if strings.Contains(err.Error(), "secret-word") {
				t.Errorf("run = %v, which contains a password", err)
			}
		})
	}
}

// TZ accepts what C libraries accept, except POSIX rules such as SGT-8.
func TestTimeZone(t *testing.T) {
	// A file of the time zone database: version 1, eight hours east of UTC at all times.
	file := filepath.Join(t.TempDir(), "localtime")
	content := "TZif" + strings.Repeat("\x00", 16+4*4) + "\x00\x00\x00\x01\x00\x00\x00\x04" +
		"\x00\x00\x70\x80\x00\x00" + "SGT\x00"
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		tz    string
		hours int
	}{
		{"", 0}, {":", 0}, {"UTC", 0}, {":UTC", 0},
		{"Asia/Singapore", 8}, {":Asia/Singapore", 8}, {"Etc/GMT-8", 8}, {file, 8}, {":" + file, 8},
	} {
		c, err := loadConfig(map[string]string{"TZ": test.tz})
		if err != nil {
			t.Errorf("TZ=%s: %v", test.tz, err)
			continue
		}
		_, offset := time.Unix(1_800_000_000, 0).In(c.location).Zone()
		if offset != test.hours*3600 {
			t.Errorf("TZ=%s is %d s east of UTC, want %d hours", test.tz, offset, test.hours)
		}
	}
}
