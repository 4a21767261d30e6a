package web

import (
	"net/http"
	"net/url"
	"strings"
)

// defaultPorts are the ports that browsers leave out of Host and Origin, by scheme.
var defaultPorts = map[string]string{"http": "80", "https": "443"}

// otherHost differs from the host of every Origin, because the host of a URL has no space.
const otherHost = "another host"

// checkOrigin returns an error if a page of another origin made the request. It uses
// http.CrossOriginProtection, which requires that the host of Origin and the Host header are equal
// strings. checkOrigin also accepts different spellings of the same host, because a proxy may
// change the Host header.
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

// isHostOf reports whether host, the value of a Host header, is the host and port of origin. It
// ignores upper case, the dot after a full name, and the default port of the origin's scheme.
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

func comparableName(u *url.URL) string {
	return strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
}

func portOr(defaultPort string, u *url.URL) string {
	if port := u.Port(); port != "" {
		return port
	}
	return defaultPort
}
