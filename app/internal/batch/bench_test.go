package batch_test

import (
	"context"
	"testing"
	"time"

	"simpleapp/internal/batch"
)

// BenchmarkPutAndWait measures what combining costs for an item. Its write does nothing.
func BenchmarkPutAndWait(b *testing.B) {
	c := batch.New(4096, time.Minute, func(_ context.Context, items []int64) ([]int64, error) {
		return items, nil
	})
	b.ReportAllocs()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			ticket, err := c.Put(1)
			if err != nil {
				b.Error(err)
				return
			}
			if _, err := ticket.Wait(); err != nil {
				b.Error(err)
				return
			}
		}
	})
	if err := c.Close(context.Background()); err != nil {
		b.Error(err)
	}
}
