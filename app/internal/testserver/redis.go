package testserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strings"

	"github.com/go-redis/redis/v8"
)

// StartRedis starts redis-server. The caller must call Close.
func StartRedis() (*Server, error) {
	s, err := newServer("redis")
	if err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(s.Addr)
	s.command = func() *exec.Cmd {
		// The settings are passed on standard input, so that the list of processes does not show
		// the password.
		cmd := exec.Command("redis-server", "-")
		cmd.Stdin = strings.NewReader(fmt.Sprintf(
			"bind 127.0.0.1\nport %s\ndir %s\nrequirepass %s\n"+
				"appendonly yes\nappendfsync always\nsave \"\"\n", port, s.dir, s.Password))
		return cmd
	}
	s.ping = func() error {
		client := s.RedisClient()
		defer client.Close()
		return client.Ping(context.Background()).Err()
	}
	if err := s.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start Redis: %w", err), s.Close())
	}
	return s, nil
}

// RedisClient returns a client that logs in with the server's password and never retries.
func (s *Server) RedisClient() *redis.Client {
	return redis.NewClient(&redis.Options{Addr: s.Addr, Password: s.Password, MaxRetries: -1})
}
