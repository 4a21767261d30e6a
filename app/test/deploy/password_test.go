package deploy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// No service starts with a password that it can't use. The package ops tests each rule for these.
func TestUnusablePassword(t *testing.T) {
	t.Parallel()
	p := newProject(t, "")
	for secret, holders := range map[string][]string{
		"mysql_password": {"db", "app"},
		"redis_password": {"cache", "app"},
	} {
		password, err := os.ReadFile(filepath.Join(p.dir, "devsecrets", secret))
		if err != nil {
			t.Fatal(err)
		}
		p.write("devsecrets/"+secret, "\n")
		for _, service := range holders {
			p.wantRefusal(service, "/run/secrets/"+secret+" is empty")
		}
		p.write("devsecrets/"+secret, string(password))
	}
	p.write("devsecrets/mysql_password", "it's-mine\n")
	p.wantRefusal("db", "/run/secrets/mysql_password has a quote")
	p.write("devsecrets/redis_password", "two words\n")
	p.wantRefusal("cache", "/run/secrets/redis_password has white space")
}

func TestVolumeFromAnotherPassword(t *testing.T) {
	t.Parallel()
	p := newProject(t, "")
	p.compose("up", "--wait")
	checkKept := p.submitAndVisit()
	old := map[string]string{}
	for name := range servers {
		password, err := os.ReadFile(filepath.Join(p.dir, "devsecrets", name))
		if err != nil {
			t.Fatal(err)
		}
		old[name] = strings.TrimSpace(string(password))
	}
	network := map[string]string{
		"mysql_password": p.name + "_back-tier", "redis_password": p.name + "_cache-tier",
	}
	// One rotation has changed the passwords, and another one was interrupted.
	for name, server := range servers {
		rotate := func(password, step string) {
			dockerWithInput(t, password, "exec", "--interactive", p.container(server.service),
				server.rotate, step)
		}
		rotate("rotated-"+name, "accept")
		rotate("", "finish")
		rotate("interrupted-"+name, "accept")
		for _, password := range []string{"rotated-" + name, "interrupted-" + name} {
			if !canLogIn(t, network[name], name, password) {
				t.Errorf("login with %q as %s is refused before the volume gets other passwords",
					password, name)
			}
		}
	}
	p.compose("down")

	p.write("devsecrets/mysql_password", `an'other\password`)
	p.write("devsecrets/redis_password", "another-redis-password")
	out, err := p.tryCompose("up", "--wait")
	wantFailure(t, "docker compose up", out, err, p.container("db")+" is unhealthy")
	p.awaitLog("db",
		"the password in /run/secrets/mysql_password is not the one in the data volume")
	p.awaitLog("db", "db-set-password")
	p.compose("up", "--no-deps", "--detach", "app")
	p.awaitLog("app", "MySQL does not accept MYSQL_USER with the password in MYSQL_PASSWORD_FILE")

	p.compose("exec", "--no-TTY", "db", "db-set-password")
	p.compose("exec", "--no-TTY", "cache", "cache-set-password")
	p.compose("restart")
	p.compose("up", "--wait")
	checkKept("a change of both passwords")
	for name := range servers {
		for _, password := range []string{old[name], "rotated-" + name, "interrupted-" + name} {
			if canLogIn(t, network[name], name, password) {
				t.Errorf("login with %q as %s is accepted, want it refused", password, name)
			}
		}
	}
}

func TestPasswordWithEveryOtherCharacter(t *testing.T) {
	t.Parallel()
	p := newProject(t, "")
	p.write("devsecrets/mysql_password",
		"-!#$%&()*+,./:;<=>?@[]^_`{|}~é食"+strings.Repeat("x", 221)+":\n")
	p.write("devsecrets/redis_password", `-!$%&()*+,./:;<=>?@[]^_{|}~é食'"\#`+"`\n")
	p.compose("up", "--wait")
	p.submitAndVisit()("a first start with unusual passwords")
}
