package stores

import (
	"context"
	"time"

	"github.com/parleybot/parley/internal/value"
)

// Timers keeps what is to happen later, for all nodes that share the back end. A timer is known by its conversation and
// name. It is safe for concurrent use.
type Timers interface {
	// Set makes a timer. It replaces the one of its conversation and name, claimed or not.
	Set(ctx context.Context, t Timer) error
	// List returns the timers of a conversation, by name.
	List(ctx context.Context, senderID string) ([]Timer, error)
	// Remove removes the timer of t's conversation and name if it is still the one with t.ID, and reports whether it was
	// there.
	Remove(ctx context.Context, t Timer) (bool, error)
	// Claim returns up to limit timers that are due at now, the most overdue first, and lends each to the caller until
	// now+lease: nobody else gets it before. Attempt counts how often a timer was claimed. A claimed timer stays until
	// Remove.
	Claim(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]Timer, error)
	// Next returns when the next timer is due or its lease ends; ok is false when there is none.
	Next(ctx context.Context) (due time.Time, ok bool, err error)
}

// Timer is something to be done for a conversation at a time.
type Timer struct {
	SenderID, Name string
	// ID tells a timer from one that replaced it.
	ID string
	// Due has microseconds.
	Due time.Time
	// Data is what to do; Timers only keeps it. It survives as JSON.
	Data *value.Map
	// Attempt is 1 for a timer claimed for the first time.
	Attempt int
}
