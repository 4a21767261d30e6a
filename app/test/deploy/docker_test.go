// Package deploy tests the images, docker-compose.yml, docker-stack.yml and the operator's commands
// on a real Docker engine, by the commands that people type. `make test-deploy` runs it.
package deploy

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"simpleapp/test/engine"
)

// services is in the order of dependence: app needs the other two.
var services = []string{"cache", "db", "app"}

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	defer engine.Start()()
	if found := leftovers(); found != "" {
		fmt.Printf("the engine is in use, or a run was killed:\n%s"+
			"remove these; docker swarm leave --force removes all that its swarm has\n", found)
		return 1
	}
	defer engine.RemoveImages()
	out, err := engine.Run("docker", "compose", "--progress", "plain", "build")
	if err != nil {
		fmt.Printf("build the images: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// leftovers lists what would make tests fail, some of them only after ten minutes: any service, and
// the secrets with fixed names that TestSiteOfTheStackFileAlone creates.
func leftovers() string {
	const list = `
		manager=$(docker info --format '{{.Swarm.ControlAvailable}}' 2>/dev/null)
		[ "$manager" = true ] || exit 0
		docker service ls --format 'service {{.Name}}'
		docker secret ls --format 'secret {{.Name}}' | grep -xE 'secret (mysql|redis)_password'`
	found, _ := engine.Run("bash", "-c", list)
	return found
}

// tryDocker runs docker in the folder of the repository and returns its output.
func tryDocker(args ...string) (string, error) { return engine.Run("docker", args...) }

// docker is tryDocker for a command that has to succeed.
func docker(t testing.TB, args ...string) string {
	t.Helper()
	return strings.TrimSpace(engine.Must(t, "docker", args...))
}

// atEnd runs docker at the end of the test, also after ctrl-C. It has to succeed.
func atEnd(t testing.TB, args ...string) {
	t.Cleanup(func() { engine.Clean(t, "docker", args...) })
}
