package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/caarlos0/env/v11"
)

// A config contains the settings in the environment. docs/configuration.md explains them. The
// struct tag `as` says how to write a value that is not a text.
type config struct {
	Addr          string        `env:"ADDR" envDefault:":8080"`
	AdminAddr     string        `env:"ADMIN_ADDR" envDefault:"127.0.0.1:9090"`
	DataDir       string        `env:"DATA_DIR" envDefault:"./data"`
	MySQLAddrs    []string      `env:"MYSQL_ADDR"` // with commas between them
	MySQLDatabase string        `env:"MYSQL_DATABASE" envDefault:"simple_db"`
	MySQLUser     string        `env:"MYSQL_USER" envDefault:"simpleapp"`
	MySQLPassword secretFile    `env:"MYSQL_PASSWORD_FILE" envDefault:"/run/secrets/mysql_password"`
	MySQLTLS      string        `env:"MYSQL_TLS" envDefault:"preferred"`
	MySQLCA       string        `env:"MYSQL_TLS_CA_FILE"`
	RedisAddr     string        `env:"REDIS_ADDR"`
	RedisUser     string        `env:"REDIS_USERNAME"`
	RedisTLS      string        `env:"REDIS_TLS" envDefault:"off"`
	RedisCA       string        `env:"REDIS_TLS_CA_FILE"`
	RedisPassword secretFile    `env:"REDIS_PASSWORD_FILE" envDefault:"/run/secrets/redis_password"`
	Instance      string        `env:"INSTANCE"`
	ListedAs      string        `env:"LISTED_AS"`
	Domain        string        `env:"DOMAIN"`
	ACMEEmail     string        `env:"ACME_EMAIL"`
	ACMEDirectory string        `env:"ACME_DIRECTORY"`
	ACMECA        string        `env:"ACME_CA_FILE"`
	HTTPSAddr     string        `env:"HTTPS_ADDR" envDefault:":8443"`
	HTTPSPort     uint16        `env:"HTTPS_PORT" envDefault:"443" as:"a number from 1 to 65535"`
	WebDir        string        `env:"WEB_DIR"`
	TimeZone      string        `env:"TZ" envDefault:"UTC"`
	LogLevel      slog.Level    `env:"LOG_LEVEL" envDefault:"info" as:"debug, info, warn or error"`
	ShutdownDelay time.Duration `env:"SHUTDOWN_DELAY" envDefault:"0s" as:"a time such as 5s"`

	location      *time.Location // of TimeZone
	webFiles      fs.FS          // in WebDir; nil if WEB_DIR is not set
	mysqlPassword string         // the content of its file at the start
	// The TLS configurations that verify the servers, or nil.
	mysqlTLS, redisTLS *tls.Config
	domains            []string       // of Domain; nil if the site is on plain http
	acmeRoots          *x509.CertPool // of ACMECA; nil if they are those of the system
}

// portRange is how to write a port. The tag of HTTPSPort has it, too.
const portRange = "a number from 1 to 65535"

// The remedies for a variable that names no usable folder or file.
const (
	setWebDir   = "set it to a folder that has templates and static, such as app/internal/web"
	setPassword = "set it to a file that this user can read, with the password in it"
)

