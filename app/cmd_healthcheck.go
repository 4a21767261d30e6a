package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// healthcheck asks a running program at its admin address whether it is healthy.
func healthcheck(_ context.Context, i invocation) error {
	err := i.parse(new(flag.FlagSet), 0,
		"Asks the program that runs at ADMIN_ADDR whether it is healthy.")
	if err != nil {
		return err
	}
	cfg, _ := loadConfig(i.environ) // errors in other settings do not matter here
	host, port, err := net.SplitHostPort(cfg.AdminAddr)
	if err != nil {
		return fmt.Errorf("ADMIN_ADDR: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	client := &http.Client{
		Timeout: 2 * time.Second, Transport: &http.Transport{}, // not through HTTP_PROXY
	}
	resp, err := client.Get("http://" + net.JoinHostPort(host, port) + "/healthz")
	if err != nil {
		return hintedError{fmt.Errorf("%w: no program answers at ADMIN_ADDR: start it, or correct "+
			"the address", err)}
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		reason, _ := io.ReadAll(io.LimitReader(resp.Body, 1024))
		return fmt.Errorf("not healthy: %s", strings.TrimSpace(string(reason)))
	}
	return nil
}
