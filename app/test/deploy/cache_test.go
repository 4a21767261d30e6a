package deploy

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// cacheLog is the file that Redis appends to, as a shell variable.
const cacheLog = `cd /volume/appendonlydir; log=$(sed -n 's/^file \(.*\) seq .* type i.*/\1/p' *.manifest | tail -n 1); `

// cacheAdmin returns what Redis answers to its administrator.
func (p *project) cacheAdmin(args ...string) string {
	p.Helper()
	return docker(p, append([]string{"exec", p.container("cache"), "cache-admin"}, args...)...)
}

// damaged stops cache, changes the volume by a shell script, and starts cache again.
func (p *project) damaged(script string) {
	p.Helper()
	p.compose("stop", "cache")
	p.onVolume("cache_data", cacheLog+script)
	docker(p, "start", p.container("cache"))
}

// A power loss leaves zeros at the end of the log. No visit that was shown to somebody is among them.
func TestCacheLogEndsInZeros(t *testing.T) {
	t.Parallel()
	p := newProject(t, "")
	p.compose("up", "--wait", "cache")
	p.cacheAdmin("-r", "25", "INCR", "visits")
	// keeps checks that cache starts with every visit, and returns the original that is kept beside the log.
	keeps := func(after string) (originals []string) {
		t.Helper()
		p.awaitHealthy("cache")
		if visits := p.cacheAdmin("GET", "visits"); visits != "25" {
			t.Errorf("after %s %s visits are counted, want 25", after, visits)
		}
		return strings.Fields(p.onVolume("cache_data", "cd /volume/appendonlydir; ls | grep original || true"))
	}

	p.damaged(`cp $log /volume/whole; head -c 5000 /dev/zero >>$log`)
	originals := keeps("zeros at the end of the log")
	p.awaitLog("cache", "ended in 5000 zeros, as after a power loss: cut them off; the original is /data/appendonlydir/")
	if len(originals) != 1 {
		t.Fatalf("the original log is kept as %q, want one file", originals)
	}
	// Exactly the zeros are gone, and the original still has them.
	p.onVolume("cache_data", cacheLog+`cmp $log /volume/whole
		head -c 5000 /dev/zero | cat /volume/whole - | cmp - `+originals[0])
	docker(p, "restart", p.container("cache"))
	if again := keeps("a normal start"); strings.Join(again, " ") != originals[0] {
		t.Errorf("a normal start makes %q of the originals %q", again, originals)
	}

	p.damaged(`printf '*2\r\n$4\r\nIN' >>$log; head -c 4096 /dev/zero >>$log`)
	if originals = keeps("zeros after an incomplete command"); len(originals) != 1 {
		t.Errorf("after a second power loss the originals are %q, want the last one alone", originals)
	}

	p.cacheAdmin("BGREWRITEAOF")
	eventually(t, "the log is written anew", func() error {
		if file := p.onVolume("cache_data", cacheLog+`stat -c '%n %s' "$log"`); file != "appendonly.aof.2.incr.aof 0" {
			return fmt.Errorf("its last file is %s", file)
		}
		return nil
	})
	p.damaged(`head -c 4096 /dev/zero >>$log`)
	keeps("a new file of the log that has nothing but zeros")
}

// Any other damage stops cache, which changes nothing and says what an operator can do.
func TestCacheLogDamaged(t *testing.T) {
	t.Parallel()
	p := newProject(t, "")
	p.compose("up", "--wait", "cache")
	p.cacheAdmin("-r", "25", "INCR", "visits")
	const sums = "cd /volume/appendonlydir; sha256sum *"
	// stops damages the log, checks that cache refuses it, and returns what cache says about that.
	stops := func(damage, script, words string) string {
		t.Helper()
		p.damaged("rm -rf /volume/whole; cp -a /volume/appendonlydir /volume/whole; " + script)
		before := p.onVolume("cache_data", sums)
		p.awaitLog("cache", words)
		log := docker(t, "logs", p.container("cache"))
		p.compose("stop", "cache")
		if after := p.onVolume("cache_data", sums); after != before {
			t.Errorf("with %s the files of the log were\n%s\nand are now\n%s", damage, before, after)
		}
		return log
	}
	const restore = "rm -rf /volume/appendonlydir; cp -a /volume/whole /volume/appendonlydir"
	const found = "redis-check-aof finds its log damaged"

	stops("a missing manifest", "rm *.manifest", "appendonly.aof.manifest is missing")
	p.onVolume("cache_data", restore)
	stops("a damaged base file", "truncate -s -4 *.base.rdb", found)
	p.onVolume("cache_data", restore)
	log := stops("zeros in the middle", `head -c 8 /dev/zero | dd of=$log bs=1 seek=100 conv=notrunc status=none`, found)

	// The command in the log looks at the damage, and with --fix cuts it off, with what comes after it.
	check := regexp.MustCompile(`docker run --rm -it .*`).FindString(log)
	check = strings.Replace(check, "-it", "-i", 1)
	out, err := command(interrupted, "", "bash", "-c", check)
	says(t, check, out, err, "is not valid. Use the --fix option")
	fix := strings.Replace(check, " /data/", " --fix /data/", 1)
	if out, err := command(interrupted, "", "bash", "-c", "echo y | "+fix); err != nil {
		t.Fatalf("%s: %v\n%s", fix, err, out)
	}
	docker(t, "start", p.container("cache"))
	p.awaitHealthy("cache")
	if visits := p.cacheAdmin("GET", "visits"); visits != "2" {
		t.Errorf("after %s %s visits are counted, want the 2 before the damage", fix, visits)
	}
}
