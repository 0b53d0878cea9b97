package sql

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// A note in parley_outbox says which rows of events are those of a commit. Only when a conversation is replaced, its notes
// keep the events themselves.
const (
	noteColumns = "o.sender_id, o.commit_id, o.stored, o.events, e.data"
	noteOrder   = " ORDER BY o.first_id, e.id"
)

// Unsettled implements stores.Outbox.
func (l *Log) Unsettled(ctx context.Context, before time.Time, limit int) ([]stores.Commit, error) {
	if limit <= 0 {
		limit = math.MaxInt32
	}
	return l.commits(ctx, "SELECT * FROM parley_outbox WHERE stored < ? ORDER BY first_id LIMIT ?", before.UnixMicro(), int64(limit))
}

// UnsettledOf implements stores.Outbox.
func (l *Log) UnsettledOf(ctx context.Context, senderID string) ([]stores.Commit, error) {
	return l.commits(ctx, "SELECT * FROM parley_outbox WHERE sender_id = ?", senderID)
}

// commits reads the notes that a query finds, with their events.
func (l *Log) commits(ctx context.Context, notes string, args ...any) ([]stores.Commit, error) {
	if found, err := l.hasTable(ctx, outboxTable, &l.outbox); !found || err != nil {
		return nil, err
	}
	var list []stores.Commit
	s := &statement{
		text: "SELECT " + noteColumns + " FROM (" + notes + ") o LEFT JOIN events e ON o.events IS NULL AND " +
			l.dialect.sameAs("e", "o.sender_id") + " AND e.id BETWEEN o.first_id AND o.last_id" + noteOrder,
		args: args,
		row: func(scan func(...any) error) error {
			var c stores.Commit
			var stored int64
			var kept, data text
			if err := scan(&c.SenderID, &c.ID, &stored, &kept, &data); err != nil {
				return err
			}
			c.Time = time.UnixMicro(stored)
			if n := len(list); n == 0 || list[n-1].SenderID != c.SenderID || list[n-1].ID != c.ID {
				list = append(list, c)
			}
			return addEvents(&list[len(list)-1], string(kept), string(data))
		},
	}
	err := l.read(ctx, "reading notes of commits", s)
	return list, err
}

// addEvents adds the events of a row: those that the note kept, or one.
func addEvents(c *stores.Commit, kept, data string) error {
	var list []any
	switch {
	case kept != "":
		v, err := value.DecodeString("[" + kept + "]")
		if err != nil {
			return fmt.Errorf("the note of commit %s: %w", c.ID, err)
		}
		list, _ = v.([]any)
	case data != "":
		v, err := value.DecodeString(data)
		if err != nil {
			return fmt.Errorf("the events of commit %s: %w", c.ID, err)
		}
		list = []any{v}
	}
	for _, v := range list {
		m, _ := v.(*value.Map)
		e, err := tracker.EventFromMap(m)
		if err != nil {
			return fmt.Errorf("the events of commit %s: %w", c.ID, err)
		}
		if e != nil {
			c.Events = append(c.Events, e)
		}
	}
	return nil
}

// Settle implements stores.Outbox.
func (l *Log) Settle(ctx context.Context, done []stores.CommitRef) error {
	found, err := l.hasTable(ctx, outboxTable, &l.outbox)
	if err != nil || !found || len(done) == 0 {
		return err
	}
	list := make([]*statement, len(done))
	for i, ref := range done {
		list[i] = &statement{text: "DELETE FROM parley_outbox WHERE sender_id = ? AND commit_id = ?", args: []any{ref.SenderID, ref.ID}}
	}
	return l.write(ctx, "removing notes of commits", list...)
}
