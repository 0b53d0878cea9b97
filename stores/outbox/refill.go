package outbox

import (
	"context"
	"slices"

	"github.com/parleybot/parley/stores"
)

// While the queue of a consumer is full, commits are only remembered for it (as stubs), or not even that when there are
// too many. When half of the queue is free again, they are read from the store, a conversation at a time, as nothing but
// the order within a conversation counts.

// lacks reports whether a consumer is to be given commits from the store now. What was delivered is settled first, lest it
// be read again.
func (o *Outbox) lacks(c *consumer) bool {
	return len(c.left) > 0 && len(c.queue) <= o.cfg.MaxCommits/2 && c.bytes <= o.cfg.MaxBytes/2 && len(o.done) <= o.cfg.MaxCommits
}

// refillAll fills the queues that lack commits and have room. It returns false when that did not get on.
func (o *Outbox) refillAll(ctx context.Context) bool {
	for _, c := range o.consumers {
		for {
			o.mu.Lock()
			senderID, ok := "", o.lacks(c)
			if ok {
				senderID, ok = c.nextLeft()
			}
			left := slices.Clone(c.left[senderID])
			o.checkFlushed()
			o.mu.Unlock()
			if !ok {
				break
			}
			list, err := o.unsettledOf(ctx, senderID)
			if err != nil || !o.refill(c, senderID, left, list) {
				return false
			}
		}
	}
	return true
}

// nextLeft returns the conversation that was left to the store first.
func (c *consumer) nextLeft() (senderID string, ok bool) {
	for len(c.order) > 0 {
		if len(c.left[c.order[0]]) > 0 {
			return c.order[0], true
		}
		c.order = c.order[1:]
	}
	return "", false
}

// refill queues what was left to the store of a conversation. left is what had been left when the store was asked, list
// what it has. It returns false when something else has to happen first.
func (o *Outbox) refill(c *consumer, senderID string, left []*entry, list []stores.Commit) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	defer o.checkFlushed()
	defer o.trim()
	old := make(map[*entry]bool)
	for _, e := range left {
		old[e] = e.left&c.bit != 0
	}
	inHand := func(u *stores.Commit) *entry { return o.hand[stores.CommitRef{SenderID: senderID, ID: u.ID}] }
	last := -1
	for i := range list {
		if old[inHand(&list[i])] {
			last = i
		}
	}
	// With those before them that were forgotten.
	o.adopt(list, func(u *stores.Commit) bool { return old[inHand(u)] })
	for i := range list[:last+1] {
		e := inHand(&list[i])
		switch {
		case e == nil && o.settled.has(stores.CommitRef{SenderID: senderID, ID: list[i].ID}):
		case e == nil || e.pending&c.bit != 0 && (e.queued|e.left)&c.bit == 0:
			return false // one that was forgotten is parked or with the timers
		case e.left&c.bit != 0 && o.full(c, e):
			return !o.lacks(c) // a very large one waits for more room than that
		case e.left&c.bit != 0:
			c.found(e)
			e.Events = list[i].Events
			o.push(c, e)
		}
		delete(old, e)
	}
	for e, there := range old {
		if there {
			o.drop(e) // another node settled it
		}
	}
	return true
}
