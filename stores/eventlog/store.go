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
	// LikeMemory makes the store show what Rasa's store in memory would have kept (rasa/core/tracker_store.py
	// InMemoryTrackerStore, 3.6.21): sessions begin before action_session_start, and a turn that is stored takes the place
	// of everything but the session it was loaded with. Nothing is deleted; LoadKept returns it all.
	LikeMemory bool
}

// Store is a stores.TrackerStore over a Log. It is safe for concurrent use.
type Store struct {
	log   Log
	cache *cache
	// cut is the rule for sessions; all tells that the back end has another, so that it is asked for everything.
	cut Cut
	all bool
	// empty has conversations without events, which a list of events does not know and Rasa's store in memory does.
	empty empties
}

var (
	_ stores.Keeper       = (*Store)(nil)
	_ stores.TrackerStore = (*Store)(nil)
	_ stores.Outbox       = (*Store)(nil)
	_ stores.TimerStore   = (*Store)(nil)
)

// New returns the store of the conversations in log, which is closed with it.
func New(log Log, cfg Config) *Store {
	if cfg.CacheEvents == 0 {
		cfg.CacheEvents = DefaultCacheEvents
	}
	s := &Store{log: log, cache: newCache(cfg.CacheEvents), cut: log.Cut()}
	if cfg.LikeMemory {
		s.cut, s.all = AtActionSessionStart, true
	}
	return s
}

// Load implements stores.TrackerStore. Like in Rasa, the state is that of all events one after another, but for stores that
// cut at action_session_start: while there is one session these replay the events that count.
func (s *Store) Load(ctx context.Context, f *tracker.Factory, senderID string) (stores.Conversation, error) {
	known, lent := s.cache.borrow(senderID)
	if known != nil && !f.SameDomain(known.tracker) {
		known = nil
	}
	var since stores.Position
	if known != nil {
		since = known.at
	}
	tail, err := s.log.Read(ctx, senderID, since, s.all)
	if err != nil {
		return stores.Conversation{}, fmt.Errorf("reading the conversation of %q: %w", senderID, err)
	}
	if !tail.Found {
		s.cache.drop(senderID)
		return s.unknown(f, senderID, tail), nil
	}
	if known == nil || !tail.Continues {
		known, lent = s.session(f, senderID, tail.Events, tail.At), false
		known.hidden = s.hidden(tail.Events)
		s.cache.put(senderID, known, true)
	} else if len(tail.Events) > 0 {
		known, lent = s.extend(f, known, lent, tail), false
		s.cache.put(senderID, known, true)
	}
	t := known.tracker.Copy()
	if s.cut == AtActionSessionStart && known.hidden+len(t.Events()) >= tail.At.Count {
		t = known.tracker.Reload()
	}
	if lent {
		t = t.Fork()
	}
	return stores.Conversation{Tracker: t, At: tail.At, Unsettled: tail.Unsettled}, nil
}

// unknown is the conversation of which the back end has nothing.
func (s *Store) unknown(f *tracker.Factory, senderID string, tail Tail) stores.Conversation {
	conv := stores.Conversation{At: tail.At, Unsettled: tail.Unsettled}
	if s.all && s.empty.has(senderID) {
		conv.Tracker = f.New(senderID)
	}
	return conv
}

// session is what is kept of a conversation of which events are the last session, or more.
func (s *Store) session(f *tracker.Factory, senderID string, events []tracker.Event, at stores.Position) *entry {
	return &entry{tracker: f.FromEvents(senderID, s.cut.LastSession(events)), at: at}
}

// hidden returns how many of all events of a conversation Rasa's store in memory would have forgotten: those before the
// last session, but for the one before while the last has had one turn.
func (s *Store) hidden(events []tracker.Event) int {
	if !s.all {
		return 0
	}
	session := s.cut.LastSession(events)
	start, said := len(events)-len(session), 0
	for _, e := range session {
		if _, ok := e.(*tracker.UserUttered); ok {
			said++
		}
	}
	if said > 1 || start == 0 {
		return start
	}
	return start - len(s.cut.LastSession(events[:start]))
}

// extend adds what others wrote. The space behind the events of a tracker that is lent belongs to the borrower.
func (s *Store) extend(f *tracker.Factory, known *entry, lent bool, tail Tail) *entry {
	t := known.tracker.Snapshot()
	if lent {
		t = t.Fork()
	}
	t.UpdateAll(tail.Events)
	e := s.trim(f, t, len(known.tracker.Events()), tail.At)
	e.hidden = known.hidden
	return e
}

// trim is what is kept of a tracker whose first checked events are of one session.
func (s *Store) trim(f *tracker.Factory, t *tracker.Tracker, checked int, at stores.Position) *entry {
	if s.cut.begins(t.Events(), checked) {
		return s.session(f, t.SenderID, t.Events(), at)
	}
	return &entry{tracker: t, at: at}
}

// LoadAll implements stores.TrackerStore.
func (s *Store) LoadAll(ctx context.Context, f *tracker.Factory, senderID string) (stores.Conversation, error) {
	return s.loadAll(ctx, f, senderID, s.all)
}

// LoadKept implements stores.Keeper.
func (s *Store) LoadKept(ctx context.Context, f *tracker.Factory, senderID string) (stores.Conversation, error) {
	return s.loadAll(ctx, f, senderID, false)
}

func (s *Store) loadAll(ctx context.Context, f *tracker.Factory, senderID string, hide bool) (stores.Conversation, error) {
	tail, err := s.log.Read(ctx, senderID, stores.Position{}, true)
	if err != nil {
		return stores.Conversation{}, fmt.Errorf("reading the conversation of %q: %w", senderID, err)
	}
	if !tail.Found {
		return s.unknown(f, senderID, tail), nil
	}
	conv := stores.Conversation{At: tail.At, Unsettled: tail.Unsettled}
	events := tail.Events
	if hide {
		n, known := s.cache.hidden(senderID)
		if !known || n > len(events) {
			n = s.hidden(events)
		}
		events = events[n:]
	}
	if conv.Tracker = f.FromEvents(senderID, events); s.cut == AtActionSessionStart {
		conv.Tracker = conv.Tracker.Reload()
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
	if s.all && at.Count == 0 {
		s.empty.add(id)
	}
	kept := turn.Tracker.Snapshot()
	kept.Stamp(nil)
	checked := turn.Known
	if turn.Replace {
		checked = 0
	}
	f := kept.Factory()
	e := s.trim(&f, kept, min(checked, len(kept.Events())), at)
	if s.all && !turn.Replace {
		e.hidden = max(0, turn.At.Count-turn.Known)
	}
	s.cache.put(id, e, false)
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
	s.empty.remove(senderID)
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
