package web

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
)

// defaultPorts are the ports that browsers leave out of Host and Origin, by scheme.
var defaultPorts = map[string]string{"http": "80", "https": "443"}

// otherHost differs from the host of every Origin, because the host of a URL has no space. It takes
// the place of Host if Origin is not the site's: http.CrossOriginProtection ignores the scheme, and
// would accept chrome-extension://site.example for the Host site.example.
const otherHost = "another host"

// checkOrigin returns an error if a page of another origin made the request, unless its method is
// GET, HEAD or OPTIONS. It uses http.CrossOriginProtection, which requires, for a request without
// Sec-Fetch-Site, that the host of Origin and the Host header are equal strings. checkOrigin also
// accepts different spellings of the same host, because a proxy may change the Host header.
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

// A refusalLog logs requests that checkOrigin has refused.
type refusalLog struct {
	log      *slog.Logger
	warnings throttle
}

// report logs a refused request. It logs a warning at most once a minute, because anybody can send
// such requests. It logs the others at debug level. A request with Sec-Fetch-Site never causes a
// warning: the browser has compared the origins itself, so the operator has nothing to repair.
func (l *refusalLog) report(r *http.Request, err error) {
	level := slog.LevelDebug
	if r.Header["Sec-Fetch-Site"] == nil && l.warnings.allow() {
		level = slog.LevelWarn
	}
	l.log.Log(r.Context(), level, "a form was refused: it seems to be from another site",
		"err", err,
		"origin", r.Header.Get("Origin"), "host", r.Host,
		"hint", "if the origin is this site, a proxy rewrites Host: "+
			"let the proxy send the Host of the browser")
}
