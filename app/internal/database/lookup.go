package database

import (
	"context"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"
)

// lookupTime is the timeout of one look-up if there are several addresses. A name server that does
// not answer must leave time for the servers that are known.
const lookupTime = time.Second

// A server is one IP address at which there may be a server.
type server struct {
	addr   string        // with its port
	config *mysql.Config // has the name that the address was found by, for TLS
	err    error         // of the look-up: the name has no known address
}

// servers looks up the configured addresses, all at once. An address that can't be looked up is in
// the result, too, with its error. Otherwise a single known server might remain, and connectToAny
// would not ask it whether it takes writes.
func (c *primaryConnector) servers(ctx context.Context) []server {
	if len(c.addrs) > 1 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, lookupTime)
		defer cancel()
	}
	found := make([][]server, len(c.addrs))
	var lookups sync.WaitGroup
	for i, addr := range c.addrs {
		lookups.Go(func() { found[i] = c.lookUp(ctx, addr) })
	}
	lookups.Wait()
	return slices.Concat(found...)
}

func (c *primaryConnector) lookUp(ctx context.Context, addr string) (servers []server) {
	config := c.config.Clone()
	config.Addr = addr
	host, port, err := net.SplitHostPort(addr)
	var ips []string
	if err == nil {
		ips, err = net.DefaultResolver.LookupHost(ctx, host)
	}
	if err != nil {
		return []server{{addr, config, err}}
	}
	for _, ip := range ips {
		servers = append(servers, server{net.JoinHostPort(ip, port), config, nil})
	}
	return servers
}
