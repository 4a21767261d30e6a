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
)

// An answer is what the yardstick sends: the app's own, byte for byte but for the changing number.
type answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// record asks the app for an answer, to be repeated by the yardstick.
func record(request *http.Request) (answer, error) {
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	resp.Header.Del("Date") // net/http writes it
	return answer{resp.StatusCode, resp.Header, body}, err
}

// A yardstick is the bare server as a process of its own, as the app is.
type yardstick struct {
	addr string
	cmd  *exec.Cmd
	stop io.Closer
}

// startYardstick starts this program's "yardstick" in a process of its own with nothing but environ in its environment.
func startYardstick(home, form answer, environ ...string) (*yardstick, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	answers, err := json.Marshal([]answer{home, form})
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "yardstick")
	cmd.Env = append([]string{}, environ...) // nil would be all that this process has
	cmd.Stderr = os.Stderr
	stdin, err1 := cmd.StdinPipe()
	stdout, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		return nil, err
	}
	y := &yardstick{cmd: cmd, stop: stdin}
	fmt.Fprintf(stdin, "%s\n", answers)
	if _, err := fmt.Fscanln(stdout, &y.addr); err != nil {
		return nil, errors.Join(fmt.Errorf("start yardstick: %w", err), y.Close())
	}
	return y, nil
}

// Close ends the yardstick.
func (y *yardstick) Close() error { return errors.Join(y.stop.Close(), y.cmd.Wait()) }

// serveYardstick is the yardstick itself: a bare net/http server that stores nothing, or does the least
// where its environment says where. It reads its answers from standard input and ends with it.
func serveYardstick() error {
	input := json.NewDecoder(os.Stdin)
	var answers []answer
	if err := input.Decode(&answers); err != nil {
		return err
	}
	count, store, err := least()
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

// repeat gives the same answer to every request, once write has done its part.
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

func formRequest(addr, body string) *http.Request {
	request, err := http.NewRequest("POST", "http://"+addr+"/simpleform", strings.NewReader(body))
	if err != nil {
		panic(err) // the line above is wrong
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Origin", "http://"+addr)
	return request
}
