package cli

import (
	"context"
	"time"

	"github.com/parleybot/parley/internal/manage"
	"github.com/parleybot/parley/stores"
)

// manager returns what lists and deletes the conversations of a server.
func (s *site) manager(inbox stores.Inbox) *manage.Manager {
	cfg := manage.Config{
		Store: s.store, Notes: s.notes, Locks: s.locks, Timers: s.timers, Inbox: inbox, Factory: s.factory, Logger: s.app.log,
	}
	if s.outbox != nil {
		cfg.Forget = s.outbox.Forget
	}
	return manage.New(cfg)
}

// retain deletes old conversations until stop is called, if the section state asks for it.
func (s *site) retain(ctx context.Context, inbox stores.Inbox) (stop func()) {
	if s.retention == 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.manager(inbox).Retain(ctx, s.retention, manage.RetentionInterval)
	}()
	return func() {
		cancel()
		<-done
	}
}

// days returns a number of days as a duration, a hundred years at most.
func days(n float64) time.Duration { return time.Duration(min(n, 36500) * 24 * float64(time.Hour)) }
