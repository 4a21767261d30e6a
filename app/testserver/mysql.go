package testserver

import (
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// Database and User are those of the product.
const (
	Database = "simple_db"
	User     = "simpleapp"
)

// StartMySQL starts mysqld or, where that is missing, mariadbd, with the schema of mysql_db and a
// user that may do what the product's may: SELECT and INSERT. The caller ends it with Close.
func StartMySQL() (*Server, error) {
	s, err := newServer("mysql")
	if err != nil {
		return nil, err
	}
	if err := s.startMySQL(); err != nil {
		return nil, errors.Join(fmt.Errorf("start MySQL: %w", err), s.Close())
	}
	return s, nil
}

func (s *Server) startMySQL() error {
	server, err := mysqlServer()
	if err != nil {
		return err
	}
	data, account := filepath.Join(s.dir, "data"), "--user="+currentUser()
	install := exec.Command(server, "--no-defaults", "--initialize-insecure", "--datadir="+data, account)
	if version, _ := exec.Command(server, "--version").Output(); strings.Contains(string(version), "MariaDB") {
		install = exec.Command("mariadb-install-db", "--no-defaults", "--datadir="+data, account,
			"--auth-root-authentication-method=normal", "--skip-test-db")
	}
	if output, err := install.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, output)
	}
	_, port, _ := net.SplitHostPort(s.Addr)
	s.command = func() *exec.Cmd {
		return exec.Command(server, "--no-defaults", "--datadir="+data, account,
			"--bind-address=127.0.0.1", "--port="+port, "--socket="+s.socket(),
			"--pid-file="+filepath.Join(s.dir, "pid"), "--tmpdir="+s.dir, // a server empties it at its start
			"--skip-name-resolve", "--default-time-zone=+00:00",
			"--character-set-server=utf8mb4", "--innodb-flush-log-at-trx-commit=1")
	}
	root := s.root("", "")
	defer root.Close()
	s.ping = root.Ping
	if err := s.Start(); err != nil {
		return err
	}
	schema, err := os.ReadFile(schemaFile())
	if err != nil {
		return err
	}
	for _, statement := range []string{
		"CREATE DATABASE " + Database,
		"USE " + Database,
		string(schema),
		fmt.Sprintf("CREATE USER '%s'@'%%' IDENTIFIED BY '%s'", User, s.Password),
		fmt.Sprintf("GRANT SELECT, INSERT ON %s.submissions TO '%s'@'%%'", Database, User),
		fmt.Sprintf("ALTER USER 'root'@'localhost' IDENTIFIED BY '%s'", s.Password),
	} {
		if _, err := root.Exec(statement); err != nil {
			return err
		}
	}
	s.ping = s.Root().Ping
	return nil
}

// Root returns a connection pool of the server's administrator, in the product's database.
func (s *Server) Root() *sql.DB { return s.root(s.Password, Database) }

func (s *Server) root(password, database string) *sql.DB {
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User, c.Passwd, c.DBName = "unix", s.socket(), "root", password, database
	c.MultiStatements, c.ParseTime = true, true
	c.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		panic(err) // the settings above are wrong
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1) // USE holds for all that follows
	return db
}

func (s *Server) socket() string { return filepath.Join(s.dir, "socket") }

func mysqlServer() (string, error) {
	for _, name := range []string{"mysqld", "mariadbd", "/usr/sbin/mysqld", "/usr/sbin/mariadbd"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("mysqld or mariadbd is not installed: `make test` installs it")
}

func currentUser() string {
	if os.Getuid() == 0 {
		return "root"
	}
	return os.Getenv("USER")
}

// schemaFile returns the path of mysql_db/schema.sql in this checkout.
func schemaFile() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "../../mysql_db/schema.sql")
}
