package outbox

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/parleybot/parley/stores"
)

// consumer is a broker, or the timers, with what it has not taken yet. Its fields below bit are guarded by Outbox.mu.
type consumer struct {
	name   string
	broker stores.Broker // nil for timers
	wake   signal        // for what is new in queue
	hurry  signal        // ends a wait for the next attempt
	turn   chan struct{} // holds one element while nobody calls the broker
	bit    consumers

	queue  []*entry
	flight int // how many of queue are being published
	bytes  int
	// left are the commits that found no room in queue, or came after such, by conversation. They are read from the
	// store again, first those of the conversations that come first in order.
	left  map[string][]*entry
	order []string
	// lost are the conversations of which commits are in hand and others, which were left, were forgotten.
	lost map[string]bool
	// err is the error of the last attempt, nil after a success; down is when the errors began, back when the last
	// absence was over that was long enough for other nodes to be late.
	err        error
	down, back time.Time
	// dropped counts the commits that were given up.
	dropped int
	warned  time.Time
}

// maxBatch bounds the commits of one Publish, maxBatchBytes their size.
const (
	maxBatch      = 256
	maxBatchBytes = 1 << 20
)

func (o *Outbox) addConsumer(name string, b stores.Broker) *consumer {
	c := &consumer{name: name, broker: b, wake: newSignal(), hurry: newSignal(), turn: make(chan struct{}, 1), bit: 1 << len(o.consumers),
		left: map[string][]*entry{}, lost: map[string]bool{}}
	c.turn <- struct{}{}
	o.consumers = append(o.consumers, c)
	return c
}

func (o *Outbox) full(c *consumer, e *entry) bool {
	return len(c.queue) >= o.cfg.MaxCommits || len(c.queue) > 0 && c.bytes+e.size > o.cfg.MaxBytes
}

// enqueue puts a commit in the queue of a consumer, or leaves it to the store when the queue is full or commits of the
// conversation were left there before.
func (o *Outbox) enqueue(c *consumer, e *entry) {
	if before := c.left[e.SenderID]; o.store != nil && (len(before) > 0 || c.lost[e.SenderID] || o.full(c, e)) {
		if len(before) == 0 {
			c.order = append(c.order, e.SenderID)
		}
		c.left[e.SenderID] = append(before, e)
		e.left |= c.bit
		return
	}
	for o.full(c, e) && len(c.queue) > c.flight {
		o.giveUp(c)
	}
	o.push(c, e)
}

func (o *Outbox) push(c *consumer, e *entry) {
	o.stubs.remove(e)
	e.queued |= c.bit
	c.queue = append(c.queue, e)
	c.bytes += e.size
	c.wake.set()
}

// unqueue takes note that a commit is in the queue no more.
func (c *consumer) unqueue(e *entry) {
	if e.queued&c.bit != 0 {
		e.queued &^= c.bit
		c.bytes -= e.size
	}
}

// found takes note that a commit is left to the store no more.
func (c *consumer) found(e *entry) {
	if e.left&c.bit == 0 {
		return
	}
	e.left &^= c.bit
	rest := slices.DeleteFunc(c.left[e.SenderID], func(l *entry) bool { return l == e })
	if len(rest) > 0 {
		c.left[e.SenderID] = rest
		return
	}
	delete(c.left, e.SenderID)
}

// giveUp drops the oldest commit of a queue that is not being published. It is the only copy.
func (o *Outbox) giveUp(c *consumer) {
	e := c.queue[c.flight]
	c.queue = slices.Delete(c.queue, c.flight, c.flight+1)
	if e.gone {
		return
	}
	c.unqueue(e)
	e.pending &^= c.bit
	if o.gated && c == o.consumers[0] {
		e.pending = 0
	}
	o.sort(e)
	c.dropped++
	if now := time.Now(); now.Sub(c.warned) > 10*time.Second {
		c.warned = now
		o.log.Error("events of turns are given up, they could not be delivered for too long", "component", c.name, "value", c.dropped)
	}
}

// batch returns the first commits of a queue, at least one and as many as max, and nil when ctx ends first.
func (o *Outbox) batch(ctx context.Context, c *consumer, limit int) []*entry {
	for {
		o.mu.Lock()
		c.queue = slices.DeleteFunc(c.queue, func(e *entry) bool { return e.gone })
		n, bytes := 0, 0
		for n < len(c.queue) && n < limit && (n == 0 || bytes+c.queue[n].size <= maxBatchBytes) {
			bytes += c.queue[n].size
			n++
		}
		c.flight = n
		batch := slices.Clone(c.queue[:n])
		o.mu.Unlock()
		if n > 0 {
			return batch
		}
		if !c.wake.wait(ctx, -1) {
			return nil
		}
	}
}

// runBroker publishes the queue of a broker until ctx ends. After an error the batches begin with a single commit, so that
// one that the broker refuses does not keep others from being taken before it.
func (o *Outbox) runBroker(ctx context.Context, c *consumer) {
	limit, again := maxBatch, retry{hurry: c.hurry}
	for {
		batch := o.batch(ctx, c, limit)
		if batch == nil {
			return
		}
		err := c.publish(ctx, o.publications(batch))
		o.mu.Lock()
		if err == nil {
			for _, e := range batch {
				o.took(c, e)
			}
			c.queue = slices.Delete(c.queue, 0, c.flight)
			limit, again.pause = min(2*limit, maxBatch), 0
		}
		c.flight = 0
		o.outcome(c, err)
		o.mu.Unlock()
		if err != nil {
			limit = 1
			if !again.wait(ctx) {
				return
			}
		}
	}
}

// outcome notes how an attempt went.
func (o *Outbox) outcome(c *consumer, err error) {
	switch {
	case err != nil && c.err == nil:
		c.down = time.Now()
		o.log.Warn("events cannot be delivered, trying again", "component", c.name, "err", err)
	case err == nil && c.err != nil:
		if time.Since(c.down) >= o.cfg.Lease/2 {
			c.back = time.Now()
		}
		o.log.Info("events can be delivered again", "component", c.name)
	}
	c.err = err
	o.trim()
	if o.lacks(c) {
		o.keeperWake.set()
	}
	o.checkFlushed()
}

// publications returns what a broker is to be told. The lists of events are not changed by anyone.
func (o *Outbox) publications(batch []*entry) []stores.Publication {
	o.mu.Lock()
	defer o.mu.Unlock()
	list := make([]stores.Publication, 0, len(batch))
	for _, e := range batch {
		if len(e.Events) > 0 {
			list = append(list, stores.Publication{SenderID: e.SenderID, ID: e.ID, Events: e.Events})
		}
	}
	return list
}

func (c *consumer) publish(ctx context.Context, list []stores.Publication) error {
	if len(list) == 0 {
		return nil
	}
	return c.call(ctx, func(ctx context.Context) error { return c.broker.Publish(ctx, list) })
}

func (c *consumer) forget(ctx context.Context, senderID string) error {
	return c.call(ctx, func(ctx context.Context) error { return c.broker.Forget(ctx, senderID) })
}

// call calls the broker, one call at a time.
func (c *consumer) call(ctx context.Context, f func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	select {
	case <-c.turn:
	case <-ctx.Done():
		return fmt.Errorf("waiting for the call before: %w", context.Cause(ctx))
	}
	defer func() { c.turn <- struct{}{} }()
	return f(ctx)
}
