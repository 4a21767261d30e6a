package ops

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// deployment has the cases of a deployment. It records the variables, and the stack file that make
// deploy adds for the images and the port of https. Then it fails.
const deployment = oneContainer + `
  "secret inspect"*) echo secret1 ;;
  "stack deploy --help") ;;
  "stack deploy -c"*)
    env >"$0.env"
    cat "${6:-/dev/null}" >"$0.additions"
    exit 3 ;;
  "service ps"*) ;;
`

// wantDeployed runs make deploy with variables, and checks that docker stack deploy was called with
// each line of want in its environment.
func (o *operator) wantDeployed(variables, want []string) {
	o.Helper()
	if out, status := o.run("deploy", variables...); status == 0 {
		o.Errorf("deploy = 0 after docker stack deploy failed, want a failure:\n%s", out)
	}
	env, err := os.ReadFile(o.file("docker.env"))
	if err != nil {
		o.Fatalf("docker stack deploy was not called: %v", err)
	}
	got := strings.Split(string(env), "\n")
	for _, want := range want {
		if !slices.Contains(got, want) {
			o.Errorf("deployed without %s, but with\n%s", want, env)
		}
	}
}

// make deploy keeps the value of each option that the operator leaves out.
func TestDeployKeepsOptionsThatAreLeftOut(t *testing.T) {
	for _, test := range []struct {
		name            string
		variables, want []string
	}{
		{"no option", nil,
			[]string{"APP_REPLICAS=3", "HTTP_PORT=8080", "REGISTRY=", "VERSION=1.0",
				"MYSQL_PASSWORD_SECRET=mystack_mysql_password_v2",
				"MYSQL_PASSWORD_FIRST=mystack_mysql_password_first",
				"HEALTH_TIMEOUT=20s", "OPTIONS=HEALTH_TIMEOUT=20s",
				"CACHE_PLACEMENT=node.labels.mystack.cache == true",
				"PREVIOUS=mysimpleapp_app:0.9"}},
		{"the version", []string{"VERSION=1.1"},
			[]string{"APP_REPLICAS=3", "HTTP_PORT=8080", "REGISTRY=", "VERSION=1.1",
				"MYSQL_PASSWORD_SECRET=mystack_mysql_password_v2",
				"MYSQL_PASSWORD_FIRST=mystack_mysql_password_first",
				"HEALTH_TIMEOUT=20s", "PREVIOUS=mysimpleapp_app:1.0"}},
		{"all options",
			[]string{"APP_REPLICAS=5", "HTTP_PORT=80", "MYSQL_PASSWORD_SECRET=another",
				"REGISTRY=registry.example.com/team", "VERSION=1.1", "HEALTH_TIMEOUT=9s",
				"DB_PLACEMENT=node.role == worker"},
			[]string{"APP_REPLICAS=5", "HTTP_PORT=80", "MYSQL_PASSWORD_SECRET=another",
				"REGISTRY=registry.example.com/team/", "VERSION=1.1", "HEALTH_TIMEOUT=9s",
				"OPTIONS=DB_PLACEMENT=node.role == worker", "PREVIOUS=mysimpleapp_app:1.0"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			newOperator(t, manager+deployment).wantDeployed(test.variables, test.want)
		})
	}
}

// If db does not run because its last update failed, make deploy corrects db before it migrates.
func TestDeployCorrectsDatabaseThatDoesNotRun(t *testing.T) {
	o := newOperator(t, manager+`
  "service inspect --format {{with .Spec.Mode.Replicated}}"*UpdateStatus*mystack_db)
    echo "1 rollback_completed new" ;;
`+deployment)
	o.wantDeployed([]string{"DB_VERSION=1.1"}, nil)
	if calls := o.calls(); strings.Contains(calls, "/simpleapp") {
		t.Errorf("deploy migrated a database that does not run:\n%s", calls)
	}
}

