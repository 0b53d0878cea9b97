package outbox

import (
	"context"

	"github.com/parleybot/parley/stores"
)

// While the queue of a consumer is full, commits are only remembered for it (as stubs), or not even that when there are
// too many. When half of the queue is free again, they are read from the store, a conversation at a time, as nothing but
// the order within a conversation counts.

// lacks reports whether a consumer is to be given commits from the store now.
func (o *Outbox) lacks(c *consumer) bool {
	return len(c.left) > 0 && len(c.queue) <= o.cfg.MaxCommits/2 && c.bytes <= o.cfg.MaxBytes/2
}

// refillAll fills the queues that lack commits and have room. It returns false when the store could not be read.
func (o *Outbox) refillAll(ctx context.Context) bool {
	for _, c := range o.consumers {
		o.mu.Lock()
		lacks := o.lacks(c)
		o.mu.Unlock()
		for lacks {
			o.mu.Lock()
			senderID, ok := c.nextLeft()
			o.mu.Unlock()
			if !ok {
				break
			}
			list, err := o.unsettledOf(ctx, senderID)
			if err != nil {
				return false
			}
			lacks = o.refill(c, senderID, list)
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

// refill queues what was left to the store of a conversation, which is at the front of c.order, and reports whether there
// is room for more. list is what the store has.
func (o *Outbox) refill(c *consumer, senderID string, list []stores.Commit) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	defer o.checkFlushed()
	old := make(map[*entry]bool)
	for _, e := range c.left[senderID] {
		old[e] = true
	}
	inHand := func(u *stores.Commit) *entry { return o.hand[stores.CommitRef{SenderID: senderID, ID: u.ID}] }
	o.adopt(list, func(u *stores.Commit) bool { return old[inHand(u)] })
	for i := range list {
		e := inHand(&list[i])
		if e == nil || e.left&c.bit == 0 {
			continue
		}
		if o.full(c, e) {
			return false
		}
		delete(old, e)
		c.found(e)
		e.Events = list[i].Events
		o.push(c, e)
	}
	for e := range old {
		o.drop(e) // another node settled it
	}
	return true
}
