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
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Two replicas take turns by connection, as they do behind Swarm's mesh. The second one leaves.
func TestShowDrawsEachReplica(t *testing.T) {
	var connections, requests atomic.Int64
	site := httptest.NewUnstartedServer(http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/ping" { // as http redirects to https
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

	var picture []string
	lines := bufio.NewScanner(out)
	for want := `1\.node4 +1\.1 +██ 2 of 4 `; ; {
		if !lines.Scan() {
			t.Fatalf("it ended without the line %q:\n%s", want, strings.Join(picture, "\n"))
		}
		picture = append(picture, strings.TrimSpace(lines.Text()))
		if regexp.MustCompile(want).MatchString(lines.Text()) {
			break // the second picture
		}
	}
	for _, want := range []string{
		`(?m)^1\.node4 +1\.1 +██ 2 of 2$`,
		`(?m)^2\.node4 +1\.2 +██ 2 of 2  leaving$`,
		`(?m)^NONE +` + nobody + ` +████ 4 of 4  no-answer$`,
	} {
		if got := strings.Join(picture, "\n"); !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("it has not drawn %q:\n%s", want, got)
		}
	}
	for lines.Scan() && !strings.Contains(lines.Text(), "NONE") { // to the end of the picture
	}
	if err := end(); err != nil {
		t.Errorf("after ctrl-C it ended with %v, want success", err)
	}
	if c, r := connections.Load(), requests.Load(); c < r {
		t.Errorf("%d connections for %d requests, want one for each", c, r)
	}
}

func TestShowRefusesInvalidRate(t *testing.T) {
	cmd := exec.Command("../../../ops/show")
	cmd.Env = append(os.Environ(), "RATE=1000")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "from 1 to 99") {
		t.Errorf("RATE=1000 = %v, want a failure that names the limits\n%s", err, out)
	}
}
