package deploy

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"simpleapp/test/engine"
)

// sql runs a statement in db over TCP, with the app's account, and returns the answer.
func (p *project) sql(statement string) (string, error) {
	const asApp = `export MYSQL_PWD=$(<"$MYSQL_PASSWORD_FILE")
		mysql --protocol=tcp -h 127.0.0.1 -u "$MYSQL_USER" -N -e "$0" "$MYSQL_DATABASE"`
	return tryDocker("exec", p.container("db"), "bash", "-c", asApp, statement)
}

// appRights checks what the app's accounts in MySQL and Redis can do and what they can't.
func appRights(p *project) {
	grants, err := p.sql("SHOW GRANTS")
	wanted := []string{
		"GRANT USAGE ON *.*",
		"GRANT SELECT, INSERT, DELETE ON `simple_db`.`acme`",
		"GRANT SELECT, INSERT ON `simple_db`.`submissions`",
		"GRANT SELECT, INSERT, UPDATE ON `simple_db`.`tallies`",
		"GRANT SELECT, INSERT, DELETE ON `simple_db`.`tally_log`",
		"GRANT SELECT, UPDATE ON `simple_db`.`visit_total`",
	}
	for _, want := range wanted {
		if !strings.Contains(grants, want) {
			err = errors.Join(err, fmt.Errorf("no %s", want))
		}
	}
	if err != nil || strings.Count(grants, "GRANT ") != len(wanted) {
		p.Errorf("the app's grants are\n%s(%v), want exactly %q", grants, err, wanted)
	}
	for _, statement := range []string{
		"DROP TABLE submissions", "TRUNCATE submissions", "ALTER TABLE submissions ADD other INT",
		"DELETE FROM submissions", "UPDATE submissions SET country = 'SG'",
		"CREATE TABLE other (id INT)", "DELETE FROM tallies", "DELETE FROM visit_total",
		"UPDATE tally_log SET counts = ''", "UPDATE acme SET value = ''",
		"SELECT * FROM mysql.user",
	} {
		if out, err := p.sql(statement); err == nil || !strings.Contains(out, "command denied") {
			p.Errorf("%s as the app: %v, want denied\n%s", statement, err, out)
		}
	}

	// On the app's network root is refused, with the app's password and without one. The login of
	// simpleapp shows that the network itself works.
	login := func(user, secret string) (string, error) {
		return tryDocker("run", "--rm", "--network", p.name+"_back-tier", "--no-healthcheck",
			"--volume", filepath.Join(p.dir, "devsecrets")+":/run/secrets:ro",
			"--entrypoint", "bash", engine.Image("db"), "-c",
			`MYSQL_PWD=$(</run/secrets/$1) exec mysql --protocol=tcp -h db -u $0 -e 'SELECT 1'`,
			user, secret)
	}
	if out, err := login("simpleapp", "mysql_password"); err != nil {
		p.Errorf("log in as simpleapp: %v\n%s", err, out)
	}
	for _, secret := range []string{"mysql_password", "no_password"} {
		out, err := login("root", secret)
		if err == nil || !strings.Contains(out, "Access denied") {
			p.Errorf("log in as root with %s: %v, want denied\n%s", secret, err, out)
		}
	}
	// In db's container, MySQL accepts only the container's own user as root.
	out, err := tryDocker("exec", "--user", "nobody", p.container("db"), "db-admin")
	if err == nil || !strings.Contains(out, "Access denied") {
		p.Errorf("db-admin as nobody: %v, want denied\n%s", err, out)
	}

	redis := func(args ...string) string {
		const asApp = `REDISCLI_AUTH=$(cat "$REDIS_PASSWORD_FILE") exec redis-cli "$@"`
		exec := []string{"exec", p.container("cache"), "sh", "-c", asApp, "redis-cli"}
		return docker(p, append(exec, args...)...)
	}
	if answer := redis("GET", "visits"); answer == "" || strings.Contains(answer, "NOPERM") {
		p.Errorf("GET visits as the app: %s", answer)
	}
	for _, args := range [][]string{
		{"FLUSHALL"}, {"CONFIG", "GET", "*"}, {"ACL", "LIST"}, {"SHUTDOWN"}, {"GET", "other"},
	} {
		if answer := redis(args...); !strings.Contains(answer, "NOPERM") {
			p.Errorf("%s as the app: %s, want NOPERM", strings.Join(args, " "), answer)
		}
	}
	answer := docker(p, "exec", p.container("cache"), "redis-cli", "PING")
	if !strings.Contains(answer, "NOAUTH") {
		p.Errorf("PING without a password: %s, want NOAUTH", answer)
	}
}

