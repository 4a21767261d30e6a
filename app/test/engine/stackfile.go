package engine

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// DeployFile is TryDeployFile for a deployment that has to succeed.
func DeployFile(t testing.TB, stack string, env ...string) {
	t.Helper()
	if out, err := TryDeployFile(t, stack, env...); err != nil {
		t.Fatalf("docker stack deploy: %v\n%s", err, out)
	}
}

// TryDeployFile deploys docker-stack.yml by Docker's own command, without the other files of the
// repository. If STACK_RENDER is set (ops/deploy), that command alone runs in the repository,
// because it may need its files. Docker's commands and that one have the variables of env.
// TryDeployFile returns what they printed.
func TryDeployFile(t testing.TB, stack string, env ...string) (string, error) {
	t.Helper()
	const name = "docker-stack.yml"
	folder := t.TempDir()
	file, err := os.ReadFile(filepath.Join(Root, name))
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, name), file, 0o600)
	}
	if err != nil {
		t.Fatalf("copy %s: %v", name, err)
	}
	const deploy = `if [ -z "${STACK_RENDER:-}" ]; then
			docker stack deploy -c docker-stack.yml "$0"
		else
			docker stack config -c docker-stack.yml >config.yml
			(cd "$1" && bash -euc "$STACK_RENDER") <config.yml |
				docker stack deploy --resolve-image never -c - "$0"
		fi`
	return Command{Dir: folder, Env: env}.Run("bash", "-euo", "pipefail", "-c", deploy, stack, Root)
}

// Render returns a STACK_RENDER that runs these commands one after the other, and then the
// STACK_RENDER of this run. The commands get what docker stack config prints.
func Render(commands ...string) string {
	if render := os.Getenv("STACK_RENDER"); render != "" {
		commands = append(slices.Clone(commands), "("+render+")")
	}
	return strings.Join(commands, " | ")
}

// OlderRender returns a STACK_RENDER that makes of docker-stack.yml what it was before db was a
// group: one task, which runs MySQL alone. Then further commands change it, as in Render.
func OlderRender(further ...string) string {
	const older = `sed -e '/^  db:/,/^  db-first:/{` +
		`s/mode: global/mode: replicated\n      replicas: 1/;/entrypoint:/,+3d;/DB_GROUP/d}'`
	return Render(append([]string{older}, further...)...)
}