// loadConfig returns the settings in environ. Its errors name the variable that is wrong.
func loadConfig(environ map[string]string) (config, error) {
	c, err := env.ParseAsWithOptions[config](env.Options{Environment: environ})
	var parse env.ParseError
	if errors.As(err, &parse) {
		field, _ := reflect.TypeFor[config]().FieldByName(parse.Name)
		return c, fmt.Errorf("%s: %w: write it as %s",
			field.Tag.Get("env"), parse.Err, field.Tag.Get("as"))
	} else if err != nil {
		return c, err
	}
	if c.location, err = location(c.TimeZone); err != nil {
		return c, fmt.Errorf("TZ: %w: write a name such as Asia/Singapore or UTC", err)
	}
	switch c.LogLevel { // the parser also takes warn+1
	case slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError:
	default:
		return c, fmt.Errorf("LOG_LEVEL: %v has a number: write debug, info, warn or error",
			c.LogLevel)
	}
	if c.Instance == "" {
		if c.Instance, err = os.Hostname(); err != nil {
			return c, fmt.Errorf("INSTANCE: %w", err)
		}
	}
	if c.WebDir != "" {
		if info, err := os.Stat(c.WebDir); err != nil {
			return c, fmt.Errorf("WEB_DIR: %w: %s", err, setWebDir)
		} else if !info.IsDir() {
			return c, fmt.Errorf("WEB_DIR: %s is not a folder: %s", c.WebDir, setWebDir)
		}
		c.webFiles = os.DirFS(c.WebDir)
	}
	if c.ShutdownDelay < 0 {
		return c, fmt.Errorf("SHUTDOWN_DELAY: %v is negative", c.ShutdownDelay)
	}
	if err := c.checkHTTPS(); err != nil {
		return c, err
	}
	if c.MySQLAddrs != nil {
		for _, addr := range c.MySQLAddrs {
			if err := checkAddr(addr); err != nil {
				return c, fmt.Errorf("MYSQL_ADDR: %w", err)
			}
		}
		if c.mysqlPassword, err = c.MySQLPassword.read(); err != nil {
			return c, fmt.Errorf("MYSQL_PASSWORD_FILE: %w: %s", err, setPassword)
		}
		c.mysqlTLS, err = clientTLS("MYSQL_TLS", c.MySQLTLS, "preferred", c.MySQLCA)
		if err != nil {
			return c, err
		}
	}
	if c.RedisAddr != "" {
		if err := checkAddr(c.RedisAddr); err != nil {
			return c, fmt.Errorf("REDIS_ADDR: %w", err)
		}
		if _, err := c.RedisPassword.read(); err != nil {
			return c, fmt.Errorf("REDIS_PASSWORD_FILE: %w: %s", err, setPassword)
		}
		if c.redisTLS, err = clientTLS("REDIS_TLS", c.RedisTLS, "off", c.RedisCA); err != nil {
			return c, err
		}
	}
	return c, nil
}

func checkAddr(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || host == "" || strings.ContainsFunc(addr, unicode.IsSpace) {
		return fmt.Errorf("%q is not host:port", addr)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("%q is not host:port: write the port as %s", addr, portRange)
	}
	return nil
}

// clientTLS returns the TLS configuration for the variable called name. Its value must be "verify",
// or the word for no verification, such as "off", for which clientTLS returns nil. The file caFile
// has the certificates of the trusted authorities. If caFile is empty, the system's authorities are
// trusted.
func clientTLS(name, value, noVerification, caFile string) (*tls.Config, error) {
	switch value {
	case noVerification:
		if caFile != "" {
			return nil, fmt.Errorf(
				"%s_CA_FILE: it has no effect: remove it, or set %[1]s=verify", name)
		}
		return nil, nil
	case "verify":
	default:
		return nil, fmt.Errorf("%s: %q is neither %s nor verify", name, value, noVerification)
	}
	roots, err := readRoots(name+"_CA_FILE", caFile)
	return &tls.Config{RootCAs: roots}, err
}

// readRoots returns the certificates in the file that a variable names, or nil if it names none.
func readRoots(variable, file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	certificates, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: set it to a file that this user can read, with "+
			"certificates in PEM format", variable, err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(certificates) {
		return nil, fmt.Errorf("%s: %s has no certificate in PEM format", variable, file)
	}
	return roots, nil
}

// location returns the time zone that a TZ variable names. POSIX allows a colon before the name. C
// libraries also accept the path of a file, as in :/etc/localtime.
func location(tz string) (*time.Location, error) {
	name := strings.TrimPrefix(tz, ":")
	if name == "Local" { // to Go it is the zone that TZ names
		return nil, errors.New("no time zone has the name Local")
	}
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