// make undeploy keeps the options for the next make deploy.
func TestUndeployAndDeployBringTheSiteBack(t *testing.T) {
	o := newOperator(t, manager+`
  "config create"*) cat >"$0.config" ;;
`)
	if out, status := o.run("undeploy"); status != 0 {
		t.Fatalf("undeploy = %d:\n%s", status, out)
	}
	const created = "config create --label simpleapp.stack=mystack mystack_settings -\n"
	if !strings.Contains(o.calls(), created) {
		t.Errorf("undeploy did not call docker %sbut:\n%s", created, o.calls())
	}
	o.setDocker(neverDeployed + `
  "config inspect --format"*mystack_settings) cat "$0.config" ;;
  "secret ls --format {{.Name}}") printf '%s\n' mystack_{mysql,redis}_password_v3 ;;
` + deployment)
	o.wantDeployed(nil, []string{"APP_REPLICAS=3", "HTTP_PORT=8080", "VERSION=1.0", "REGISTRY=",
		"MYSQL_PASSWORD_SECRET=mystack_mysql_password_v2",
		"MYSQL_PASSWORD_FIRST=mystack_mysql_password_first",
		"HEALTH_TIMEOUT=20s", "PREVIOUS=mysimpleapp_app:0.9"})
	images, err := os.ReadFile(o.file("docker.additions"))
	const want = `db: { image: "mysimpleapp_db:0.9" }`
	if !strings.Contains(string(images), want) {
		t.Errorf("deployed without %s (%v):\n%s", want, err, images)
	}
}

// An undeploy that was interrupted can be repeated, and so can one that is done.
func TestUndeployCanBeRepeated(t *testing.T) {
	for name, docker := range map[string]string{
		"options are left": `"config inspect --format"*mystack_settings) echo APP_REPLICAS=3 ;;`,
		"a network is left": `
  "stack rm mystack") touch "$0.removed" ;;
  "network ls --quiet"*) [ -e "$0.removed" ] || echo network1 ;;`,
		"a task holds a network for a moment": `
  "stack rm mystack")
    if [ ! -e "$0.refused" ]; then
      touch "$0.refused"
      echo "Failed to remove network network1: it is in use by task task1" >&2
      exit 1
    fi
    touch "$0.removed" ;;
  "network ls --quiet"*) [ -e "$0.removed" ] || echo network1 ;;`,
	} {
		t.Run(name, func(t *testing.T) {
			o := newOperator(t, neverDeployed+docker)
			out, status := o.run("undeploy", "TIMEOUT=60") // its first attempt may be refused
			if status != 0 || !strings.Contains(o.calls(), "stack rm mystack\n") {
				t.Errorf("undeploy = %d, want 0 and docker stack rm:\n%s%s", status, out, o.calls())
			}
		})
	}
}

// With DOMAIN, make deploy publishes the port of https, too. DOMAIN=off ends that.
func TestDeployPublishesHTTPS(t *testing.T) {
	const port = `app: { ports: ["443:8443"] }`
	for _, test := range []struct {
		name      string
		variables []string
		want      string // in the environment
		published bool
	}{
		{"no domain", nil, "OPTIONS=HEALTH_TIMEOUT=20s", false},
		{"a domain", []string{"DOMAIN=food.example.com", "ACME_EMAIL=me@example.com",
			"HEALTH_TIMEOUT=9s"}, "ACME_EMAIL=me@example.com", true},
		{"off", []string{"DOMAIN=off"}, "OPTIONS=HEALTH_TIMEOUT=20s", false},
		{"Let's Encrypt again", []string{"ACME_DIRECTORY=off"}, "OPTIONS=HEALTH_TIMEOUT=20s",
			false},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := newOperator(t, manager+deployment)
			o.wantDeployed(test.variables, []string{test.want})
			additions, err := os.ReadFile(o.file("docker.additions"))
			if err != nil || strings.Contains(string(additions), port) != test.published {
				t.Errorf("deployed with (%v)\n%s\nwant %s: %t", err, additions, port,
					test.published)
			}
		})
	}
}

