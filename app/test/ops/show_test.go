package ops

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// replicaLine matches the line of a replica: its name, its version, and the rest, which begins with
// a bar and a number.
var replicaLine = regexp.MustCompile(`^  (\S+) +(\S+) +(█+ (\d+) of .*)$`)

// Two replicas take turns by connection, as they do behind Swarm's mesh. The second one leaves.
func TestShowDrawsEachReplica(t *testing.T) {
	var connections, requests atomic.Int64
	site := httptest.NewUnstartedServer(http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/ping" { // as http redirects to https
				w.Header().Set("Connection", "close") // of another replica, which leaves
				http.Redirect(w, r, "/moved", http.StatusMovedPermanently)
				return
			}
			replica := requests.Add(1)%2 + 1
			if replica == 2 {
				w.Header().Set("Connection", "close")
			}
			fmt.Fprintf(w, `{"visits":7,"instance":"%d.node4","version":"1.%[1]d"}`, replica)
		}))
	site.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	site.Start()
	defer site.Close()
	const nobody = "http://127.0.0.1:1"
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "../../../ops/show")
	cmd.Env = append(os.Environ(), "RATE=8", "URL="+site.URL+" "+nobody)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	end := sync.OnceValue(func() error {
		cmd.Process.Signal(os.Interrupt)
		return cmd.Wait()
	})
	defer end()

	first, second, none := "1.node4 1.1", "2.node4 1.2", "NONE "+nobody
	// A curl that takes longer than 2 s gets no answer, so a replica may answer less often.
	late := "NONE " + site.URL
	states := map[string]string{first: "", second: "leaving", none: "no-answer", late: "no-answer"}
	pictures, totals := make(map[string]int), make(map[string]int) // by name and version
	complete := false
	for lines := bufio.NewScanner(out); !complete; {
		if !lines.Scan() {
			t.Fatalf("it ended early, when it had drawn %v", totals)
		}
		t.Log(lines.Text())
		parts := replicaLine.FindStringSubmatch(lines.Text())
		if parts == nil { // the title, or an empty line
			complete = min(pictures[first], pictures[second], pictures[none]) >= 2
			continue
		}
		replica := parts[1] + " " + parts[2]
		n, _ := strconv.Atoi(parts[4])
		pictures[replica]++
		totals[replica] += n
		state, known := states[replica]
		want := fmt.Sprintf("%s %d of %d  %s", strings.Repeat("█", n), n, totals[replica], state)
		if !known || parts[3] != want {
			t.Errorf("%s has %q, want %q", replica, parts[3], want)
		}
	}
	each, answers := 4*pictures[none], totals[first]+totals[second]+totals[late]
	if totals[none] != each || answers != each {
		t.Errorf("it has drawn %v, want %d requests to each address", totals, each)
	}
	if err := end(); err != nil {
		t.Errorf("after ctrl-C it ended with %v, want success", err)
	}
	if c, r := connections.Load(), requests.Load(); c < r {
		t.Errorf("%d connections for %d requests, want one for each", c, r)
	}
}

func TestShowRefusesInvalidRate(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "../../../ops/show")
	cmd.Env = append(os.Environ(), "RATE=1000")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "from 1 to 99") {
		t.Errorf("RATE=1000 = %v, want a failure that names the limits\n%s", err, out)
	}
}
