package manage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

const (
	// retentionLock keeps the nodes of a fleet from deleting the same conversations.
	retentionLock = "parley:retention"
	// retentionWait is how long a node waits for another that deletes already.
	retentionWait = time.Second
	// RetentionInterval is how often old conversations are looked for.
	RetentionInterval = time.Hour
)

// Prune deletes the conversations whose last event is older than before, and calls each with the proof of every one. A
// conversation that cannot be deleted does not stop it, a store out of reach does. It returns how many were deleted.
func (m *Manager) Prune(ctx context.Context, before time.Time, each func(p *Proof)) (int, error) {
	n := 0
	var problems []error
	err := m.Old(ctx, before, func(s Summary) error {
		p, done := m.deleteIf(ctx, s.SenderID, func(t *tracker.Tracker) bool { return isOld(t, before) })
		if !done {
			return nil
		}
		each(p)
		err := p.Err()
		if err == nil && p.Verified {
			n++
			return nil
		}
		if err == nil {
			err = errors.New("something was left")
		}
		err = fmt.Errorf("deleting the conversation %q: %w", s.SenderID, err)
		if errors.Is(err, stores.ErrUnavailable) {
			return err
		}
		problems = append(problems, err)
		return nil
	})
	return n, errors.Join(append(problems, err)...)
}

// Old calls each with the conversations whose last event is older than before. One that cannot be read is passed over.
func (m *Manager) Old(ctx context.Context, before time.Time, each func(s Summary) error) error {
	q := stores.Query{Until: before}
	return m.ids(ctx, q, "", func(id string) (bool, error) {
		c, err := stores.LoadKept(ctx, m.cfg.Store, m.factory(), id)
		if errors.Is(err, stores.ErrUnavailable) || ctx.Err() != nil {
			return false, fmt.Errorf("looking for old conversations: %w", err)
		}
		if err != nil {
			m.cfg.Logger.WarnContext(ctx, "a conversation cannot be read", "sender_id", id, "err", err)
			return true, nil
		}
		if c.Tracker == nil || !isOld(c.Tracker, before) {
			return true, nil
		}
		return true, each(summarize(c.Tracker))
	})
}

func isOld(t *tracker.Tracker, before time.Time) bool { return stores.Query{Until: before}.Matches(t) }

// Retain deletes conversations whose last event is older than age, now and every hour, until ctx ends. One node of a fleet
// does it at a time.
func (m *Manager) Retain(ctx context.Context, age, every time.Duration) {
	for {
		m.retain(ctx, age)
		select {
		case <-time.After(every):
		case <-ctx.Done():
			return
		}
	}
}

func (m *Manager) retain(ctx context.Context, age time.Duration) {
	if m.cfg.Locks != nil {
		waiting, cancel := context.WithTimeout(ctx, retentionWait)
		defer cancel()
		unlock, err := m.cfg.Locks.Lock(waiting, retentionLock)
		if err != nil {
			return // another node does it, or one of the next hours will
		}
		defer unlock()
	}
	_, err := m.Prune(ctx, m.cfg.Now().Add(-age), func(p *Proof) {
		m.cfg.Logger.InfoContext(ctx, "an old conversation was deleted", "sender_id", p.SenderID,
			"proof", string(value.Encode(p.JSON(), value.Compact)))
	})
	if err != nil && ctx.Err() == nil {
		m.cfg.Logger.WarnContext(ctx, "deleting old conversations", "err", err)
	}
}
