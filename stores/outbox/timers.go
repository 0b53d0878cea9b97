package outbox

import (
	"context"
	"slices"
	"time"

	"github.com/parleybot/parley/stores"
)

// runTimers hands commits to Timers until ctx ends. A conversation with which that fails is set aside until the next
// attempt, with all its later commits.
func (o *Outbox) runTimers(ctx context.Context, c *consumer) {
	aside := map[string]bool{} // true until the next attempt
	again := retry{hurry: c.hurry}
	var at time.Time // of the next attempt
	for {
		e, commit := o.nextForTimers(c, aside)
		if e == nil {
			if !o.awaitTimers(ctx, c, aside, at) {
				return
			}
			continue
		}
		err := o.callTimers(ctx, commit)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			delete(aside, commit.SenderID)
		} else {
			if !slices.Contains(values(aside), true) {
				at = time.Now().Add(again.next())
			}
			aside[commit.SenderID] = true
		}
		if len(aside) == 0 {
			again.pause = 0
		}
		o.mu.Lock()
		if err == nil {
			o.took(c, e)
			c.queue = slices.DeleteFunc(c.queue, func(q *entry) bool { return q == e })
		}
		if err != nil || len(aside) == 0 {
			o.outcome(c, err)
		} else {
			o.checkFlushed()
		}
		o.mu.Unlock()
	}
}

// awaitTimers waits until there is more to do; what was set aside is tried again at the time given.
func (o *Outbox) awaitTimers(ctx context.Context, c *consumer, aside map[string]bool, at time.Time) bool {
	if !slices.Contains(values(aside), true) {
		clear(aside) // what failed was deleted meanwhile
		return c.wake.wait(ctx, -1)
	}
	t := time.NewTimer(time.Until(at))
	defer t.Stop()
	select {
	case <-c.wake:
		return true
	case <-c.hurry:
	case <-t.C:
	case <-ctx.Done():
		return false
	}
	for id := range aside {
		aside[id] = false
	}
	return true
}

func values(m map[string]bool) []bool {
	list := make([]bool, 0, len(m))
	for _, v := range m {
		list = append(list, v)
	}
	return list
}

// nextForTimers returns the first commit of a conversation that is not set aside.
func (o *Outbox) nextForTimers(c *consumer, aside map[string]bool) (*entry, stores.Commit) {
	o.mu.Lock()
	defer o.mu.Unlock()
	c.queue = slices.DeleteFunc(c.queue, func(e *entry) bool { return e.gone })
	for _, e := range c.queue {
		if !aside[e.SenderID] {
			return e, e.Commit
		}
	}
	return nil, stores.Commit{}
}

func (o *Outbox) callTimers(ctx context.Context, commit stores.Commit) error {
	if len(commit.Events) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return o.cfg.Timers(ctx, commit)
}
