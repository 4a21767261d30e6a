package e2e

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"simpleapp/internal/testsite"
)

// The program that reads the log, such as logger, may end. The site goes on, and stops in order.
func TestLogWithoutReader(t *testing.T) {
	cmd := exec.Command(binary)
	cmd.Env = []string{"ADDR=127.0.0.1:0", "ADMIN_ADDR=127.0.0.1:0", "DATA_DIR=" + t.TempDir()}
	log, stderr, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = stderr
	err = cmd.Start()
	stderr.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	var addr string
	for lines := bufio.NewScanner(log); addr == "" && lines.Scan(); {
		var line struct{ Msg, Addr string }
		if json.Unmarshal(lines.Bytes(), &line); line.Msg == "serving" {
			addr = line.Addr
		}
	}
	log.Close()

	form := strings.NewReader(testsite.Form().Encode())
	r := testsite.Request(t, http.MethodPost, "http://"+addr+"/simpleform", form)
	r.Header.Set("Content-Type", testsite.FormType)
	r.Header.Set("Origin", "http://another.example") // which is logged
	testsite.WantStatus(t, testsite.Send(t, r), http.StatusForbidden)
	testsite.WantStored(t, "http://"+addr, testsite.Form())
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM it ended with %v, want success", err)
	}
}
