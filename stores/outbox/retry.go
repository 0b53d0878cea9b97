package outbox

import (
	"context"
	"math/rand/v2"
	"time"
)

// firstRetry is the pause after a first error. It doubles up to lastRetry.
const firstRetry, lastRetry = 100 * time.Millisecond, 15 * time.Second

// retry paces attempts after errors.
type retry struct {
	pause time.Duration // the last one, 0 after a success
	hurry signal        // ends a pause
}

// next returns how long to wait.
func (r *retry) next() time.Duration {
	r.pause = min(max(2*r.pause, firstRetry), lastRetry)
	return jitter(r.pause)
}

// wait waits for the next attempt. It returns false when ctx ended.
func (r *retry) wait(ctx context.Context) bool { return r.hurry.wait(ctx, r.next()) }

// jitter returns d, a fifth more or less.
func jitter(d time.Duration) time.Duration {
	return d*4/5 + rand.N(d*2/5+1)
}

// signal wakes one goroutine. Signals that nobody waited for are one.
type signal chan struct{}

func newSignal() signal { return make(chan struct{}, 1) }

func (s signal) set() {
	select {
	case s <- struct{}{}:
	default:
	}
}

// wait returns after a signal, or after d unless d is negative, and false when ctx ended.
func (s signal) wait(ctx context.Context, d time.Duration) bool {
	var after <-chan time.Time
	if d >= 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		after = t.C
	}
	select {
	case <-s:
	case <-after:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}
