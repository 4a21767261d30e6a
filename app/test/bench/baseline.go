package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"

	"simpleapp/internal/testsite"
)

// An answer is what a bare server sends to every request. It is an answer of the app, so that both
// send the same bytes.
type answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// answers are the app's answers that a bare server repeats.
type answers struct{ Home, Form answer }

// record returns the answers of the app.
func record(app target) (a answers, err error) {
	site := "http://" + app.addr
	get, err := http.NewRequest(http.MethodGet, site+"/", nil)
	if err != nil {
		return a, err
	}
	body := strings.NewReader(testsite.Form().Encode())
	post, err := http.NewRequest(http.MethodPost, site+"/simpleform", body)
	if err != nil {
		return a, err
	}
	post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	post.Header.Set("Origin", site)
	if a.Home, err = recordOne(get); err != nil {
		return a, err
	}
	if a.Form, err = recordOne(post); err != nil {
		return a, err
	}
	if a.Home.Status != http.StatusOK || a.Form.Status != http.StatusSeeOther {
		err = fmt.Errorf("GET / = %d, POST /simpleform = %d, want 200 and 303",
			a.Home.Status, a.Form.Status)
	}
	return a, err
}

// recordOne returns the app's answer to a request.
func recordOne(request *http.Request) (answer, error) {
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	resp, err := client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	resp.Header.Del("Date") // net/http writes its own
	return answer{resp.StatusCode, resp.Header, body}, err
}

// A bareServer is a process that sends recorded answers with net/http and nothing else. Without a
// storage it is the baseline. With one it is a floor: see newWrites.
type bareServer struct {
	addr string
	cmd  *exec.Cmd
	stop io.Closer
}

// startBare starts a bareServer. Its environment has the given variables and nothing else.
func startBare(a answers, environ ...string) (*bareServer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	input, err := json.Marshal(a)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, bareCommand)
	cmd.Env = append([]string{}, environ...) // nil would pass on the environment of this process
	cmd.Stderr = os.Stderr
	stdin, stdinErr := cmd.StdinPipe()
	stdout, stdoutErr := cmd.StdoutPipe()
	if err := errors.Join(stdinErr, stdoutErr, cmd.Start()); err != nil {
		return nil, err
	}
	s := &bareServer{cmd: cmd, stop: stdin}
	fmt.Fprintf(stdin, "%s\n", input)
	if _, err := fmt.Fscanln(stdout, &s.addr); err != nil {
		return nil, errors.Join(fmt.Errorf("start a bare server: %w", err), s.Close())
	}
	return s, nil
}

// Close ends the process.
func (s *bareServer) Close() error { return errors.Join(s.stop.Close(), s.cmd.Wait()) }

// bareCommand is the argument that makes this program a bareServer.
const bareCommand = "bare-server"

// serveBare is the process of a bareServer. It reads its answers from standard input, and ends when
// that is closed.
func serveBare() error {
	input := json.NewDecoder(os.Stdin)
	var a answers
	if err := input.Decode(&a); err != nil {
		return err
	}
	count, store, err := newWrites()
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", repeat(a.Home, count))
	mux.HandleFunc("/simpleform", repeat(a.Form, store))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	go http.Serve(listener, mux)
	_, err = io.Copy(io.Discard, io.MultiReader(input.Buffered(), os.Stdin))
	return err
}

// repeat returns a handler that calls write and then sends the same answer every time.
func repeat(a answer, write func(*http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := write(r); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		header := w.Header()
		for name, values := range a.Header {
			header[name] = values
		}
		w.WriteHeader(a.Status)
		w.Write(a.Body)
	}
}
