package pages

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"simpleapp/internal/testserver"
	"simpleapp/internal/testsite"
	"simpleapp/internal/web"
)

var binary string // the built program

func TestMain(m *testing.M) { testserver.Exit(runTests(m)) }

func runTests(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "simpleapp-pages-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	binary = filepath.Join(dir, "simpleapp")
	if err := testserver.Build(binary); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// named returns the address under the site's name of the server that listens at addr (host:port).
func named(scheme, addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	return scheme + "://" + net.JoinHostPort(testserver.Host, port)
}

// client resolves the site's name to this machine, as the browser does.
var client = &http.Client{Timeout: patience, Transport: &http.Transport{
	DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		_, port, _ := net.SplitHostPort(addr)
		return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
	},
}}

// proxyTo returns a proxy to a site, given by an address of named.
func proxyTo(t *testing.T, site string) *httputil.ReverseProxy {
	t.Helper()
	target, err := url.Parse(site)
	if err != nil {
		t.Fatal(err)
	}
	return testserver.Proxy(net.JoinHostPort("127.0.0.1", target.Port()))
}

// overTLS starts a proxy that terminates TLS for a site, and returns its address.
func overTLS(t *testing.T, site string) string {
	t.Helper()
	server := httptest.NewUnstartedServer(proxyTo(t, site))
	// The browser may close a connection at any time, which the server would log.
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	t.Cleanup(server.Close)
	return named("https", server.Listener.Addr().String())
}

// startApp starts the program, and returns the address of its site for the browser.
func startApp(t *testing.T, environ ...string) string {
	t.Helper()
	return named("http", testsite.StartApp(t, binary, environ...).Addr)
}

// faulty returns the address of a site without stores. Its pages that need the database panic.
func faulty(t *testing.T) string {
	t.Helper()
	site, err := web.New(web.Config{Metrics: web.NewMetrics(),
		Log: slog.New(slog.DiscardHandler), Instance: "faulty", Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(site)
	t.Cleanup(server.Close)
	return named("http", server.Listener.Addr().String())
}
