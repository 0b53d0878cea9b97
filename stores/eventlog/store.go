package eventlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/stores"
)

// DefaultCacheEvents is how many events of recent conversations a Store keeps by default, a few hundred bytes each.
const DefaultCacheEvents = 1 << 15

// Config says how a Store works.
type Config struct {
	// CacheEvents is how many events of recent conversations are kept. Default: DefaultCacheEvents; negative: none.
	CacheEvents int
}

// Store is a stores.TrackerStore over a Log. It is safe for concurrent use.
type Store struct {
	log   Log
	cache *cache
}

var (
	_ stores.TrackerStore = (*Store)(nil)
	_ stores.Outbox       = (*Store)(nil)
	_ stores.TimerStore   = (*Store)(nil)
)

// New returns the store of the conversations in log, which is closed with it.
func New(log Log, cfg Config) *Store {
	if cfg.CacheEvents == 0 {
		cfg.CacheEvents = DefaultCacheEvents
	}
	return &Store{log: log, cache: newCache(cfg.CacheEvents)}
}

// Load implements stores.TrackerStore.
func (s *Store) Load(ctx context.Context, f *tracker.Factory, senderID string) (stores.Conversation, error) {
	known, lent := s.cache.borrow(senderID)
	if known != nil && !f.SameDomain(known.tracker) {
		known = nil
	}
	var since stores.Position
	if known != nil {
		since = known.at
	}
	tail, err := s.log.Read(ctx, senderID, since, false)
	if err != nil {
		return stores.Conversation{}, fmt.Errorf("reading the conversation of %q: %w", senderID, err)
	}
	if !tail.Found {
		s.cache.drop(senderID)
		return stores.Conversation{At: tail.At, Unsettled: tail.Unsettled}, nil
	}
	if known == nil || !tail.Continues {
		known, lent = s.session(f, senderID, tail.Events, tail.At), false
		s.cache.put(senderID, known, true)
	} else if len(tail.Events) > 0 {
		known, lent = s.extend(f, known, lent, tail), false
		s.cache.put(senderID, known, true)
	}
	t := known.tracker.Reload()
	if lent {
		t = t.Fork()
	}
	return stores.Conversation{Tracker: t, At: tail.At, Unsettled: tail.Unsettled}, nil
}

// session is what is kept of a conversation of which events are the last session, or more.
func (s *Store) session(f *tracker.Factory, senderID string, events []tracker.Event, at stores.Position) *entry {
	return &entry{tracker: f.FromEvents(senderID, s.log.Cut().LastSession(events)), at: at}
}

// extend adds what others wrote. The space behind the events of a tracker that is lent belongs to the borrower.
func (s *Store) extend(f *tracker.Factory, known *entry, lent bool, tail Tail) *entry {
	t := known.tracker.Snapshot()
	if lent {
		t = t.Fork()
	}
	t.UpdateAll(tail.Events)
	return s.cut(f, t, len(known.tracker.Events()), tail.At)
}

// cut is what is kept of a tracker whose first checked events are of one session.
func (s *Store) cut(f *tracker.Factory, t *tracker.Tracker, checked int, at stores.Position) *entry {
	if s.log.Cut().begins(t.Events(), checked) {
		return s.session(f, t.SenderID, t.Events(), at)
	}
	return &entry{tracker: t, at: at}
}

// LoadAll implements stores.TrackerStore.
func (s *Store) LoadAll(ctx context.Context, f *tracker.Factory, senderID string) (stores.Conversation, error) {
	tail, err := s.log.Read(ctx, senderID, stores.Position{}, true)
	if err != nil {
		return stores.Conversation{}, fmt.Errorf("reading the conversation of %q: %w", senderID, err)
	}
	conv := stores.Conversation{At: tail.At, Unsettled: tail.Unsettled}
	if tail.Found {
		conv.Tracker = f.FromEvents(senderID, tail.Events).Reload()
	}
	return conv, nil
}

// Save implements stores.TrackerStore.
func (s *Store) Save(ctx context.Context, turn stores.Turn) (stores.Position, error) {
	id := turn.Tracker.SenderID
	at, err := s.log.Append(ctx, turn)
	switch {
	case errors.Is(err, stores.ErrConflict):
		s.cache.drop(id)
		return at, err
	case err != nil:
		s.cache.drop(id) // it may have been written
		return at, fmt.Errorf("writing the conversation of %q: %w", id, err)
	}
	kept := turn.Tracker.Snapshot()
	kept.Stamp(nil)
	checked := turn.Known
	if turn.Replace {
		checked = 0
	}
	f := kept.Factory()
	s.cache.put(id, s.cut(&f, kept, min(checked, len(kept.Events())), at), false)
	return at, nil
}

// IDs implements stores.TrackerStore.
func (s *Store) IDs(ctx context.Context, q stores.Query, after string, limit int) ([]string, error) {
	ids, err := s.log.IDs(ctx, q, after, limit)
	if err != nil {
		return nil, fmt.Errorf("listing conversations: %w", err)
	}
	return ids, nil
}

// Delete implements stores.TrackerStore.
func (s *Store) Delete(ctx context.Context, senderID string) (int, error) {
	n, err := s.log.Delete(ctx, senderID)
	s.cache.drop(senderID)
	if err != nil {
		return n, fmt.Errorf("deleting the conversation of %q: %w", senderID, err)
	}
	return n, nil
}

// Unsettled implements stores.Outbox.
func (s *Store) Unsettled(ctx context.Context, before time.Time, limit int) ([]stores.Commit, error) {
	list, err := s.log.Unsettled(ctx, before, limit)
	if err != nil {
		return nil, fmt.Errorf("reading what is to be delivered: %w", err)
	}
	return list, nil
}

// UnsettledOf implements stores.Outbox.
func (s *Store) UnsettledOf(ctx context.Context, senderID string) ([]stores.Commit, error) {
	list, err := s.log.UnsettledOf(ctx, senderID)
	if err != nil {
		return nil, fmt.Errorf("reading what is to be delivered of %q: %w", senderID, err)
	}
	return list, nil
}

// Settle implements stores.Outbox.
func (s *Store) Settle(ctx context.Context, done []stores.CommitRef) error {
	if err := s.log.Settle(ctx, done); err != nil {
		return fmt.Errorf("noting what was delivered: %w", err)
	}
	return nil
}

// Timers implements stores.TimerStore. It returns nil when the back end keeps none.
func (s *Store) Timers() stores.Timers {
	if t, ok := s.log.(stores.TimerStore); ok {
		return t.Timers()
	}
	return nil
}

// Close implements stores.TrackerStore.
func (s *Store) Close() error { return s.log.Close() }
