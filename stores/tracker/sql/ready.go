package sql

import (
	"context"
	"sync"
	"sync/atomic"
)

// readiness lets the first call that reaches a server prepare its database.
type readiness struct {
	done atomic.Bool
	mu   sync.Mutex
}

// make runs prepare unless it was run with success before.
func (r *readiness) make(ctx context.Context, prepare func(context.Context) error) error {
	if r.done.Load() {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done.Load() {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := prepare(ctx); err != nil {
		return err
	}
	r.done.Store(true)
	return nil
}
