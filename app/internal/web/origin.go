package web

import (
	"net/http"
	"net/url"
	"strings"
)

// defaultPorts are the ports that a browser leaves out of Host and Origin.
var defaultPorts = map[string]string{"http": "80", "https": "443"}

// otherHost equals the host of no Origin, because a URL's host has no space.
const otherHost = "another host"

// checkOrigin returns an error for a request that a page of another origin made. It is the check of
// http.CrossOriginProtection, which takes a request only if the host of its Origin equals its Host
// letter for letter. But a proxy may write the same host in another way.
func checkOrigin(protection *http.CrossOriginProtection, r *http.Request) error {
	header := r.Header.Get("Origin")
	if header == "" {
		return protection.Check(r)
	}
	checked := *r
	checked.Host = otherHost
	if origin, err := url.Parse(header); err == nil && isHostOf(origin, r.Host) {
		checked.Host = origin.Host
	}
	return protection.Check(&checked)
}

// isHostOf reports whether host, the value of a Host header, is the host and port of origin. Upper
// case, the dot after a full name, and the default port of the origin's scheme make no difference.
func isHostOf(origin *url.URL, host string) bool {
	defaultPort, ok := defaultPorts[origin.Scheme]
	if !ok {
		return false
	}
	requested := url.URL{Host: host}
	name := comparableName(&requested)
	return name != "" && name == comparableName(origin) &&
		portOr(defaultPort, &requested) == portOr(defaultPort, origin)
}

func comparableName(u *url.URL) string { return strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")) }

func portOr(defaultPort string, u *url.URL) string {
	if port := u.Port(); port != "" {
		return port
	}
	return defaultPort
}
