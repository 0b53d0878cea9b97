package outbox

import (
	"context"
	"slices"
	"time"

	"github.com/parleybot/parley/stores"
)

const (
	// settleDelay is for how long commits are gathered that are settled by one call, maxSettle how many.
	settleDelay = 50 * time.Millisecond
	maxSettle   = 512
)

// runSettler removes the notes of commits that all consumers took, until ctx ends.
func (o *Outbox) runSettler(ctx context.Context) {
	again := retry{hurry: o.settleHurry}
	for o.settleWake.wait(ctx, -1) {
		if newSignal().wait(ctx, settleDelay); ctx.Err() != nil {
			return
		}
		for {
			n, err := o.settle(ctx)
			if err == nil {
				again.pause = 0
			} else if !again.wait(ctx) {
				return
			}
			if n == 0 {
				break
			}
		}
	}
}

// settle settles some commits and returns how many there were.
func (o *Outbox) settle(ctx context.Context) (int, error) {
	o.mu.Lock()
	done := o.done[:min(len(o.done), maxSettle)]
	refs := make([]stores.CommitRef, len(done))
	for i, e := range done {
		refs[i] = e.ref()
	}
	o.mu.Unlock()
	if len(refs) == 0 {
		return 0, nil
	}
	call, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err := o.store.Settle(call, refs)

	o.mu.Lock()
	defer o.mu.Unlock()
	if err != nil {
		if o.settleErr == nil {
			o.log.Warn("delivered commits cannot be settled, trying again", "err", err)
		}
	} else {
		for _, e := range done {
			o.settled.add(e.ref())
			o.drop(e)
		}
		for len(o.done) > 0 && o.done[0].gone {
			o.done = o.done[1:]
		}
		if slices.ContainsFunc(o.consumers, o.lacks) {
			o.keeperWake.set()
		}
	}
	o.settleErr = err
	o.checkFlushed()
	return len(refs), err
}
