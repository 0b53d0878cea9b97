// Package outbox delivers what stored turns set off: their events to brokers and to whatever makes timers of them, off the
// path of turns.
//
// A commit goes through three steps. It waits until every earlier commit of its conversation is on its way or settled,
// whichever node stored it. Then it stands in a queue a consumer: timers first, and when they took it all brokers, each
// with a queue of its own, so that one that is away holds up nobody else. When all consumers took it, the store's note of
// it is removed. A process that dies in between leaves the note behind, and the outbox of any other node, or the next one
// here, delivers the commit again: at least once, with the same ids, in the order of the conversation.
//
// Memory is bounded. Commits that find a queue full are read again from the store when the consumer is back (refill.go).
// A store that is no stores.Outbox has no notes: there the oldest commits are given up, which is logged and counted.
//
// While a consumer is away or slow, commits of other nodes are not swept up: they are late for the same reason, nobody
// could settle them, and every node would send them to the consumers that are there.
package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/parleybot/parley/stores"
)

// Target is a broker with the name it has in logs and figures.
type Target struct {
	Name   string
	Broker stores.Broker
}

// Config says what an Outbox delivers to. Only Store is required.
type Config struct {
	// Store is where the commits are. If it is a stores.Outbox as well, commits outlive the process.
	Store stores.TrackerStore
	// Brokers are told of every event. They are closed by the caller, after Close.
	Brokers []Target
	// Timers makes timers of a commit's events. It is called before brokers are told, one call at a time, in order for
	// each conversation, and again for a commit that may have been delivered before. After an error it is called again
	// later; other conversations go on meanwhile.
	Timers func(ctx context.Context, c stores.Commit) error
	// Locks lets one node at a time look for commits that others left behind.
	Locks  stores.Locker
	Logger *slog.Logger
	// Now is the clock that the store's times of commits are compared with. Default is time.Now.
	Now func() time.Time
	// MaxCommits and MaxBytes bound each queue. Defaults are 4096 and 32 MiB.
	MaxCommits, MaxBytes int
	// Lease is how long a commit may stay unsettled before other nodes take it. Default is 30 s.
	Lease time.Duration
	// Grace is how long a commit waits for the node that has the one before it. Default is 2 s.
	Grace time.Duration
	// SweepEvery is how often commits that were left behind are looked for. Default is 5 s.
	SweepEvery time.Duration
}

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	setDefault(&c.MaxCommits, 4096)
	setDefault(&c.MaxBytes, 32<<20)
	setDefault(&c.Lease, 30*time.Second)
	setDefault(&c.Grace, 2*time.Second)
	setDefault(&c.SweepEvery, 5*time.Second)
	return c
}

func setDefault[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}

const (
	// callTimeout bounds one call of a store, a broker or Timers.
	callTimeout = 30 * time.Second
	// maxRemembered bounds what is remembered of commits without their events: about 150 bytes each.
	maxRemembered = 1 << 17
)

// Outbox delivers commits. It is safe for concurrent use.
type Outbox struct {
	cfg   Config
	log   *slog.Logger
	store stores.Outbox // nil when commits are in memory only

	mu        sync.Mutex // held for all below; never during a call of a store or consumer
	hand      map[stores.CommitRef]*entry
	inHand    map[string]int      // how many of a conversation, by sender_id
	parked    map[string]*waiting // by sender_id
	parkedLen int
	unnamed   uint64 // commits without an ID so far
	consumers []*consumer
	gated     bool // consumers[0] are the timers, and first
	stubs     stubs
	// remembered bounds stubs, and done.
	remembered int
	done       []*entry
	settled    recent
	// settleErr and readErr are the last errors of the store, nil after a success.
	settleErr, readErr error
	closing            bool
	flushed            chan struct{} // closed when closing and nothing is left that could be delivered now

	settleWake, settleHurry, keeperWake signal
	stop                                context.CancelFunc
	running                             sync.WaitGroup
}

