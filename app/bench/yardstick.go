package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"simpleapp/batch"
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

// startYardstick starts this program's "yardstick" in a process of its own, which may write to file.
func startYardstick(home, form answer, file string) (*yardstick, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	answers, err := json.Marshal([]answer{home, form})
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "yardstick", file)
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

// durable is the path under which the yardstick's answers wait for the disk.
const durable = "/durable"

// serveYardstick is the yardstick itself: a bare net/http server that stores nothing. Under durable
// it is the least that can be done for durability: requests that wait share one small write to file
// and one fsync. It reads its answers from standard input and ends with it.
func serveYardstick(file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	writes := batch.New(4096, time.Minute, func(_ context.Context, items []struct{}) ([]struct{}, error) {
		if _, err := f.Write(make([]byte, 100)); err != nil {
			return nil, err
		}
		return items, f.Sync()
	})
	input := json.NewDecoder(os.Stdin)
	var answers []answer
	if err := input.Decode(&answers); err != nil {
		return err
	}
	mux := http.NewServeMux()
	for i, path := range []string{"/", "/simpleform"} {
		a := answers[i]
		serve := func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			header := w.Header()
			for name, values := range a.Header {
				header[name] = values
			}
			w.WriteHeader(a.Status)
			w.Write(a.Body)
		}
		mux.HandleFunc(path, serve)
		mux.HandleFunc(durable+path, func(w http.ResponseWriter, r *http.Request) {
			ticket, err := writes.Put(struct{}{})
			if err == nil {
				_, err = ticket.Wait()
			}
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			serve(w, r)
		})
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	go http.Serve(listener, mux)
	_, err = io.Copy(io.Discard, io.MultiReader(input.Buffered(), os.Stdin))
	return err
}

func formRequest(addr, body string) *http.Request {
	request, err := http.NewRequest("POST", "http://"+addr+"/simpleform", strings.NewReader(body))
	if err != nil {
		panic(err) // the line above is wrong
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return request
}
