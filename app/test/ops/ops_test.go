package ops

import (
	"os"
	"path/filepath"
	"testing"
)

// manager has the cases of a site that runs: this engine is a manager, and the app has three
// replicas of version 1.0 on port 8080.
const manager = `
case "$*" in
  "info --format {{.Swarm.ControlAvailable}} {{.Swarm.NodeID}}") echo "true node1" ;;
  "service inspect --format {{.ID}} mystack_app") echo app1 ;;
  "service inspect --format {{.Spec.TaskTemplate.ContainerSpec.Image}} mystack_app")
    echo mysimpleapp_app:1.0 ;;
  "service inspect --format {{.Spec.TaskTemplate.ContainerSpec.Image}} mystack_db")
    echo mysimpleapp_db:0.9 ;;
  "service inspect --format {{with .Spec}}"*mystack_app)
    printf '%s\n' APP_REPLICAS=3 HTTP_PORT=8080 PREVIOUS=mysimpleapp_app:0.9 HEALTH_TIMEOUT=20s ;;
  "service inspect --format {{range .Spec.TaskTemplate.ContainerSpec.Secrets}}"*mystack_app)
    echo "mysql_password mystack_mysql_password_v2"
    echo "redis_password mystack_redis_password_v1" ;;
  "service inspect --format {{range .Spec.TaskTemplate.ContainerSpec.Secrets}}"*mystack_db)
    echo "mysql_password mystack_mysql_password_first" ;;
  "secret ls --format {{.Name}}")
    echo mystack_mysql_password_v2
    echo mystack_redis_password_v1 ;;
`

// oneContainer has the cases of services that have one container each, on this node.
const oneContainer = `
  "service ps --quiet --no-trunc --filter desired-state=running "*) echo task1 ;;
  "inspect --type task --format {{.Status.State}} {{.NodeID}} "*) echo running node1 container1 ;;
`

// neverDeployed has the cases of a swarm without the site.
const neverDeployed = `
case "$*" in
  "info --format {{.Swarm.ControlAvailable}} {{.Swarm.NodeID}}") echo "true node1" ;;
  "service inspect"*) echo "no such service: ${*: -1}" >&2; exit 1 ;;
`

// noSettings and noSecret have the cases of a swarm without the options of a site, and without its
// passwords.
const noSettings = `
  "config inspect"*) echo "Error response from daemon: config ${*: -1} not found" >&2; exit 1 ;;
`
const noSecret = `
  "secret inspect"*) echo "Error response from daemon: secret ${*: -1} not found" >&2; exit 1 ;;
`

// otherService has the cases of a service of another stack on port 443.
const otherService = `
  "service ls --quiet") echo other1 ;;
  "service inspect --format {{range .Endpoint.Ports}}"*other1) echo 443 other_web other ;;
`

