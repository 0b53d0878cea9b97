package manage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// The keys of a file of conversations. Each line is a conversation {"sender_id", "count", "sha256", "events"}, the last
// one {"conversations", "events", "sha256"}, the totals.
const (
	keySender = "sender_id"
	keyCount  = "count"
	keyHash   = "sha256"
	keyEvents = "events"
	keyTotal  = "conversations"
)

// Totals are the last line of a file of conversations.
type Totals struct {
	Conversations, Events int
	// SHA256 is that of the lines `<sha256 of the events> <sender_id as JSON>\n` of all conversations in their order.
	SHA256 string
}

// sum adds up the conversations of a file.
type sum struct {
	Totals
	h hash.Hash
}

func newSum() *sum { return &sum{h: sha256.New()} }

func (s *sum) add(senderID, hash string, events int) {
	s.Conversations++
	s.Events += events
	fmt.Fprintf(s.h, "%s %s\n", hash, value.Encode(senderID, value.JSON))
}

func (s *sum) totals() Totals {
	t := s.Totals
	t.SHA256 = hex.EncodeToString(s.h.Sum(nil))
	return t
}

// Export writes the conversations that a query means, all their sessions, to w. One that cannot be read is left out and
// named by the error, unless the store is out of reach, which ends it before the totals.
func (m *Manager) Export(ctx context.Context, q stores.Query, w io.Writer) (Totals, error) {
	all, f := newSum(), m.factory(q.Slot)
	var unread []error
	var line []byte
	err := m.ids(ctx, q, "", func(id string) (bool, error) {
		c, err := stores.LoadKept(ctx, m.cfg.Store, f, id)
		switch {
		case errors.Is(err, stores.ErrUnavailable) || ctx.Err() != nil:
			return false, fmt.Errorf("reading the conversation %q: %w", id, err)
		case err != nil:
			unread = append(unread, fmt.Errorf("reading the conversation %q: %w", id, err))
			return true, nil
		case c.Tracker == nil || len(c.Tracker.Events()) == 0 || !q.Matches(c.Tracker):
			return true, nil
		}
		events := c.Tracker.Events()
		hash := Hash(events)
		list := make([]any, len(events))
		for i, e := range events {
			list[i] = tracker.AsMap(e)
		}
		line = value.Append(line[:0], value.NewMap(keySender, id, keyCount, int64(len(events)), keyHash, hash, keyEvents, list), value.JSON)
		if _, err := w.Write(append(line, '\n')); err != nil {
			return false, fmt.Errorf("writing conversations: %w", err)
		}
		all.add(id, hash, len(events))
		return true, nil
	})
	t := all.totals()
	if err == nil {
		last := value.NewMap(keyTotal, int64(t.Conversations), keyEvents, int64(t.Events), keyHash, t.SHA256)
		if _, err = w.Write(append(value.Encode(last, value.JSON), '\n')); err != nil {
			err = fmt.Errorf("writing conversations: %w", err)
		}
	}
	return t, errors.Join(append(unread, err)...)
}
