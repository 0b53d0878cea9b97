package redis

import (
	"context"
	"log/slog"
	"regexp"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/internal/testservers"
)

// BenchmarkTurn locks and unlocks conversations that nobody else wants, and tells what that costs this process.
func BenchmarkTurn(b *testing.B) {
	l := node(b, at(b, testservers.RedisWith(b).Addr), Options{Logger: slog.New(slog.DiscardHandler)})
	lock(b, l, "u")()
	var c counter
	l.client.AddHook(&c)
	require.NoError(b, l.client.ConfigResetStat(b.Context()).Err())
	b.ReportAllocs()
	began := processTime(b)
	n := 0
	for b.Loop() {
		unlock, err := l.Lock(context.Background(), strconv.Itoa(n%1000))
		if err != nil {
			b.Fatal(err)
		}
		unlock()
		n++
	}
	b.ReportMetric(float64((processTime(b)-began).Microseconds())/float64(n), "cpu-µs/turn")
	b.ReportMetric(float64(c.commands.Load())/float64(n), "round-trips/turn")
	stats, err := l.client.Info(b.Context(), "commandstats").Result()
	require.NoError(b, err)
	if m := regexp.MustCompile(`cmdstat_evalsha:calls=\d+,usec=(\d+)`).FindStringSubmatch(stats); m != nil {
		usec, _ := strconv.ParseFloat(m[1], 64)
		b.ReportMetric(usec/float64(n), "redis-µs/turn")
	}
}

func processTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkHandOver measures from the call of unlock in one node to the return of Lock in another, or the same.
func BenchmarkHandOver(b *testing.B) {
	for name, count := range map[string]int{"same node": 1, "two nodes": 2} {
		b.Run(name, func(b *testing.B) {
			options := at(b, testservers.Redis(b))
			var all []*Locks
			for range count {
				all = append(all, node(b, options, Options{Logger: slog.New(slog.DiscardHandler)}))
			}
			var took []time.Duration
			for _, l := range all { // they begin to listen
				lock(b, l, "u")()
			}
			time.Sleep(100 * time.Millisecond)
			unlock := lock(b, all[0], "u")
			i := 0
			for b.Loop() {
				i++
				next := all[i%count]
				got := make(chan time.Time, 1)
				var then func()
				go func() {
					then, _ = next.Lock(context.Background(), "u")
					got <- time.Now()
				}()
				for next.waiting("u") == 0 {
					time.Sleep(50 * time.Microsecond)
				}
				began := time.Now()
				unlock()
				took = append(took, (<-got).Sub(began))
				unlock = then
			}
			unlock()
			slices.Sort(took)
			at := func(p float64) float64 {
				return float64(took[int(p*float64(len(took)-1))].Microseconds()) / 1000
			}
			b.ReportMetric(at(0.5), "p50-ms")
			b.ReportMetric(at(0.99), "p99-ms")
			b.ReportMetric(at(1), "max-ms")
		})
	}
}
