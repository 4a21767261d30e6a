package testserver

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// Database and User are the database and the account of the app.
const (
	Database = "simple_db"
	User     = "simpleapp"
)

// StartMySQL starts mysqld, or mariadbd if mysqld is not installed. It applies the migrations and
// creates an account with the rights of the app's account. The caller must call Close.
func StartMySQL() (*Server, error) { return StartMySQLWith() }

// StartMySQLWith is StartMySQL with further options on the server's command line.
func StartMySQLWith(options ...string) (*Server, error) {
	s, err := newServer("mysql")
	if err != nil {
		return nil, err
	}
	if err := s.startMySQL(options); err != nil {
		return nil, errors.Join(fmt.Errorf("start MySQL: %w", err), s.Close())
	}
	return s, nil
}

func (s *Server) startMySQL(options []string) error {
	server, err := mysqlServer()
	if err != nil {
		return err
	}
	data, account := filepath.Join(s.dir, "data"), "--user="+currentUser()
	install := exec.Command(server, "--no-defaults", "--initialize-insecure",
		"--datadir="+data, account)
	version, _ := exec.Command(server, "--version").Output()
	if strings.Contains(string(version), "MariaDB") {
		install = exec.Command("mariadb-install-db", "--no-defaults", "--datadir="+data, account,
			"--auth-root-authentication-method=normal", "--skip-test-db")
	}
	// Two concurrent installations would delete each other's temporary tables.
	install.Env = append(os.Environ(), "TMPDIR="+s.dir)
	if output, err := install.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, output)
	}
	_, port, _ := net.SplitHostPort(s.Addr)
	s.command = func() *exec.Cmd {
		return exec.Command(server, append([]string{"--no-defaults", "--datadir=" + data, account,
			"--bind-address=127.0.0.1", "--port=" + port, "--socket=" + s.socket(),
			// A server that starts deletes the temporary tables in tmpdir, also those of another
			// one.
			"--pid-file=" + filepath.Join(s.dir, "pid"), "--tmpdir=" + s.dir,
			"--loose-mysqlx=OFF", // it would open port 33060; MariaDB has no such option
			// MariaDB writes by io_uring. When Stop kills MariaDB, a write that has begun may go on
			// in the kernel, and might change a page that the next server has recovered already.
			"--innodb-use-native-aio=OFF",
			"--skip-name-resolve", "--default-time-zone=+00:00",
			"--character-set-server=utf8mb4", "--innodb-flush-log-at-trx-commit=1"},
			options...)...)
	}
	root := s.root("", "")
	defer root.Close()
	s.ping = pinger(func() *sql.DB { return s.root("", "") })
	if err := s.Start(); err != nil {
		return err
	}
	statements := []string{"CREATE DATABASE " + Database, "USE " + Database}
	// Glob sorts by name, which is also the order in which the db image runs the migrations.
	files, err := filepath.Glob(checkout("app/internal/database/migrations/mysql/*.sql"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("find the migrations: %q, %v", files, err)
	}
	for _, file := range files {
		migration, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		statements = append(statements, string(migration))
	}
	grants, err := os.ReadFile(MySQLFile("grants.sql"))
	if err != nil {
		return err
	}
	statements = append(statements,
		fmt.Sprintf("CREATE USER '%s'@'%%' IDENTIFIED BY '%s'", User, s.Password),
		string(grants),
		fmt.Sprintf("ALTER USER 'root'@'localhost' IDENTIFIED BY '%s'", s.Password))
	for _, statement := range statements {
		if _, err := root.Exec(statement); err != nil {
			return err
		}
	}
	s.ping = pinger(s.Root)
	return nil
}

// pinger returns a function that returns an error unless the server answers within ten seconds.
func pinger(connect func() *sql.DB) func() error {
	return func() error {
		db := connect()
		defer db.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		return db.PingContext(ctx)
	}
}

// Root returns a connection pool of the server's administrator. It uses the app's database.
func (s *Server) Root() *sql.DB { return s.root(s.Password, Database) }

// Empty removes all submissions, their counts and the visit count from the app's database.
func (s *Server) Empty() error {
	root := s.Root()
	defer root.Close()
	_, err := root.Exec("TRUNCATE TABLE submissions; TRUNCATE TABLE tallies; " +
		"TRUNCATE TABLE tally_log; UPDATE visit_total SET total = 0")
	return err
}

// Miscounted compares the tallies of a database with the sums of its submissions, and returns the
// differences. Rows in the log and submissions that are not tallied are differences, too.
// Miscounted works only if the spellings of each food differ in nothing but case.
func (s *Server) Miscounted(database string) (wrong []string, err error) {
	root := s.root(s.Password, database)
	defer root.Close()
	rows, err := root.Query(`SELECT CONCAT(scope, ' ', name, ' is off by ', SUM(n)) FROM (
		SELECT scope, name, n FROM tallies
		UNION ALL SELECT 'country', country, -COUNT(*) FROM submissions GROUP BY country
		UNION ALL SELECT 'food', LOWER(favourite_food), -COUNT(*)
			FROM submissions GROUP BY LOWER(favourite_food)
		UNION ALL SELECT CONCAT('food:', LOWER(favourite_food)), favourite_food, -COUNT(*)
			FROM submissions GROUP BY favourite_food
		UNION ALL SELECT 'quarter', DATE_FORMAT(
				FROM_UNIXTIME(FLOOR(UNIX_TIMESTAMP(created_at) / 900) * 900),
				'%Y-%m-%d %H:%i') AS time, -COUNT(*)
			FROM submissions GROUP BY time
		UNION ALL SELECT 'hour', DATE_FORMAT(created_at, '%Y-%m-%d %H:00') AS time, -COUNT(*)
			FROM submissions GROUP BY time
		UNION ALL SELECT 'log', 'rows', COUNT(*) FROM tally_log
		UNION ALL SELECT 'submissions', 'not tallied', COUNT(*) FROM submissions WHERE NOT tallied
	) AS difference GROUP BY scope, name HAVING SUM(n) <> 0 LIMIT 20`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		wrong = append(wrong, text)
	}
	return wrong, rows.Err()
}

func (s *Server) root(password, database string) *sql.DB {
	return s.connect("root", password, database)
}

// As returns a connection pool of a user whose password is that of the app's account.
func (s *Server) As(user, database string) *sql.DB { return s.connect(user, s.Password, database) }

func (s *Server) connect(user, password, database string) *sql.DB {
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User, c.Passwd, c.DBName = "unix", s.socket(), user, password, database
	c.MultiStatements, c.ParseTime = true, true
	c.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		panic(err) // the settings above are wrong
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1) // USE applies to the statements that follow
	return db
}

func (s *Server) socket() string { return filepath.Join(s.dir, "socket") }

func mysqlServer() (string, error) {
	// A machine may also have a MySQL that is too old: see app/test/setup.
	for _, name := range []string{"mariadbd", "/usr/sbin/mariadbd", "mysqld", "/usr/sbin/mysqld"} {
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

// MySQLFile returns the path of a file of mysql_db in this checkout.
func MySQLFile(name string) string { return checkout("mysql_db/" + name) }

// checkout returns the path of a file in this checkout of the repository.
func checkout(path string) string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "../../..", path)
}
