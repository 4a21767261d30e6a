package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"simpleapp/internal/testsite"
)

// The check whether a site counts exactly sends requestsEach requests from each of askers
// goroutines, and waits for every answer. wrk can't decide it, because wrk does not wait for the
// requests that are in flight at its end.
const (
	askers       = connections
	requestsEach = 100
)

// exactClient opens a connection for each request. net/http sends a request again if a connection
// that it uses again fails, and the server may then have counted the first one.
var exactClient = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true},
	Timeout:       time.Minute,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// exact returns "yes" if the site counts visits and stores forms exactly. Otherwise it returns
// "no: " and the differences.
func (s *site) exact() (string, error) {
	differences, err := s.checkVisits()
	if err == nil && s.rows != nil {
		var more []string
		more, err = s.checkForms()
		differences = append(differences, more...)
	}
	if len(differences) == 0 {
		return "yes", err
	}
	return "no: " + strings.Join(differences, ", "), err
}

// checkVisits requests home pages. Together they must show each of the next numbers once, and Redis
// must have the last number.
func (s *site) checkVisits() ([]string, error) {
	before, err := settled(s.visits)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	shown := map[int64]int{} // how many pages show the number
	sent, failed := askAll(func() error {
		page, err := s.request(http.MethodGet, "/", "", http.StatusOK)
		if err != nil {
			return err
		}
		number, err := testsite.VisitNumber(page)
		mu.Lock()
		defer mu.Unlock()
		shown[number]++
		return err
	})
	after, err := s.visits()
	differences := compareCounts("visits", sent, failed, after-before)
	var wrong int
	for number := before + 1; number <= before+sent; number++ {
		if shown[number] != 1 {
			wrong++
		}
	}
	if wrong > 0 {
		differences = append(differences,
			fmt.Sprintf("%d of %d numbers not shown once", wrong, sent))
	}
	return differences, err
}

// checkForms submits forms. Each success must be a new row.
func (s *site) checkForms() ([]string, error) {
	before, err := settled(s.rows)
	if err != nil {
		return nil, err
	}
	sent, failed := askAll(func() error {
		form := testsite.Form().Encode()
		_, err := s.request(http.MethodPost, "/simpleform", form, http.StatusSeeOther)
		return err
	})
	after, err := s.rows()
	return compareCounts("forms", sent, failed, after-before), err
}

// compareCounts returns what differs between the requests and what the store counted.
func compareCounts(what string, sent, failed, counted int64) (differences []string) {
	if failed > 0 {
		differences = append(differences, fmt.Sprintf("%d of %d %s failed", failed, sent, what))
	}
	if counted != sent {
		differences = append(differences, fmt.Sprintf("%d of %d %s counted", counted, sent, what))
	}
	return differences
}

// settled returns a number from a store once it no longer changes: when wrk stops, the server may
// still work on requests.
func settled(number func() (int64, error)) (int64, error) {
	for last := int64(-1); ; time.Sleep(500 * time.Millisecond) {
		n, err := number()
		if err != nil || n == last {
			return n, err
		}
		last = n
	}
}

// askAll calls ask requestsEach times in each of askers goroutines, and waits for all of them. It
// returns how many calls there were and how many of them failed.
func askAll(ask func() error) (calls, failed int64) {
	var wg sync.WaitGroup
	var failures atomic.Int64
	for range askers {
		wg.Go(func() {
			for range requestsEach {
				if ask() != nil {
					failures.Add(1)
				}
			}
		})
	}
	wg.Wait()
	return askers * requestsEach, failures.Load()
}

// request sends a request, checks the status of the answer and returns its body.
func (s *site) request(method, path, form string, want int) (string, error) {
	r, err := http.NewRequest(method, "http://"+s.addr+path, strings.NewReader(form))
	if err != nil {
		return "", err
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "http://"+s.addr)
	}
	resp, err := exactClient.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != want {
		err = fmt.Errorf("%s %s = %d, want %d", method, path, resp.StatusCode, want)
	}
	return string(body), err
}