// New starts an Outbox.
func New(cfg Config) *Outbox {
	cfg = cfg.withDefaults()
	o := &Outbox{
		cfg: cfg, log: cfg.Logger,
		hand: map[stores.CommitRef]*entry{}, inHand: map[string]int{}, parked: map[string]*waiting{},
		flushed: make(chan struct{}), remembered: maxRemembered, settleWake: newSignal(), settleHurry: newSignal(), keeperWake: newSignal(),
	}
	o.store, _ = cfg.Store.(stores.Outbox)
	ctx, cancel := context.WithCancel(context.Background())
	o.stop = cancel
	if cfg.Timers != nil {
		o.gated = true
		c := o.addConsumer("timers", nil)
		o.running.Go(func() { o.runTimers(ctx, c) })
	}
	for _, b := range cfg.Brokers {
		c := o.addConsumer(b.Name, b.Broker)
		o.running.Go(func() { o.runBroker(ctx, c) })
	}
	if o.store != nil {
		o.running.Go(func() { o.runSettler(ctx) })
		o.running.Go(func() { o.runKeeper(ctx) })
	}
	return o
}

// Deliver takes a commit that was stored. after are the IDs of the commits that were unsettled when its conversation was
// loaded (stores.Conversation.Unsettled). It does not wait for anything. A commit that is given twice is delivered once.
func (o *Outbox) Deliver(c stores.Commit, after []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if c.ID == "" {
		o.unnamed++
		c.ID = fmt.Sprint("\x00", o.unnamed)
	}
	e := &entry{Commit: c, size: size(c.Events), since: time.Now()}
	if o.store == nil {
		after = nil
	}
	o.take(e, after)
	o.trim()
}

// Forget tells all brokers that a conversation was deleted, and drops what has not been delivered of it. After an error
// some brokers may not know; the call can be repeated.
func (o *Outbox) Forget(ctx context.Context, senderID string) error {
	o.mu.Lock()
	for ref, e := range o.hand {
		if ref.SenderID == senderID {
			o.drop(e)
		}
	}
	o.checkFlushed()
	targets := o.consumers
	o.mu.Unlock()
	var errs []error
	for _, c := range targets {
		if c.broker == nil {
			continue
		}
		if err := c.forget(ctx, senderID); err != nil {
			errs = append(errs, fmt.Errorf("telling event broker %s of the deletion of %q: %w", c.name, senderID, err))
		}
	}
	return errors.Join(errs...)
}

// Close delivers what is left until ctx ends, and stops. With a store that is a stores.Outbox it does not wait for
// consumers that are away: another process will deliver. The error tells how many commits were not settled.
func (o *Outbox) Close(ctx context.Context) error {
	o.mu.Lock()
	o.closing = true
	for _, c := range o.consumers {
		c.err = nil // one more attempt
		c.hurry.set()
	}
	o.settleErr, o.readErr = nil, nil
	o.checkFlushed()
	o.mu.Unlock()
	o.settleHurry.set()
	o.keeperWake.set()
	select {
	case <-o.flushed:
	case <-ctx.Done():
	}
	o.stop()
	o.running.Wait()
	o.mu.Lock()
	defer o.mu.Unlock()
	if n := len(o.hand); n > 0 {
		return fmt.Errorf("closing the outbox: %d commits were not delivered", n)
	}
	return nil
}

// checkFlushed ends Close when nothing is left that could be delivered now.
func (o *Outbox) checkFlushed() {
	if !o.closing {
		return
	}
	select {
	case <-o.flushed:
		return
	default:
	}
	for _, c := range o.consumers {
		if len(c.queue) > 0 && (o.store == nil || c.err == nil) {
			return
		}
		if len(c.left) > 0 && c.err == nil && o.readErr == nil {
			return
		}
	}
	if o.parkedLen > 0 && o.readErr == nil || len(o.done) > 0 && o.settleErr == nil {
		return
	}
	close(o.flushed)
}
