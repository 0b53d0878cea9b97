package nats

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/natsnode"
	"github.com/parleybot/parley/stores"
)

// percentiles reports how long calls took.
func percentiles(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}

// inboxes runs a benchmark with new inboxes in the process, for several numbers of callers.
func inboxes(b *testing.B, callers []int, run func(b *testing.B, in *Inbox, callers int)) {
	for _, sync := range []bool{true, false} {
		for _, n := range callers {
			b.Run(fmt.Sprintf("sync_always=%t/callers=%d", sync, n), func(b *testing.B) {
				in := New(natsnode.New(natsnode.Options{Folder: b.TempDir(), SyncAlways: sync}, nil), Config{}, component.Env{})
				defer func() { require.NoError(b, in.Close()) }()
				_, err := in.Delete(b.Context(), "u") // opens it
				require.NoError(b, err)
				b.ResetTimer()
				run(b, in, n)
			})
		}
	}
}

// spread has count messages put by several callers and tells how long each took.
func spread(b *testing.B, in *Inbox, callers, conversations, count int) []time.Duration {
	took := make([]time.Duration, count)
	text, run := strings.Repeat("x", 200), rand.Text()
	var done sync.WaitGroup
	for c := range callers {
		done.Go(func() {
			for i := c; i < count; i += callers {
				began := time.Now()
				m := stores.Envelope{ID: fmt.Sprint(run, "-", i), Channel: "c", SenderID: fmt.Sprint("user", i%conversations), Text: text, Received: began}
				if _, err := in.Put(b.Context(), m); err != nil {
					b.Error(err)
				}
				took[i] = time.Since(began)
			}
		})
	}
	done.Wait()
	return took
}

// BenchmarkPut measures what a channel waits for.
func BenchmarkPut(b *testing.B) {
	inboxes(b, []int{1, 16, 64}, func(b *testing.B, in *Inbox, callers int) {
		percentiles(b, spread(b, in, callers, 100, b.N))
	})
}

// BenchmarkPutAndRun measures messages through the inbox while they are worked off by handlers that do nothing. A caller
// is a user who writes without waiting for answers.
func BenchmarkPutAndRun(b *testing.B) {
	inboxes(b, []int{1, 64}, func(b *testing.B, in *Inbox, callers int) {
		ctx, cancel := context.WithCancel(b.Context())
		ended := make(chan error, 1)
		handled := make(chan struct{}, b.N)
		go func() {
			ended <- in.Run(ctx, func(context.Context, stores.Envelope) error { handled <- struct{}{}; return nil })
		}()
		took := spread(b, in, callers, callers, b.N)
		for range b.N {
			<-handled
		}
		b.StopTimer()
		percentiles(b, took)
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
		cancel()
		require.NoError(b, <-ended)
	})
}
