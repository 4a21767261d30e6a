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
)

// An answer is what a bare server sends to every request. It is an answer of the app, so that both
// send the same bytes.
type answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// record returns the app's answer to a request.
func record(request *http.Request) (answer, error) {
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
func startBare(home, form answer, environ ...string) (*bareServer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	answers, err := json.Marshal([]answer{home, form})
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
	fmt.Fprintf(stdin, "%s\n", answers)
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
	var answers []answer
	if err := input.Decode(&answers); err != nil {
		return err
	}
	count, store, err := newWrites()
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", repeat(answers[0], count))
	mux.HandleFunc("/simpleform", repeat(answers[1], store))
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
