package web

import (
	"bytes"
	"log/slog"
	"sync"
	"testing"
	"time"
)

// A safeBuffer may be used by several goroutines.
type safeBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *safeBuffer) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(line)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

// While nobody reads the log, writing to it may wait for ever. Connections must not wait for that.
func TestConnectionsDoNotWaitForTheLog(t *testing.T) {
	b := serveBounded(t, 3, 3, time.Minute)
	release := make(chan struct{})
	writing := make(chan struct{}, 1)
	b.connections.log = slog.New(slog.NewTextHandler(writerFunc(func(line []byte) (int, error) {
		writing <- struct{}{}
		<-release
		return len(line), nil
	}), nil))
	defer close(release)
	for range 3 {
		b.visit()
	}
	b.wantCount(idle, 3)
	b.open("") // closes one, which is logged
	<-writing
	b.read(b.open(get))
}

type writerFunc func([]byte) (int, error)

func (w writerFunc) Write(line []byte) (int, error) { return w(line) }
