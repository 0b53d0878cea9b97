package nats

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/parleybot/parley/stores"
)

// maxWaiting bounds the conversations that wait for a hand, as a multiple of those being handled. More are found by
// looking.
const maxWaiting = 16

// runner is one call of Run.
type runner struct {
	in     *Inbox
	handle func(ctx context.Context, m stores.Envelope) error
	// stop ends when no more messages are to be begun, base never, handling when those begun are to end.
	stop, base, handling context.Context
	// slots has a place for each conversation being handled.
	slots chan struct{}
	seen  *sightings
	// look asks for a look at all subjects.
	look chan struct{}

	mu sync.Mutex
	// active has the conversations that somebody here looks after; true means to look again.
	active  map[string]bool
	waiting int
	passed  bool // a conversation was left for the next look
	closed  bool
	workers sync.WaitGroup
}

// Run implements stores.Inbox. It returns nil when ctx has ended and handling has, for which that has Config.Grace before its
// context ends, too; and an error when the inbox cannot be opened for a reason that waiting does not change.
func (in *Inbox) Run(ctx context.Context, handle func(ctx context.Context, m stores.Envelope) error) error {
	base := context.WithoutCancel(ctx)
	handling, end := context.WithCancel(base)
	defer end()
	stop, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &runner{
		in: in, handle: handle, stop: stop, base: base, handling: handling,
		slots: make(chan struct{}, in.cfg.Concurrency), seen: newSightings(in.cfg.Lease), look: make(chan struct{}, 1), active: make(map[string]bool),
	}
	in.mu.Lock()
	in.runners = append(in.runners, r)
	in.mu.Unlock()
	err := r.lookOut()

	in.mu.Lock()
	in.runners = slices.DeleteFunc(in.runners, func(o *runner) bool { return o == r })
	in.mu.Unlock()
	cancel()
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	grace := time.AfterFunc(in.cfg.Grace, end)
	defer grace.Stop()
	r.workers.Wait()
	return err
}

// lookOut looks for conversations to be handled until r.stop ends.
func (r *runner) lookOut() error {
	var sub *nats.Subscription
	away := false
	for {
		began := time.Now()
		err := r.listenAndLook(&sub)
		switch {
		case r.stop.Err() != nil:
			if sub != nil {
				_ = sub.Unsubscribe()
			}
			return nil
		case err != nil && !errors.Is(err, stores.ErrUnavailable):
			return err
		case err != nil && !away:
			r.in.log.Warn("the inbox is out of reach", "err", err)
		case err == nil && away:
			r.in.log.Info("the inbox is back")
		}
		away = err != nil
		// All nodes look; they should not do so at once, nor all of the time when there is much to see.
		wait := max(time.Duration(float64(r.in.cfg.Lease)/5*(0.8+0.4*rand.Float64())), 10*time.Since(began))
		select {
		case <-time.After(wait):
		case <-r.look:
		case <-r.stop.Done():
		}
	}
}

// listenAndLook makes the subscription once, and wakes all conversations that have messages.
func (r *runner) listenAndLook(sub **nats.Subscription) error {
	ctx, cancel := context.WithTimeout(r.stop, patience)
	defer cancel()
	s, err := r.in.session(ctx)
	if err != nil {
		return err
	}
	if *sub == nil {
		if *sub, err = s.conn.QueueSubscribe(r.in.wakeSubject(), "parley", func(m *nats.Msg) { r.wake(string(m.Data), false) }); err != nil {
			return r.in.failed("listening for messages", err)
		}
	}
	r.seen.tidy()
	info, err := s.messages.Info(ctx)
	if err != nil {
		return r.in.failed("looking into the inbox", err)
	}
	if info.State.Msgs == 0 {
		return nil
	}
	if info, err = s.messages.Info(ctx, jetstream.WithSubjectFilter(r.in.subject("*"))); err != nil {
		return r.in.failed("looking into the inbox", err)
	}
	for subject := range info.State.Subjects {
		r.wake(strings.TrimPrefix(subject, r.in.subject("")), false)
	}
	return nil
}

// wake has a conversation looked after and reports whether it will be. With free it is refused unless there is a hand free.
func (r *runner) wake(to string, free bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || r.stop.Err() != nil {
		return false
	}
	if _, ok := r.active[to]; ok {
		r.active[to] = true
		return true
	}
	if busy := r.waiting > 0 || len(r.slots) == cap(r.slots); free && busy {
		return false
	}
	if r.waiting >= maxWaiting*cap(r.slots) {
		r.passed = true
		return false
	}
	r.active[to] = false
	r.waiting++
	r.workers.Go(func() { r.lookAfter(to) })
	return true
}

// lookAfter handles a conversation until nobody asks for more.
func (r *runner) lookAfter(to string) {
	if !r.take() {
		r.done(to)
		return
	}
	defer r.give()
	for {
		if err := r.conversation(to); err != nil {
			r.in.log.Warn("a conversation's messages wait", "sender_id", to, "err", err)
			r.done(to)
			return
		}
		r.mu.Lock()
		again := r.active[to]
		r.active[to] = false
		if !again || r.closed {
			delete(r.active, to)
			r.mu.Unlock()
			return
		}
		r.mu.Unlock()
	}
}

func (r *runner) done(to string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.active, to)
}

// take waits for a slot; r.waiting has been counted up by the caller. It reports false when r.stop ended first.
func (r *runner) take() bool {
	var ok bool
	select {
	case r.slots <- struct{}{}:
		ok = true
	case <-r.stop.Done():
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting--
	if r.passed && r.waiting < cap(r.slots) {
		r.passed = false
		select {
		case r.look <- struct{}{}:
		default:
		}
	}
	return ok
}

func (r *runner) give() { <-r.slots }
