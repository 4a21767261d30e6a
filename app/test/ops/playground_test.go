package ops

import (
	"strings"
	"testing"
)

// The operator's shell and the command line of make may name options of another site. The
// playground has none of them. The times are for slow machines, and stay.
func TestPlaygroundIsNoOtherSite(t *testing.T) {
	o := newOperator(t, `case "$*" in`)
	o.install("make", `. ops/variables.sh
for name in MAKEFLAGS SITE_ENV "${site_variables[@]}"; do
  if [ -n "${!name:-}" ]; then set -- "$@" "$name=${!name}"; fi
done
echo "make $*"`)
	out, status := o.run("playground", "NODES=1", "VERSION=1.1", "MAKEFLAGS= -- STACK=live",
		"STACK=live", "REGISTRY=registry.example.com", "DB_VERSION=1", "CACHE_VERSION=1",
		"CACHE_PLACEMENT=p", "DB_PLACEMENT=p", "APP_REPLICAS=9", "HTTP_PORT=8080",
		"HTTPS_PORT=8443", "DOMAIN=food.example.com", "ACME_EMAIL=me@example.com",
		"ACME_DIRECTORY=d", "SSH_USER=me", "TIMEOUT=7", "MONITOR=5s", "HEALTH_TIMEOUT=20s")
	const times = " TIMEOUT=7 HEALTH_TIMEOUT=20s MONITOR=5s\n"
	if status != 0 || !strings.Contains(out, " deploy VERSION=1.1"+times) ||
		!strings.Contains(out, " swarm-init ADVERTISE_ADDR=.11"+times) {
		t.Errorf("playground = %d, want 0, and no options but the version and the times:\n%s",
			status, out)
	}
}