func TestCommandsRefuseInvalidOptions(t *testing.T) {
	short := filepath.Join(t.TempDir(), "half.json.gz")
	if err := os.WriteFile(short, []byte("\x1f\x8b\x08"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, docker, reason string
		command              []string
	}{
		{"no engine", `case "$*" in info*) echo false; echo "Cannot connect" >&2; exit 1 ;;`,
			"no Docker engine answers: Cannot connect", []string{"status"}},
		{"a worker", `case "$*" in info*) echo "false node1" ;;`,
			"run this command on a manager", []string{"status"}},
		{"no site", neverDeployed,
			"there is no stack mystack (STACK=… names another one)", []string{"status"}},
		{"no site to remove", neverDeployed + noSettings,
			"there is no stack mystack (STACK=… names another one)", []string{"undeploy"}},
		{"no secrets", neverDeployed + noSettings + noSecret,
			"no secret mysql_password: make swarm-init creates it",
			[]string{"deploy", "VERSION=1.0"}},
		{"a site that was removed, without its secrets", neverDeployed + `
  "config inspect --format"*mystack_settings) echo MYSQL_PASSWORD_FIRST=first ;;` + noSecret,
			"no secret first: put it back; or remove the site with its data",
			[]string{"deploy", "VERSION=1.0"}},
		{"no replicas", manager, "N=…", []string{"scale", "N=0"}},
		{"not a number of replicas", manager, "N=…", []string{"scale", "N=many"}},
		{"no registry", manager, "REGISTRY=…", []string{"push", "VERSION=1.0"}},
		{"no version", manager, "VERSION=…", []string{"push", "REGISTRY=registry.example.com"}},
		{"no earlier version", manager,
			"no version before mysimpleapp_app:1.0 is known", []string{"rollback"}},
		{"no name of a secret", manager, "NAME=mysql_password", []string{"rotate-secret"}},
		{"another secret", manager,
			"NAME=mysql_password", []string{"rotate-secret", "NAME=mysql_root_password"}},
		{"a rotation while app is updated", manager + oneContainer + `
  "service inspect --format {{with .Spec.Mode.Replicated}}"*) echo "3 updating new" ;;`,
			"app is still being updated", []string{"rotate-secret", "NAME=mysql_password"}},
		{"a rotation after an update that stopped", manager + oneContainer + `
  "service inspect --format {{with .Spec.Mode.Replicated}}"*) echo "3 paused new" ;;`,
			"an update of app stopped half-way, so its replicas differ: make deploy first",
			[]string{"rotate-secret", "NAME=mysql_password"}},
		{"a rotation after a rollback that stopped", manager + oneContainer + `
  "service inspect --format {{with .Spec.Mode.Replicated}}"*) echo "1 rollback_paused new" ;;
  "inspect --type task "*) echo "running new" ;;`,
			"an update of app stopped half-way, so its replicas differ: make deploy first",
			[]string{"rotate-secret", "NAME=mysql_password"}},
		{"a scale after an update that stopped", manager + oneContainer + `
  "service inspect --format {{with .Spec.Mode.Replicated}}"*) echo "3 paused new" ;;`,
			"an update of app stopped half-way, so its replicas differ: make deploy first",
			[]string{"scale", "N=5"}},
		{"a rollback after Swarm's own", manager + oneContainer + `
  "service inspect --format {{index .Spec.Labels"*) echo mysimpleapp_app:0.9 ;;
  "service inspect --format {{with .Spec.Mode.Replicated}}"*) echo "3 rollback_completed new" ;;`,
			"Swarm itself has rolled the last update back to mysimpleapp_app:1.0",
			[]string{"rollback"}},
		{"a password named twice", manager, "name each password once",
			[]string{"rotate-secret", "NAME=mysql_password mysql_password"}},
		{"an address as the domain", manager + deployment,
			"DOMAIN: 192.0.2.7 is no full name in DNS",
			[]string{"deploy", "DOMAIN=food.example.com,192.0.2.7", "ACME_EMAIL=me@example.com"}},
		{"a domain with a port", manager + deployment,
			"DOMAIN: food.example.com:443 is no full name in DNS",
			[]string{"deploy", "DOMAIN=food.example.com:443", "ACME_EMAIL=me@example.com"}},
		{"a domain with a scheme", manager + deployment,
			"DOMAIN: https://food.example.com is no full name in DNS",
			[]string{"deploy", "DOMAIN=https://food.example.com", "ACME_EMAIL=me@example.com"}},
		{"a domain without an e-mail address", manager + deployment,
			"ACME_EMAIL=: with DOMAIN, set it to the e-mail address",
			[]string{"deploy", "DOMAIN=food.example.com www.food.example.com"}},
		{"a domain that ends with a hyphen", manager + deployment,
			"DOMAIN: food-.example.com is no full name in DNS",
			[]string{"deploy", "DOMAIN=food-.example.com", "ACME_EMAIL=me@example.com"}},
		{"an e-mail address in brackets", manager + deployment,
			"ACME_EMAIL=<me@example.com>: with DOMAIN, set it to the e-mail address",
			[]string{"deploy", "DOMAIN=food.example.com", "ACME_EMAIL=<me@example.com>"}},
		{"an authority without https", manager + deployment,
			"ACME_DIRECTORY=http://ca.example.com is no https address",
			[]string{"deploy", "DOMAIN=food.example.com", "ACME_EMAIL=me@example.com",
				"ACME_DIRECTORY=http://ca.example.com"}},
		{"the port of another service", manager + deployment + otherService,
			"port 443: the service other_web has it",
			[]string{"deploy", "DOMAIN=food.example.com", "ACME_EMAIL=me@example.com"}},
		{"no file", manager, "FILE is missing: say where to write", []string{"backup"}},
		{"a folder for a backup", manager,
			"is a folder: name a file in it", []string{"backup", "FILE=" + t.TempDir()}},
		{"a folder as a backup", manager,
			"is a folder: name the backup in it", []string{"restore", "FILE=" + t.TempDir()}},
		{"a file that does not exist", manager,
			"/no/such/file can't be read", []string{"restore", "FILE=/no/such/file"}},
		{"a pipe as a backup", manager,
			"/dev/null is no regular file: write FILE=-", []string{"restore", "FILE=/dev/null"}},
		{"a merge that is neither yes nor no", manager,
			"MERGE=1 is neither yes nor no", []string{"restore", "FILE=" + short, "MERGE=1"}},
		{"no reference", manager,
			"REFERENCE is missing: say which submission", []string{"forget"}},
		{"half a backup", manager,
			"is incomplete or damaged: use another backup", []string{"restore", "FILE=" + short}},
		{"an unknown part", manager,
			"ONLY=names is neither visits nor submissions",
			[]string{"restore", "FILE=" + short, "ONLY=names"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := newOperator(t, test.docker)
			o.wantRefused(test.reason, test.command[0], test.command[1:]...)
		})
	}
}
