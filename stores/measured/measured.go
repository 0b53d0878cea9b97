// Package measured counts what happens at the contracts of package stores, whatever is behind them. A wrapper costs two
// looks at the clock and some additions a call.
package measured

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/metrics"
	"github.com/parleybot/parley/stores"
)

// Tracker is a stores.TrackerStore that counts. It is safe for concurrent use.
type Tracker struct {
	stores.TrackerStore
	turns, conflicts, spooled atomic.Int64
	load, save, other         operation
}

// operation is a kind of call.
type operation struct {
	took   metrics.Durations
	failed atomic.Int64
}

func (o *operation) done(began time.Time, err error) {
	o.took.Add(time.Since(began))
	if err != nil {
		o.failed.Add(1)
	}
}

var (
	_ stores.TimerStore = (*Tracker)(nil)
	_ stores.Keeper     = (*Tracker)(nil)
)

// Trackers returns a store in front of another.
func Trackers(s stores.TrackerStore) *Tracker { return &Tracker{TrackerStore: s} }

// Load implements stores.TrackerStore.
func (t *Tracker) Load(ctx context.Context, f *tracker.Factory, senderID string) (stores.Conversation, error) {
	began := time.Now()
	c, err := t.TrackerStore.Load(ctx, f, senderID)
	t.load.done(began, err)
	return c, err
}

// LoadAll implements stores.TrackerStore.
func (t *Tracker) LoadAll(ctx context.Context, f *tracker.Factory, senderID string) (stores.Conversation, error) {
	began := time.Now()
	c, err := t.TrackerStore.LoadAll(ctx, f, senderID)
	t.load.done(began, err)
	return c, err
}

// LoadKept implements stores.Keeper.
func (t *Tracker) LoadKept(ctx context.Context, f *tracker.Factory, senderID string) (stores.Conversation, error) {
	began := time.Now()
	c, err := stores.LoadKept(ctx, t.TrackerStore, f, senderID)
	t.load.done(began, err)
	return c, err
}

// Save implements stores.TrackerStore. A turn that waits on disk is counted as one, and that it waits; a conflict is no error.
func (t *Tracker) Save(ctx context.Context, turn stores.Turn) (stores.Position, error) {
	began := time.Now()
	at, err := t.TrackerStore.Save(ctx, turn)
	waits := err != nil && isSpooled(err)
	if waits {
		t.spooled.Add(1)
	}
	if (err == nil || waits) && !turn.Partial {
		t.turns.Add(1)
	}
	failure := err
	if errors.Is(err, stores.ErrConflict) {
		t.conflicts.Add(1)
		failure = nil
	}
	t.save.done(began, failure)
	return at, err
}

func isSpooled(err error) bool {
	var spooled *stores.SpooledError
	return errors.As(err, &spooled)
}

// IDs implements stores.TrackerStore.
func (t *Tracker) IDs(ctx context.Context, q stores.Query, after string, limit int) ([]string, error) {
	began := time.Now()
	ids, err := t.TrackerStore.IDs(ctx, q, after, limit)
	t.other.done(began, err)
	return ids, err
}

// Delete implements stores.TrackerStore.
func (t *Tracker) Delete(ctx context.Context, senderID string) (int, error) {
	began := time.Now()
	n, err := t.TrackerStore.Delete(ctx, senderID)
	t.other.done(began, err)
	return n, err
}

// Timers implements stores.TimerStore. It returns nil when the store behind keeps none.
func (t *Tracker) Timers() stores.Timers {
	if kept, ok := t.TrackerStore.(stores.TimerStore); ok {
		return kept.Timers()
	}
	return nil
}

// Metrics writes the counts.
func (t *Tracker) Metrics(w *metrics.Writer) {
	w.Add(metrics.Counter, "parley_turns_total", "Turns that were stored, or wait on disk for it.", float64(t.turns.Load()))
	w.Add(metrics.Counter, "parley_conflicts_total", "Turns that were run again because their conversation went on meanwhile.", float64(t.conflicts.Load()))
	w.Add(metrics.Counter, "parley_turns_spooled_total", "Turns that had to wait on disk for the tracker store.", float64(t.spooled.Load()))
	operations := []struct {
		name string
		op   *operation
	}{{"load", &t.load}, {"save", &t.save}, {"other", &t.other}}
	for _, o := range operations {
		w.AddDuration("parley_store_seconds", "Calls of the tracker store and how long they took.", &o.op.took, "operation", o.name)
	}
	for _, o := range operations {
		w.Add(metrics.Counter, "parley_store_errors_total", "Calls of the tracker store that failed.", float64(o.op.failed.Load()), "operation", o.name)
	}
}

// Locker is a stores.Locker that counts. It is safe for concurrent use.
type Locker struct {
	stores.Locker
	lock    operation
	waits   atomic.Int64
	without atomic.Int64
}

// waited is how long a lock takes that somebody else has.
const waited = 10 * time.Millisecond

// Locks returns a locker in front of another.
func Locks(l stores.Locker) *Locker { return &Locker{Locker: l} }

// Lock implements stores.Locker.
func (l *Locker) Lock(ctx context.Context, senderID string) (unlock func(), err error) {
	began := time.Now()
	unlock, err = l.Locker.Lock(ctx, senderID)
	took := time.Since(began)
	l.lock.took.Add(took)
	switch {
	case errors.Is(err, stores.ErrUnavailable):
		l.without.Add(1)
	case err != nil:
		l.lock.failed.Add(1)
	case took > waited:
		l.waits.Add(1)
	}
	return unlock, err
}

// Metrics writes the counts.
func (l *Locker) Metrics(w *metrics.Writer) {
	w.AddDuration("parley_lock_seconds", "Locks asked for and how long that took.", &l.lock.took)
	w.Add(metrics.Counter, "parley_lock_waits_total", "Locks that took more than 10 ms.", float64(l.waits.Load()))
	w.Add(metrics.Counter, "parley_lock_timeouts_total", "Locks that could not be had in time.", float64(l.lock.failed.Load()))
	w.Add(metrics.Counter, "parley_lock_unavailable_total", "Turns that went on without a lock because the lock store was out of reach.", float64(l.without.Load()))
}
