package server

import (
	"context"
	"sync"
	"time"
)

// limited is a context that ends with another one, or at a time. Unlike that of context.WithDeadline it costs no timer
// as long as nobody waits for its end, and a message that is answered in microseconds waits for nothing.
type limited struct {
	// parent is what ends it, values is where its values come from.
	parent, values context.Context
	until          time.Time

	mu     sync.Mutex
	timed  context.Context // nil until somebody waits
	cancel context.CancelFunc
}

var _ context.Context = (*limited)(nil)

// limit returns a context that ends with parent or at the time until. It is to be released.
func limit(parent context.Context, until time.Time) *limited {
	return &limited{parent: parent, values: parent, until: until}
}

// release frees what waiting for the end took. The context must not be used any more.
func (c *limited) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cancel != nil {
		c.cancel()
	}
}

// Deadline implements context.Context.
func (c *limited) Deadline() (time.Time, bool) { return c.until, true }

// Done implements context.Context.
func (c *limited) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timed == nil {
		c.timed, c.cancel = context.WithDeadline(c.parent, c.until)
	}
	return c.timed.Done()
}

// waiting returns the context behind Done, nil before Done was called.
func (c *limited) waiting() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.timed
}

// Err implements context.Context.
func (c *limited) Err() error {
	if timed := c.waiting(); timed != nil {
		return timed.Err()
	}
	if err := c.parent.Err(); err != nil {
		return err
	}
	if !time.Now().Before(c.until) {
		return context.DeadlineExceeded
	}
	return nil
}

// Value implements context.Context. The context behind Done is asked first, so that contexts made from this one find
// what to wait for.
func (c *limited) Value(key any) any {
	if timed := c.waiting(); timed != nil {
		if v := timed.Value(key); v != nil {
			return v
		}
	}
	return c.values.Value(key)
}
