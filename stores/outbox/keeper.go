package outbox

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/parleybot/parley/stores"
)

const (
	// firstPoll is when the store is asked for the first time whether what a commit waits for is settled, lastPoll the
	// longest pause after that.
	firstPoll, lastPoll = 20 * time.Millisecond, 320 * time.Millisecond
	// sweepLimit is how many commits are read at a time that others left behind.
	sweepLimit = 256
	// lockTimeout is how long a node waits for the lock of sweeping; another one sweeps then.
	lockTimeout = time.Second
	// sweepLock is the name of the lock that lets one node at a time sweep.
	sweepLock = "parley:outbox"
)

// runKeeper does all that needs to read the store, until ctx ends.
func (o *Outbox) runKeeper(ctx context.Context) {
	sweep := time.Now()
	var refill time.Time
	for ctx.Err() == nil {
		o.pollParked(ctx)
		if !time.Now().Before(refill) && !o.refillAll(ctx) {
			refill = time.Now().Add(time.Second)
		}
		if !time.Now().Before(sweep) {
			sweep = time.Now().Add(jitter(o.cfg.SweepEvery))
			if o.maySweep() && o.sweep(ctx) {
				sweep = time.Now()
			}
		}
		next := sweep
		o.mu.Lock()
		for _, w := range o.parked {
			next = earlier(next, w.poll)
		}
		if slices.ContainsFunc(o.consumers, o.lacks) {
			next = earlier(next, refill)
		}
		o.mu.Unlock()
		o.keeperWake.wait(ctx, max(time.Until(next), 0))
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// read notes how a call of the store went.
func (o *Outbox) read(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err != nil && o.readErr == nil {
		o.log.Warn("commits cannot be read from the store, trying again", "err", err)
	}
	o.readErr = err
	o.checkFlushed()
}

func (o *Outbox) unsettled(ctx context.Context, before time.Time, limit int) ([]stores.Commit, error) {
	call, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	list, err := o.store.Unsettled(call, before, limit)
	o.read(err)
	return list, err
}

func (o *Outbox) unsettledOf(ctx context.Context, senderID string) ([]stores.Commit, error) {
	call, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	list, err := o.store.UnsettledOf(call, senderID)
	o.read(err)
	return list, err
}

// pollParked asks the store about the conversations in which commits wait for those of other nodes.
func (o *Outbox) pollParked(ctx context.Context) {
	var due []string
	o.mu.Lock()
	for id, w := range o.parked {
		if !w.poll.After(time.Now()) {
			due = append(due, id)
		}
	}
	o.mu.Unlock()
	for _, id := range due {
		asked := time.Now()
		list, err := o.unsettledOf(ctx, id)
		o.mu.Lock()
		if err == nil {
			o.polled(id, list, asked)
		}
		if w := o.parked[id]; w != nil {
			w.pause = min(2*w.pause, lastPoll)
			w.poll = time.Now().Add(w.pause)
		}
		o.trim()
		o.checkFlushed()
		o.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// polled releases the commits of a conversation that waited for what is settled now, and for what was waited for long
// enough: that is delivered from here, too.
func (o *Outbox) polled(senderID string, list []stores.Commit, asked time.Time) {
	there := make(map[string]bool, len(list))
	for _, c := range list {
		there[c.ID] = true
	}
	o.resolve(senderID, asked, func(id string) bool { return !there[id] })
	w := o.parked[senderID]
	if w == nil {
		return
	}
	overdue := map[string]bool{}
	for _, e := range w.entries {
		if time.Since(e.since) >= o.cfg.Grace {
			for _, id := range e.missing {
				overdue[id] = true
			}
		}
	}
	o.adopt(list, func(c *stores.Commit) bool { return overdue[c.ID] })
}

// adopt takes commits of one conversation, in the order of the store, up to the last that is wanted, and returns how many
// of them were not in hand.
func (o *Outbox) adopt(list []stores.Commit, wanted func(c *stores.Commit) bool) int {
	last, adopted := -1, 0
	for i := range list {
		if wanted(&list[i]) {
			last = i
		}
	}
	var before []string
	for _, c := range list[:last+1] {
		e := o.hand[stores.CommitRef{SenderID: c.SenderID, ID: c.ID}]
		switch {
		case e == nil:
			adopted++
			o.take(&entry{Commit: c, size: size(c.Events), since: time.Now()}, before)
		case e.parked:
			// The store's order counts, whatever the commit was said to come after.
			e.missing = slices.DeleteFunc(e.missing, func(id string) bool { return !slices.Contains(before, id) })
			if len(e.missing) == 0 {
				o.unpark(e)
			}
		}
		before = append(before, c.ID)
	}
	return adopted
}

// maySweep reports whether commits of other nodes can be delivered, and have had time to be delivered by them: a consumer
// that is away or slow from here is so for all nodes.
func (o *Outbox) maySweep() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.closing && !slices.ContainsFunc(o.consumers, func(c *consumer) bool {
		late := len(c.queue) > 0 && time.Since(c.queue[0].since) >= o.cfg.Lease/2
		return late || len(c.left) > 0 || time.Since(c.back) < o.cfg.Lease
	})
}

// sweep delivers commits that others left behind, and reports whether there may be more.
func (o *Outbox) sweep(ctx context.Context) (more bool) {
	if o.cfg.Locks != nil {
		call, cancel := context.WithTimeout(ctx, lockTimeout)
		defer cancel()
		unlock, err := o.cfg.Locks.Lock(call, sweepLock)
		switch {
		case err == nil:
			defer unlock()
		case errors.Is(err, stores.ErrLockNotAcquired):
			return false
		}
	}
	o.mu.Lock()
	limit := sweepLimit + len(o.hand)
	o.mu.Unlock()
	list, err := o.unsettled(ctx, o.cfg.Now().Add(-o.cfg.Lease), limit)
	if err != nil {
		return false
	}
	return o.adoptLeft(ctx, list) > 0 && len(list) == limit
}

// adoptLeft takes commits that others left behind, each conversation's with all before them, and returns how many there
// were. It stops when there is no room for more.
func (o *Outbox) adoptLeft(ctx context.Context, left []stores.Commit) (adopted int) {
	ids, order := bySender(left)
	for _, id := range order {
		o.mu.Lock()
		news := slices.ContainsFunc(ids[id], func(ref stores.CommitRef) bool { return o.hand[ref] == nil })
		full := slices.ContainsFunc(o.consumers, func(c *consumer) bool { return len(c.left) > 0 })
		o.mu.Unlock()
		if full {
			return adopted
		}
		if !news {
			continue
		}
		list, err := o.unsettledOf(ctx, id)
		if err != nil {
			return adopted
		}
		o.mu.Lock()
		adopted += o.adopt(list, func(c *stores.Commit) bool {
			return slices.Contains(ids[id], stores.CommitRef{SenderID: id, ID: c.ID})
		})
		o.trim()
		o.mu.Unlock()
	}
	return adopted
}

// bySender returns the commits of each conversation, and the conversations in the order in which they are met.
func bySender(list []stores.Commit) (ids map[string][]stores.CommitRef, order []string) {
	ids = map[string][]stores.CommitRef{}
	for _, c := range list {
		if ids[c.SenderID] == nil {
			order = append(order, c.SenderID)
		}
		ids[c.SenderID] = append(ids[c.SenderID], stores.CommitRef{SenderID: c.SenderID, ID: c.ID})
	}
	return ids, order
}
