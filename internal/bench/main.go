// Command bench measures what a message costs: `make bench`, from the root of the repository, after `make build`.
//
// A bot of rules and stories is trained and served by the binary, with the REST channel and the store in memory. This
// process is the load; beside it the same load goes to a bare echo handler that answers a constant, in a process of its
// own, so that figures of different machines can be compared. Everything stays on the loopback interface.
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
)

// bench is one run.
type bench struct {
	parley, bot, shop string
	duration          time.Duration
	dir               string
}

func main() {
	b := bench{}
	flag.StringVar(&b.parley, "parley", "bin/parley", "the binary to measure")
	flag.StringVar(&b.bot, "bot", "internal/bench/testdata/bot", "the bot of all figures but training")
	flag.StringVar(&b.shop, "shop", "conformance/bots/12_shop", "the bot to train")
	flag.DurationVar(&b.duration, "duration", 6*time.Second, "how long each server is under load")
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

// loading puts parley and the bare handler under the same load.
func (b *bench) loading(ctx context.Context) error {
	var costs [2]time.Duration
	for i, start := range []func(context.Context) (*server, error){b.serveBare, b.serve} {
		s, err := start(ctx)
		if err != nil {
			return err
		}
		r, err := b.underLoad(ctx, s)
		s.stop()
		if err != nil {
			return err
		}
		name := [2]string{"bare echo handler", "parley"}[i]
		costs[i] = r.cost
		figure(name+": messages per second", fmt.Sprintf("%.0f", float64(r.messages)/r.took.Seconds()), "")
		figure(name+": CPU per message", microseconds(r.cost), "")
		figure(name+": latency p50", milliseconds(r.p50), "")
		figure(name+": latency p99", milliseconds(r.p99), "")
		figure(name+": resident at most", megabytes(r.peak), "")
	}
	figure("CPU of parley to that of the bare handler", fmt.Sprintf("%.2f x", float64(costs[1])/float64(costs[0])), "1.8 x")
	return nil
}

func microseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f µs", float64(d)/float64(time.Microsecond))
}
