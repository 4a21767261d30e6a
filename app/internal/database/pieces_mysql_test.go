//go:build servers

package database_test

import (
	"bytes"
	"context"
	"io"
	"math"
	"net"
	"testing"
	"time"

	"simpleapp/internal/testsite"
)

// proxy returns an address that answers like addr. The argument most is the largest number of
// connections that it accepts.
// answer copies what the server says.
func proxy(t *testing.T, addr string, most int, answer func(to io.Writer, from io.Reader)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for range most {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", addr)
			if err != nil {
				t.Error(err)
				client.Close()
				return
			}
			go func() {
				io.Copy(server, client)
				server.Close()
			}()
			go func() {
				answer(client, server)
				client.Close()
			}()
		}
	}()
	return l.Addr().String()
}

// copyPackets copies MySQL's packets one by one. Each begins with its length in three bytes, and a
// number. The first is the server's greeting. copyPackets takes the offer of TLS out of it, because
// encrypted packets can't be told apart. MariaDB offers TLS by default since 11.4.
func copyPackets(to io.Writer, from io.Reader) {
	for first := true; ; first = false {
		packet := make([]byte, 4)
		if _, err := io.ReadFull(from, packet); err != nil {
			return
		}
		length := int(packet[0]) | int(packet[1])<<8 | int(packet[2])<<16
		packet = append(packet, make([]byte, length)...)
		if _, err := io.ReadFull(from, packet[4:]); err != nil {
			return
		}
		if first {
			withoutTLS(packet[4:])
		}
		if _, err := to.Write(packet); err != nil {
			return
		}
		time.Sleep(20 * time.Millisecond) // a network on which the next packet comes later
	}
}

// withoutTLS clears the flag CLIENT_SSL, 0x0800, in a greeting. A greeting begins with a byte, the
// version with a zero byte at its end, 13 further bytes, and the flags, the lower byte first:
// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_handshake_v10.html
func withoutTLS(greeting []byte) {
	version := 1 + bytes.IndexByte(greeting[1:], 0)
	greeting[version+1+13+1] &^= 0x08
}

// The primary is recognised even if the packets of its answer arrive one by one.
func TestPrimaryAnswersInPieces(t *testing.T) {
	addr := proxy(t, testsite.MySQL().Addr, math.MaxInt, copyPackets)
	db := testsite.OpenMySQL(t, addr, addr)
	defer db.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := db.PingContext(ctx); err != nil {
		t.Errorf("Ping = %v, want the primary", err)
	}
}
