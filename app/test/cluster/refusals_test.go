package cluster

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/go-sql-driver/mysql"

	"simpleapp/internal/database"
	"simpleapp/test/engine"
)

// refuse provokes errors of MySQL in a group that promise that nothing is stored, or that promise
// nothing. It checks that the app takes each of them for what it promises, and that no copy has the
// rows.
func (c *cluster) refuse() {
	c.Helper()
	primary, secondary := c.primary(), c.secondary()
	const (
		row    = "INSERT INTO tallies (scope, name, n) VALUES ('refused', 'x', 1);"
		tables = `CREATE TABLE without_key (name TEXT);
			CREATE TABLE large (id INT PRIMARY KEY, content LONGBLOB);`
	)
	if out, err := c.sql(primary, tables); err != nil {
		c.Fatalf("%v\n%s", err, out)
	}
	// OpenMySQL does not connect, so any address will do.
	db, err := database.OpenMySQL(database.MySQLConfig{Addrs: []string{"127.0.0.1:1"}})
	if err != nil {
		c.Fatal(err)
	}
	defer db.Close()
	for _, test := range []struct {
		node       int
		statements string
		number     uint16
		class      database.Failure
	}{
		{secondary, row, 1290, database.Moved},
		{primary, "START TRANSACTION READ ONLY;" + row, 1792, database.Moved},
		{primary, "BEGIN;" + row + "INSERT INTO without_key VALUES ('x'); COMMIT;", 3098,
			database.Moved},
		{primary, "BEGIN;" + row + "INSERT INTO large VALUES (1, REPEAT('x', 31000000)); COMMIT;",
			3100, database.Unknown},
		{primary, "BEGIN;" + row + "KILL QUERY CONNECTION_ID(); COMMIT;", 1317, database.Unknown},
		{primary, "BEGIN;" + row + row, 1062, database.Collided},
		{primary, "BEGIN;" + row + "INSERT INTO tallies (scope, name, n) " +
			"VALUES (REPEAT('x', 1000), 'x', 1); COMMIT;", 1406, database.InvalidData},
	} {
		out, err := c.sql(test.node, test.statements)
		found := regexp.MustCompile(`ERROR (\d+) \((\w{5})\)`).FindStringSubmatch(out)
		if err == nil || found == nil || found[1] != strconv.Itoa(int(test.number)) {
			c.Errorf("%s = %v, want error %d:\n%s", test.statements, err, test.number, out)
			continue
		}
		reply := &mysql.MySQLError{Number: test.number, SQLState: [5]byte([]byte(found[2]))}
		if class := db.Classify(reply); class != test.class {
			c.Errorf("Classify(%d) = %v, want %v", test.number, class, test.class)
		}
	}
	if out, err := c.sql(primary, "DROP TABLE without_key; DROP TABLE large;"); err != nil {
		c.Errorf("%v\n%s", err, out)
	}
	for _, node := range c.up {
		engine.Eventually(c, fmt.Sprintf("the copy of node%d has all transactions", node),
			func() error {
				out, err := c.sql(node, "SHOW TABLES LIKE 'large'")
				if err == nil && out != "" {
					err = fmt.Errorf("it has the table %s", out)
				}
				return err
			})
		out, err := c.sql(node, "SELECT COUNT(*) FROM tallies WHERE scope = 'refused'")
		if err != nil || out != "0" {
			c.Errorf("the copy of node%d has %s refused rows (%v), want 0", node, out, err)
		}
	}
}
