// Package failsafe is Rasa's way to live with a tracker store that fails: a conversation that cannot be read is taken for
// one that is not there, and one that cannot be written is kept in the memory of this node, where no other will find it
// (rasa/core/tracker_store.py FailSafeTrackerStore, 3.6.21). It is off unless somebody asks for it.
package failsafe

import (
	"context"
	"errors"
	"log/slog"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/stores"
)

// Store is a stores.TrackerStore that does not fail. It is safe for concurrent use.
type Store struct {
	stores.TrackerStore
	fallback stores.TrackerStore
	log      *slog.Logger
}

var _ stores.TrackerStore = (*Store)(nil)

// New returns the store; Close closes store alone.
func New(store, fallback stores.TrackerStore, log *slog.Logger) *Store {
	return &Store{store, fallback, log}
}

// Load implements stores.TrackerStore.
func (s *Store) Load(ctx context.Context, f *tracker.Factory, senderID string) (stores.Conversation, error) {
	conv, err := s.TrackerStore.Load(ctx, f, senderID)
	if err != nil {
		s.log.ErrorContext(ctx, "a conversation cannot be read and begins anew", "sender_id", senderID, "err", err)
		return stores.Conversation{}, nil
	}
	return conv, nil
}

// LoadAll implements stores.TrackerStore.
func (s *Store) LoadAll(ctx context.Context, f *tracker.Factory, senderID string) (stores.Conversation, error) {
	conv, err := s.TrackerStore.LoadAll(ctx, f, senderID)
	if err != nil {
		s.log.ErrorContext(ctx, "a conversation cannot be read", "sender_id", senderID, "err", err)
		return stores.Conversation{}, nil
	}
	return conv, nil
}

// Save implements stores.TrackerStore. A conversation in the fallback is replaced by what is saved.
func (s *Store) Save(ctx context.Context, turn stores.Turn) (stores.Position, error) {
	at, err := s.TrackerStore.Save(ctx, turn)
	if err == nil || errors.Is(err, stores.ErrConflict) {
		return at, err
	}
	id := turn.Tracker.SenderID
	s.log.ErrorContext(ctx, "a conversation cannot be written and is kept in memory", "sender_id", id, "err", err)
	known, err := s.fallback.LoadAll(ctx, ptr(turn.Tracker.Factory()), id)
	if err != nil {
		return at, err
	}
	turn.At, turn.Replace = known.At, true
	return s.fallback.Save(ctx, turn)
}

func ptr(f tracker.Factory) *tracker.Factory { return &f }

// Timers implements stores.TimerStore. It returns nil when the store keeps none.
func (s *Store) Timers() stores.Timers {
	if t, ok := s.TrackerStore.(stores.TimerStore); ok {
		return t.Timers()
	}
	return nil
}

// LoadKept implements stores.Keeper.
func (s *Store) LoadKept(ctx context.Context, f *tracker.Factory, senderID string) (stores.Conversation, error) {
	return stores.LoadKept(ctx, s.TrackerStore, f, senderID)
}
