package deploy

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"simpleapp/test/engine"
)

// cacheLog is a shell script that sets log to the file that Redis appends to.
const cacheLog = `cd /volume/appendonlydir
log=$(sed -n 's/^file \(.*\) seq .* type i.*/\1/p' *.manifest | tail -n 1)
`

// cacheAdmin runs a Redis command as the administrator and returns the answer.
func (p *project) cacheAdmin(args ...string) string {
	p.Helper()
	args = append([]string{"exec", p.container("cache"), "cache-admin"}, args...)
	return docker(p, args...)
}

// changeVolume stops cache, changes its volume by a shell script, and starts cache again.
func (p *project) changeVolume(script string) {
	p.Helper()
	p.compose("stop", "cache")
	p.onVolume("cache_data", cacheLog+script)
	docker(p, "start", p.container("cache"))
}

// A power loss leaves zeros at the end of the log. Cutting them off loses no visit.
func TestCacheLogEndsInZeros(t *testing.T) {
	t.Parallel()
	p := newProject(t, "")
	p.compose("up", "--wait", "cache")
	p.cacheAdmin("-r", "25", "INCR", "visits")
	// wantStart checks that cache starts with every visit. It returns the copies of the log from
	// before the repair.
	wantStart := func(after string) (originals []string) {
		t.Helper()
		p.awaitHealthy("cache")
		if visits := p.cacheAdmin("GET", "visits"); visits != "25" {
			t.Errorf("after %s %s visits are counted, want 25", after, visits)
		}
		return strings.Fields(p.onVolume("cache_data",
			"cd /volume/appendonlydir; ls | grep original || true"))
	}

	p.changeVolume(`cp $log /volume/intact; head -c 5000 /dev/zero >>$log`)
	originals := wantStart("zeros at the end of the log")
	p.awaitLog("cache", "ended in 5000 zeros, as after a power loss: cut them off; "+
		"the original is /data/appendonlydir/")
	if len(originals) != 1 {
		t.Fatalf("the original logs are %q, want one", originals)
	}
	// Only the zeros have been cut off, and the original still has them.
	p.onVolume("cache_data", cacheLog+`cmp $log /volume/intact
		head -c 5000 /dev/zero | cat /volume/intact - | cmp - `+originals[0])
	docker(p, "restart", p.container("cache"))
	if again := wantStart("a normal start"); strings.Join(again, " ") != originals[0] {
		t.Errorf("after a normal start the originals are %q, want %q", again, originals)
	}

	p.changeVolume(`printf '*2\r\n$4\r\nIN' >>$log; head -c 4096 /dev/zero >>$log`)
	if originals = wantStart("zeros after an incomplete command"); len(originals) != 1 {
		t.Errorf("after a second power loss the originals are %q, want only the last", originals)
	}

	p.cacheAdmin("BGREWRITEAOF")
	engine.Eventually(t, "the log is rewritten", func() error {
		file := p.onVolume("cache_data", cacheLog+`stat -c '%n %s' "$log"`)
		if file != "appendonly.aof.2.incr.aof 0" {
			return fmt.Errorf("its last file is %s", file)
		}
		return nil
	})
	p.changeVolume(`head -c 4096 /dev/zero >>$log`)
	wantStart("a new file of the log that has only zeros")
}

// With any other damage cache does not start, changes nothing and names the remedy.
func TestCacheLogDamaged(t *testing.T) {
	t.Parallel()
	p := newProject(t, "")
	p.compose("up", "--wait", "cache")
	p.cacheAdmin("-r", "25", "INCR", "visits")
	const sums = "cd /volume/appendonlydir; sha256sum *"
	// wantStop damages the log, checks that cache refuses it with these words, and returns its log.
	wantStop := func(damage, script, words string) string {
		t.Helper()
		p.compose("stop", "cache")
		before := p.onVolume("cache_data", cacheLog+
			"rm -rf /volume/intact; cp -a /volume/appendonlydir /volume/intact\n"+
			script+"\n"+sums)
		start := time.Now()
		docker(t, "start", p.container("cache"))
		p.awaitLogSince(start, "cache", words)
		log := docker(t, "logs", p.container("cache"))
		p.compose("stop", "cache")
		if after := p.onVolume("cache_data", sums); after != before {
			t.Errorf("with %s the files of the log are\n%s\nwant\n%s", damage, after, before)
		}
		return log
	}
	const restore = "rm -rf /volume/appendonlydir; cp -a /volume/intact /volume/appendonlydir"
	const found = "redis-check-aof finds its log damaged"

	wantStop("a missing manifest", "rm *.manifest", "appendonly.aof.manifest is missing")
	p.onVolume("cache_data", restore)
	wantStop("a damaged base file", "truncate -s -4 *.base.rdb", found)
	p.onVolume("cache_data", restore)
	log := wantStop("zeros in the middle",
		`head -c 8 /dev/zero | dd of=$log bs=1 seek=100 conv=notrunc status=none`, found)

	// The command in that log shows the damage. With --fix it cuts the log off where the damage
	// begins.
	check := regexp.MustCompile(`docker run --rm -it .*`).FindString(log)
	check = strings.Replace(check, "-it", "-i", 1)
	out, err := engine.Run("bash", "-c", check)
	wantFailure(t, check, out, err, "is not valid. Use the --fix option")
	fix := strings.Replace(check, " /data/", " --fix /data/", 1)
	if out, err := engine.Run("bash", "-c", "echo y | "+fix); err != nil {
		t.Fatalf("%s: %v\n%s", fix, err, out)
	}
	docker(t, "start", p.container("cache"))
	p.awaitHealthy("cache")
	if visits := p.cacheAdmin("GET", "visits"); visits != "2" {
		t.Errorf("after %s %s visits are counted, want the 2 before the damage", fix, visits)
	}
}
