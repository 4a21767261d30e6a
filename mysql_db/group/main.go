// db-group runs MySQL as one of the copies of a group, in db's container on Docker Swarm. MySQL's
// Group Replication keeps the copies equal. db-group decides when a copy starts the group, joins
// it, or copies everything from it. docs/design.md tells how.
package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

const usage = `usage: db-group COMMAND
  run           runs this copy (the container's main process)
  healthy       waits until this copy counts as healthy: it is a member of the group, or the
                group refuses it, or there is no group and this copy has data or a permission
  status NODE=ADDRESS…
                prints a table of the copies; exits with 1 unless they are one group, and the
                disk of each has room
  primary       prints the address of the primary
  password      prints the password of the account simpleapp_group
  permit        lets this copy start a group; fails if it has no data
  permit-empty  lets this copy start a group, or make a new site if it has no data
  forbid        takes back what permit allowed
  permit-first  lets this copy make a new site, if neither it nor another copy has data
  discard       gives up what this copy has, if the group refuses it`

func main() {
	log.SetFlags(log.LstdFlags | log.LUTC)
	log.SetPrefix("db-group: ")
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	command := ""
	if len(os.Args) > 1 {
		command = os.Args[1]
	}
	var err error
	switch command {
	case "run":
		err = run(ctx)
	case "healthy":
		err = healthy(ctx)
	case "status":
		err = report(ctx, os.Stdout, os.Args[2:])
	case "primary":
		err = printPrimary(ctx)
	case "password":
		var password string
		if password, err = groupPassword(); err == nil {
			fmt.Println(password)
		}
	case "permit":
		err = errors.New("there is no complete data in this volume, so a new, empty site would " +
			"begin: choose the node that has the data")
		if dataFolder.isComplete() {
			err = dataFolder.mark(permitMark)
		}
	case "permit-empty":
		err = dataFolder.mark(permitMark)
	case "forbid":
		err = dataFolder.unmark(permitMark)
	case "permit-first":
		// Swarm repeats the job after an error, such as that the folder can't be read yet.
		if _, err = os.ReadDir(string(dataFolder)); err == nil && !dataFolder.hasData() {
			err = dataFolder.mark(newSiteMark)
		}
	case "discard":
		err = dataFolder.mark(discardMark)
	default:
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	}
	if err != nil {
		log.Print(err)
		os.Exit(1)
	}
}

// dataFolder is where the volume is.
const dataFolder folder = "/var/lib/mysql"

// peersName is the DNS name of all tasks of the service.
const peersName = "tasks.db"

// groupPassword returns the password by which the copies know each other. It is made from a secret
// and from DB_GROUP, the id of the service, which the app's containers do not know.
func groupPassword() (string, error) {
	file, service := os.Getenv("MYSQL_PASSWORD_FILE"), os.Getenv("DB_GROUP")
	if service == "" {
		return "", errors.New(
			"DB_GROUP is empty: set it to the service's id, as docker-stack.yml does")
	}
	secret, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("MYSQL_PASSWORD_FILE: %w", err)
	}
	sum := sha256.Sum256([]byte("group " + service + " " + strings.TrimSpace(string(secret))))
	return fmt.Sprintf("%x", sum[:16]), nil // MySQL takes at most 32 characters (error 3972)
}

// ownAddress returns this container's IPv4 address in the network of the copies.
func ownAddress() (string, error) {
	host, err := os.Hostname()
	if err != nil {
		return "", err
	}
	addresses, err := net.LookupHost(host)
	if err != nil {
		return "", err
	}
	for _, a := range addresses {
		if ip := net.ParseIP(a).To4(); ip != nil && !ip.IsLoopback() {
			return a, nil
		}
	}
	return "", fmt.Errorf("%s has no IPv4 address: it has %v", host, addresses)
}

func run(ctx context.Context) error {
	password, err := groupPassword()
	if err != nil {
		return err
	}
	address, err := ownAddress()
	if err != nil {
		return err
	}
	ip := net.ParseIP(address).To4()
	m := &member{
		node: os.Getenv("DB_NODE"), address: address, peersName: peersName, password: password,
		folder: dataFolder, db: openOwn(), began: time.Now(),
		settle: 10 * time.Second, healthMark: "/dev/shm/healthy", listing: time.Minute,
		joiners: map[string]joiner{}, askers: map[string]time.Time{},
		options: []string{
			"--defaults-extra-file=/etc/mysql/group.cnf",
			fmt.Sprintf("--server-id=%d", binary.BigEndian.Uint32(ip)),
			"--report-host=" + address,
			"--loose-group-replication-local-address=" + net.JoinHostPort(address, "3306"),
		},
	}
	listener, err := net.Listen("tcp", ":"+port)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: m.handler(), ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 4096,
	}
	go server.Serve(listener)
	defer server.Close()
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	go m.watchOthers(ctx, end)
	if err := m.run(ctx); err != nil {
		return err
	}
	if errors.Is(context.Cause(ctx), errUnlisted) {
		return errUnlisted
	}
	return nil
}

// handler answers the other copies, operators' commands and the health check. It tells no secret.
// A request changes only which copies this one asks back (askers).
func (m *member) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, r *http.Request) {
		m.noteAsker(r)
		s, err := m.status(r.Context())
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(s)
	})
	mux.HandleFunc("GET /healthy", func(w http.ResponseWriter, r *http.Request) {
		s, err := m.status(r.Context())
		m.mu.Lock()
		findable := m.findable
		m.mu.Unlock()
		findable = findable && (s.State == waiting || s.State == empty)
		reason := "it is " + cmp.Or(string(s.State), "running")
		switch {
		case err != nil:
			http.Error(w, reason+", "+err.Error(), http.StatusServiceUnavailable)
		case s.State == online, findable:
			fmt.Fprint(w, s.State)
		case s.State == copying, s.State == joining:
			http.Error(w, reason, http.StatusAccepted) // which may last
		default:
			http.Error(w, reason, http.StatusServiceUnavailable)
		}
	})
	return mux
}

// printPrimary prints the address of the primary. It waits for a group that has none yet, or that
// is choosing another one.
func printPrimary(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for {
		addresses, _ := peers(ctx, peersName, "")
		for _, s := range ask(ctx, addresses, "") {
			if s != nil && s.Primary {
				fmt.Println(s.Address)
				return nil
			}
		}
		if sleep(ctx, time.Second); ctx.Err() != nil {
			return errors.New("the group has no primary: make status tells more")
		}
	}
}
