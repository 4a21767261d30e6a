package deploy

import "testing"

// Swarm's DNS may leave a healthy container out for ever: moby#35508. Nobody finds app or cache
// then, so they end, and say why. Here each has a name that lists nobody, or another container.
func TestUnlistedContainersEnd(t *testing.T) {
	t.Parallel()
	p := newProject(t, `services:
  app: { environment: { LISTED_AS: cache } }
  cache: { environment: { LISTED_AS: caches.invalid } }
`)
	p.compose("up", "--detach")
	p.awaitLog("app", "LISTED_AS: this replica is healthy, but cache does not list it")
	p.awaitHealth("cache", "unhealthy")
	docker(t, "stop", p.container("cache"))
	p.awaitLog("cache",
		"LISTED_AS: this container was healthy, but caches.invalid does not list it")

	docker(t, "start", p.container("cache"))
	p.awaitHealthy("cache")
	out := docker(t, "exec", "--env", "LISTED_AS=cache", p.container("cache"), "cache-healthcheck")
	if out != "PONG" {
		t.Errorf("a check of cache, which its name lists, says %q, want PONG alone", out)
	}
}