// Swarm would take the port of another program on this machine without a word.
func TestDeployRefusesPortOfAnotherProgram(t *testing.T) {
	program, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	port := fmt.Sprint(program.Addr().(*net.TCPAddr).Port)
	const here = `
  "info --format {{.Name}}") echo machine1 ;;
`
	o := newOperator(t, manager+here+deployment)
	o.install("hostname", "echo machine1")
	o.wantRefused("port "+port+": another program or container of this machine has it", "deploy",
		"HTTP_PORT="+port)

	o.setDocker(manager + here + `
  "service ls --quiet") echo app1 ;;
  "service inspect --format {{range .Endpoint.Ports}}"*app1)
    echo ` + port + ` mystack_app mystack ;;
` + deployment)
	o.wantDeployed([]string{"HTTP_PORT=" + port}, []string{"HTTP_PORT=" + port})

	o.setDocker(manager + here + deployment)
	o.install("hostname", "echo another-machine") // its ports tell nothing
	o.wantDeployed([]string{"HTTP_PORT=" + port}, []string{"HTTP_PORT=" + port})
}

// site.env has options of make deploy. The command line overrides site.env.
func TestDeployReadsSiteEnv(t *testing.T) {
	write := func(t *testing.T, content string) string {
		file := filepath.Join(t.TempDir(), "site.env")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	t.Run("every way to write a line", func(t *testing.T) {
		file := write(t, "\uFEFF# the site of the example\r\n\r\n"+
			"REGISTRY=registry.example.com/team\r\n"+
			"  HTTP_PORT=81   # not 80\n"+
			"DB_PLACEMENT=node.role == worker\n"+
			"CACHE_PLACEMENT=\"node.hostname == node5\" # quoted\n"+
			"HEALTH_TIMEOUT='9s'\n"+
			"DOMAIN= # none yet\n"+
			"APP_REPLICAS=7\n"+
			"VERSION=1.1") // no line end
		newOperator(t, manager+deployment).wantDeployed(
			[]string{"SITE_ENV=" + file, "APP_REPLICAS=5"},
			[]string{"REGISTRY=registry.example.com/team/", "VERSION=1.1", "HTTP_PORT=81",
				"CACHE_PLACEMENT=node.hostname == node5", "APP_REPLICAS=5",
				"PREVIOUS=mysimpleapp_app:1.0", "OPTIONS=DB_PLACEMENT=node.role == worker",
				"HEALTH_TIMEOUT=9s"})
	})
	for _, test := range []struct{ name, content, reason string }{
		{"no value", "# the site\nHTTP_PORT\n", "line 2: write NAME=value"},
		{"a space before =", "HTTP_PORT = 80\n", "line 1: write NAME=value"},
		{"a command", "export HTTP_PORT=80\n", "line 1: write NAME=value"},
		{"an unknown name", "HTTP_PROT=80\n", "line 1: HTTP_PROT is none of STACK REGISTRY "},
		{"a variable of the shell", "\nPATH=/tmp\n", "line 2: PATH is none of "},
		{"half a quote", "VERSION=\"1.1\n", "line 1: write the whole value of VERSION between"},
		{"words after a quote", "VERSION='1'.1\n", "line 1: write the whole value of VERSION"},
	} {
		t.Run(test.name, func(t *testing.T) {
			newOperator(t, manager+deployment).
				wantRefused(test.reason, "deploy", "SITE_ENV="+write(t, test.content))
		})
	}
	t.Run("no file", func(t *testing.T) {
		newOperator(t, manager+deployment).
			wantRefused("SITE_ENV=/no/such/file can't be read", "status", "SITE_ENV=/no/such/file")
	})
	t.Run("a folder", func(t *testing.T) {
		newOperator(t, manager+deployment).
			wantRefused("SITE_ENV=/ can't be read", "status", "SITE_ENV=/")
	})
}
