package database

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// A name whose look-up gets no answer leaves time for the other servers.
func TestServersWhileALookupHangs(t *testing.T) {
	before := net.DefaultResolver
	defer func() { net.DefaultResolver = before }()
	net.DefaultResolver = &net.Resolver{PreferGo: true,
		Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	servers := (&primaryConnector{config: mysql.NewConfig(),
		addrs: []string{"hangs.invalid:3306", "127.0.0.1:3306"}}).servers(ctx)
	if ctx.Err() != nil {
		t.Error("servers used up the time of its caller, want a part of it")
	}
	if len(servers) != 2 || servers[0].err == nil || servers[1].err != nil {
		t.Errorf("servers = %+v, want the second one known", servers)
	}
}
