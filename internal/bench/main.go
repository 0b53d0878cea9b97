// Command bench measures what a message costs: `make bench`, from the root of the repository, after `make build`.
//
// A bot of rules and stories is trained and served by the binary, with the REST channel and the store in memory. This
// process is the load; the same load goes to a bare echo handler that answers a constant, in a process of its own, so that
// figures of different machines can be compared. There are two loads, one after the other: Go's HTTP client, and bare
// requests, whose client leaves the processors to the server. Everything stays on the loopback interface.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"
)

const (
	connections = 8
	// starts and trainings are how often starting and training are measured; the fastest counts, as others disturb.
	starts    = 7
	trainings = 3
	// rounds is how often each server is under load; the median counts.
	rounds = 5
)

// bench is one run.
type bench struct {
	parley, bot, shop, store string
	duration                 time.Duration
	dir                      string
}

func main() {
	b := bench{}
	flag.StringVar(&b.parley, "parley", "bin/parley", "the binary to measure")
	flag.StringVar(&b.store, "store", "in_memory", "the type of the tracker store: in_memory or sqlite")
	flag.StringVar(&b.bot, "bot", "internal/bench/testdata/bot", "the bot of all figures but training")
	flag.StringVar(&b.shop, "shop", "conformance/bots/12_shop", "the bot to train")
	flag.DurationVar(&b.duration, "duration", 6*time.Second, "how long each server is under each load")
	address := flag.String("echo", "", "serve the bare handler at this address and do nothing else")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	run := b.run
	if *address != "" {
		run = func(context.Context) error { return serveEcho(*address) }
	}
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (b *bench) run(ctx context.Context) (err error) {
	if b.parley, err = filepath.Abs(b.parley); err != nil {
		return fmt.Errorf("finding the binary: %w", err)
	}
	if b.dir, err = os.MkdirTemp("", "parley-bench-"); err != nil {
		return fmt.Errorf("making a folder: %w", err)
	}
	defer os.RemoveAll(b.dir) //nolint:errcheck // a temporary folder
	for _, step := range []func(context.Context) error{b.training, b.starting, b.loading, b.storing, b.longTurns} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// figure prints a line; target is empty for figures that have none.
func figure(name, value, target string) {
	if target != "" {
		target = "   (target " + target + ")"
	}
	fmt.Printf("%-46s %14s%s\n", name, value, target)
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
}

func megabytes(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/(1<<20)) }

// training trains the shop from nothing and the bench bot for what follows.
func (b *bench) training(ctx context.Context) error {
	shop, err := b.project(b.shop, "shop")
	if err != nil {
		return err
	}
	fastest := time.Duration(0)
	for range trainings {
		took, err := b.train(ctx, shop)
		if err != nil {
			return err
		}
		if fastest == 0 || took < fastest {
			fastest = took
		}
	}
	figure("training of 12_shop", milliseconds(fastest), "500 ms")
	bot, err := b.project(b.bot, "bot")
	if err != nil {
		return err
	}
	_, err = b.train(ctx, bot)
	return err
}

// starting measures from exec to the first good answer.
func (b *bench) starting(ctx context.Context) error {
	fastest, resident := time.Duration(0), int64(0)
	for range starts {
		s, err := b.serve(ctx)
		if err != nil {
			return err
		}
		took, err := s.firstAnswer(ctx)
		if err == nil && (fastest == 0 || took < fastest) {
			fastest = took
		}
		if err == nil {
			resident, err = s.memory("VmRSS")
		}
		s.stop()
		if err != nil {
			return err
		}
	}
	figure("exec to first good answer", milliseconds(fastest), "60 ms")
	figure("resident after the first answer", megabytes(resident), "40 MB")
	return nil
}

// loading puts parley and the bare handler under the same loads, in turn, so that what disturbs disturbs both.
func (b *bench) loading(ctx context.Context) error {
	for _, by := range []struct {
		name string
		dial dialer
	}{{"Go's HTTP client", dialOrdinary}, {"bare requests", dialBare}} {
		fmt.Printf("\nload by %s over %d connections:\n", by.name, connections)
		if err := b.compare(ctx, by.dial); err != nil {
			return err
		}
	}
	fmt.Println()
	return nil
}

func (b *bench) compare(ctx context.Context, dial dialer) error {
	names := [2]string{"bare echo handler", "parley"}
	var servers [2]*server
	for i, start := range []func(context.Context) (*server, error){b.serveBare, b.serve} {
		s, err := start(ctx)
		if err != nil {
			return err
		}
		defer s.stop()
		servers[i] = s
		if _, err := s.firstAnswer(ctx); err != nil {
			return err
		}
		if _, err := load(ctx, s.address, dial, until(b.duration/rounds)); err != nil {
			return err
		}
	}
	var results [2]result
	for range rounds {
		for i, s := range servers {
			if err := results[i].underLoad(ctx, s, dial, b.duration/rounds); err != nil {
				return err
			}
		}
	}
	for i, s := range servers {
		r := &results[i]
		peak, err := s.memory("VmHWM")
		if err != nil {
			return err
		}
		figure(names[i]+": messages per second", fmt.Sprintf("%.0f", float64(r.messages)/r.took.Seconds()), "")
		figure(names[i]+": CPU per message", microseconds(median(r.costs)), "")
		figure(names[i]+": latency p50", milliseconds(r.percentile(50)), "")
		figure(names[i]+": latency p99", milliseconds(r.percentile(99)), "")
		figure(names[i]+": resident at most", megabytes(peak), "")
	}
	ratios := make([]float64, rounds)
	for i := range ratios {
		ratios[i] = float64(results[1].costs[i]) / float64(results[0].costs[i])
	}
	figure("CPU of parley to that of the bare handler", fmt.Sprintf("%.2f x", median(ratios)), "1.8 x")
	return nil
}

func microseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f µs", float64(d)/float64(time.Microsecond))
}
