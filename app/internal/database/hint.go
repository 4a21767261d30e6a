package database

import (
	"errors"
	"net"
)

// HintNoServer returns what an operator can do if no server answers at the address in a variable.
// err must be an error of that server. For errors of another kind HintNoServer returns "".
func HintNoServer(err error, variable string) string {
	var dial *net.OpError
	var lookup *net.DNSError
	if errors.As(err, &dial) && dial.Op == "dial" || errors.As(err, &lookup) {
		return "no server answers at " + variable + ": start it, or correct the address"
	}
	return ""
}