// separateNetworks checks that db and cache can reach neither each other nor the front tier.
func separateNetworks(p *project) {
	in := func(service, script string) error {
		_, err := tryDocker("exec", p.container(service), "timeout", "5", "bash", "-c", script)
		return err
	}
	address := func(service, network, port string) string {
		ip := p.inspect(service, fmt.Sprintf(
			`{{with index .NetworkSettings.Networks "%s_%s"}}{{.IPAddress}}{{end}}`,
			p.name, network))
		return ip + "/" + port
	}
	cache := address("cache", "cache-tier", "6379")
	db := address("db", "back-tier", "3306")
	app := address("app", "front-tier", "8080")
	for service, reach := range map[string]struct{ own, other, otherName string }{
		"db": {db, cache, "cache"}, "cache": {cache, db, "db"},
	} {
		if err := in(service, "getent hosts app && </dev/tcp/"+reach.own); err != nil {
			p.Errorf("%s can't resolve app or reach itself: %v", service, err)
		}
		if in(service, "getent hosts "+reach.otherName) == nil {
			p.Errorf("%s resolves %s", service, reach.otherName)
		}
		if in(service, "</dev/tcp/"+reach.other) == nil {
			p.Errorf("%s reaches %s by its address", service, reach.otherName)
		}
		// An address outside the networks of db and cache stands for the internet.
		if in(service, "</dev/tcp/"+app) == nil {
			p.Errorf("%s reaches the front tier", service)
		}
	}
	docker(p, "run", "--rm", "--network", p.name+"_front-tier", "--no-healthcheck",
		"--entrypoint", "bash", engine.Image("cache"), "-c", "</dev/tcp/"+app)
	for network, want := range map[string]string{
		"front-tier": "false", "back-tier": "true", "cache-tier": "true",
	} {
		got := docker(p, "network", "inspect", "--format", "{{.Internal}}", p.name+"_"+network)
		if got != want {
			p.Errorf("Internal of %s = %s, want %s", network, got, want)
		}
	}
}

// processes is a shell script that prints the user, the capabilities and the command line of each
// process of a container, and the mount of its root file system. A process may end meanwhile.
const processes = `
for p in /proc/[0-9]*; do
  [ "$(readlink $p/ns/mnt)" = "$(readlink /proc/1/ns/mnt)" ] || continue
  rights=$(awk '/^(Uid|CapEff|NoNewPrivs):/{printf "%s%s ", $1, $2}' $p/status) &&
    command=$(tr '\0' ' ' <$p/cmdline) && echo "process $rights $command"
done 2>/dev/null
grep ' / ' /proc/1/mounts`

func hardened(p *project) {
	for _, service := range services {
		out := p.inside(service, processes)
		lines := strings.Split(out, "\n")
		root := strings.Fields(lines[len(lines)-1])
		if len(root) < 4 || root[1] != "/" || !strings.HasPrefix(root[3], "ro,") {
			p.Errorf("%s: the root file system is mounted as %q, want ro", service, root)
		}
		if len(lines) < 3 { // init, the server and the file system
			p.Errorf("%s has too few processes:\n%s", service, out)
		}
		for _, process := range lines[:len(lines)-1] {
			if !strings.Contains(process, "CapEff:0000000000000000 NoNewPrivs:1") ||
				strings.Contains(process, "Uid:0 ") ||
				service == "app" && !strings.Contains(process, "Uid:65532 ") {
				p.Errorf("%s: %s, want no capabilities, no new privileges and not root",
					service, process)
			}
		}
		limits := p.inspect(service,
			"{{with .HostConfig}}{{.Memory}} {{.NanoCpus}} {{.PidsLimit}}{{end}}")
		for _, limit := range strings.Fields(limits) {
			if limit == "0" || limit == "<nil>" || strings.HasPrefix(limit, "-") {
				p.Errorf("%s: the limits of memory, CPU and pids are %s, want all three",
					service, limits)
			}
		}
		rest := p.inspect(service, `{{with .HostConfig}}{{.RestartPolicy.Name}} `+
			`{{.LogConfig.Type}} {{index .LogConfig.Config "max-size"}} `+
			`{{index .LogConfig.Config "max-file"}} `+
			`{{.CapDrop}} {{.CapAdd}} {{.Privileged}}{{end}}`)
		if want := "unless-stopped json-file 10m 3 [ALL] [] false"; rest != want {
			p.Errorf("%s: restart, logs and capabilities are %s, want %s", service, rest, want)
		}
	}
}

func secretsStaySecret(p *project) {
	for _, service := range services {
		image := engine.Image(service)
		seen := map[string]string{
			"docker inspect":          docker(p, "inspect", p.container(service), image),
			"docker history":          docker(p, "history", "--no-trunc", image),
			"docker logs":             docker(p, "logs", p.container(service)),
			"/proc/*/cmdline":         p.inside(service, processes),
			"the image's environment": inspectImage(p, service, "{{.Config.Env}}"),
		}
		for _, secret := range []string{"mysql_password", "redis_password"} {
			content, err := os.ReadFile(filepath.Join(p.dir, "devsecrets", secret))
			if err != nil || len(content) < 10 {
				p.Fatalf("%s: %q, %v", secret, content, err)
			}
			for where, text := range seen {
				if text == "" {
					p.Errorf("%s of %s is empty", where, service)
				}
				if strings.Contains(text, strings.TrimSpace(string(content))) {
					p.Errorf("%s of %s shows %s", where, service, secret)
				}
			}
		}
		for secret, holders := range map[string]string{
			"mysql_password": "db app", "redis_password": "cache app",
		} {
			mounts := p.inspect(service, "{{range .Mounts}}{{.Destination}},{{end}}")
			mounted := strings.Contains(mounts, "/run/secrets/"+secret+",")
			if want := strings.Contains(holders, service); mounted != want {
				p.Errorf("%s has %s: %v, want %v", service, secret, mounted, want)
			}
		}
	}
}

// In a repository that was cloned with a strict umask, only the owner can read the secrets.
func TestUnreadableSecret(t *testing.T) {
	t.Parallel()
	p := newProject(t, "")
	for secret, service := range map[string]string{
		"mysql_password": "db", "redis_password": "cache",
	} {
		if err := os.Chmod(filepath.Join(p.dir, "devsecrets", secret), 0o600); err != nil {
			t.Fatal(err)
		}
		p.wantRefusal(service, "/run/secrets/"+secret, "chmod 0644 devsecrets/"+secret)
		if err := os.Chmod(filepath.Join(p.dir, "devsecrets", secret), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
