// Package sql keeps conversations in the table of Rasa's SQLTrackerStore (rasa/core/tracker_store.py, 3.6.21), a row an
// event, in SQLite, PostgreSQL, MySQL or MariaDB. Rasa nodes and parley nodes may use one table at the same time.
//
// A conversation is read from its last known row on and written behind it if it still is the last: one round trip each.
// What a commit has to deliver is noted in the table parley_outbox by the same transaction, timers are in parley_timers;
// both are made when they are needed first, so that a database without them stays as Rasa made it.
//
// Writers of one conversation exclude each other by an advisory lock (PostgreSQL, MySQL) or by the one writer that the
// database admits (SQLite); of two that know the same position one gets stores.ErrConflict. Rasa takes no part in it: it
// inserts what it has behind the number of rows it counts. A Rasa node that works on a conversation at the same time (its
// lock ran out) may therefore drop events of its own, as it does beside other Rasa nodes, and in PostgreSQL and MySQL its
// rows may come to stand before rows that were written meanwhile. The next reader notices these, too: it compares the
// rows since the position before the last one.
package sql

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/sqldb"
	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/eventlog"
)

// Log is the eventlog.Log of a database. It is safe for concurrent use.
type Log struct {
	engine  engine
	dialect *dialect
	timeout time.Duration
	now     func() time.Time
	// outbox and timers tell that the tables are known to exist.
	outbox, timers atomic.Bool
}

var (
	_ eventlog.Log      = (*Log)(nil)
	_ stores.TimerStore = (*Log)(nil)
)

// Cut implements eventlog.Log.
//
// MySQL keeps timestamps in 32 bits, in steps of two minutes, so that Rasa's nodes there see up to two minutes of the
// session before as well. They are left out here.
func (l *Log) Cut() eventlog.Cut { return eventlog.AtSessionStartedTime }

// Close implements eventlog.Log.
func (l *Log) Close() error { return l.engine.close() }

// within bounds a call.
func (l *Log) within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, l.timeout)
}

// fail says at which step a call failed, and whether it may succeed later.
func (l *Log) fail(step string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, stores.ErrConflict):
		return stores.ErrConflict
	case errors.Is(err, stores.ErrUnavailable), !sqldb.Away(err):
		return fmt.Errorf("%s: %w", step, err)
	}
	return fmt.Errorf("%s: %w: %w", step, stores.ErrUnavailable, err)
}

// read runs queries in one round trip.
func (l *Log) read(ctx context.Context, step string, list ...*statement) error {
	ctx, cancel := l.within(ctx)
	defer cancel()
	return l.fail(step, l.engine.read(ctx, list))
}

// write runs statements as one transaction, in one round trip.
func (l *Log) write(ctx context.Context, step string, list ...*statement) error {
	ctx, cancel := l.within(ctx)
	defer cancel()
	return l.fail(step, l.engine.write(ctx, list))
}

// Read implements eventlog.Log.
func (l *Log) Read(ctx context.Context, senderID string, since stores.Position, all bool) (eventlog.Tail, error) {
	var t eventlog.Tail
	err := error(nil)
	if known, ok := since.Token.(mark); ok {
		if t, ok, err = l.readBehind(ctx, senderID, known, since.Count); ok || err != nil {
			return t, err
		}
	}
	return l.readSession(ctx, senderID, all)
}

// readBehind reads what follows a position; ok is false if it is not one any more.
func (l *Log) readBehind(ctx context.Context, senderID string, known mark, count int) (t eventlog.Tail, ok bool, err error) {
	var list []row
	who := l.dialect.who(senderID)
	rows := &statement{
		text: "SELECT id, CASE WHEN id >= ? THEN data END FROM events WHERE " + who.text + " AND id >= ? ORDER BY id",
		args: append(append([]any{known.last}, who.args...), known.anchor),
		row:  collectRows(&list),
	}
	if err := l.readWithNotes(ctx, senderID, &t.Unsettled, rows); err != nil {
		return t, false, err
	}
	if !known.isBegin(list) {
		return t, false, nil
	}
	tail := list[known.rows:]
	if t.Events, err = eventsOf(tail); err != nil {
		return t, false, err
	}
	if len(tail) > 0 {
		known = known.extended(tail)
	}
	t.Found, t.Continues = true, true
	t.At = l.position(count+len(tail), known)
	return t, true, nil
}

// readSession reads the last session, by the time of its beginning as Rasa's _event_query does, or all of them.
func (l *Log) readSession(ctx context.Context, senderID string, all bool) (eventlog.Tail, error) {
	var t eventlog.Tail
	var list []row
	var count int64
	who := l.dialect.who(senderID)
	s := &statement{text: "SELECT id, data FROM events WHERE " + who.text + " ORDER BY id", args: who.args, row: collectRows(&list)}
	if !all {
		s.text = "SELECT e.id, e.data, (SELECT count(*) FROM events WHERE " + who.text + ") FROM events e, " +
			"(SELECT max(timestamp) AS session_start FROM events WHERE " + who.text + " AND type_name = ?) s " +
			"WHERE " + l.dialect.whoAs("e").text + " AND (e.timestamp >= s.session_start OR s.session_start IS NULL) ORDER BY e.id"
		s.args = append(append(append(append([]any(nil), who.args...), who.args...), tracker.TypeSessionStarted), who.args...)
		s.row = func(scan func(...any) error) error {
			var r row
			err := scan(&r.id, &r.data, &count)
			list = append(list, r)
			return err
		}
	}
	if err := l.readWithNotes(ctx, senderID, &t.Unsettled, s); err != nil {
		return t, err
	}
	if all {
		count = int64(len(list))
	}
	var err error
	if t.Events, err = eventsOf(list); err != nil || len(list) == 0 {
		return t, err
	}
	t.Found = true
	t.At = l.position(int(count), markOf(list))
	return t, nil
}

// readWithNotes runs a query of a conversation and one of its notes, in one round trip but for the first that finds that
// another node made the table of notes.
func (l *Log) readWithNotes(ctx context.Context, senderID string, ids *[]string, rows *statement) error {
	notes := &statement{text: "SELECT commit_id FROM parley_outbox WHERE sender_id = ? ORDER BY first_id", args: []any{senderID},
		row: func(scan func(...any) error) error {
			var id string
			err := scan(&id)
			*ids = append(*ids, id)
			return err
		}}
	const step = "reading rows"
	if l.outbox.Load() {
		return l.read(ctx, step, rows, notes)
	}
	found, look := l.dialect.tableExists(outboxTable)
	if err := l.read(ctx, step, rows, look); err != nil || !*found {
		return err
	}
	l.outbox.Store(true)
	return l.read(ctx, step, notes)
}

// Append implements eventlog.Log.
func (l *Log) Append(ctx context.Context, turn stores.Turn) (stores.Position, error) {
	events := turn.New()
	if len(events) == 0 && !turn.Replace {
		return turn.At, nil
	}
	const step = "writing rows"
	ctx, cancel := l.within(ctx)
	defer cancel()
	known, _ := turn.At.Token.(mark)
	a := appendix{senderID: turn.Tracker.SenderID, rows: make([]row, len(events)), last: known.last, sum: known.sum, replace: turn.Replace}
	for i, e := range events {
		a.rows[i] = rowOf(e)
	}
	if turn.Deliver && len(events) > 0 {
		if err := l.makeTable(ctx, outboxTable, &l.outbox); err != nil {
			return stores.Position{}, l.fail(step, err)
		}
		a.commit, a.stored = turn.ID, l.now().UnixMicro()
	}
	a.hasOutbox = l.outbox.Load()
	first, last, err := l.engine.append(ctx, &a)
	if err != nil {
		return stores.Position{}, l.fail(step, err)
	}
	if len(events) == 0 {
		return stores.Position{}, nil
	}
	at := mark{anchor: first, last: last, rows: len(events), sum: sum(a.rows[len(events)-1].data)}
	if turn.Replace {
		return l.position(len(events), at), nil
	}
	if known.last != 0 {
		at.anchor, at.rows = known.last, len(events)+1
	}
	return l.position(turn.At.Count+len(events), at), nil
}

// long is how many rows a conversation has that takes an index by conversation alone too long.
const long = 256

func (l *Log) position(count int, at mark) stores.Position {
	if count >= long {
		l.engine.grown()
	}
	return stores.Position{Count: count, Token: at}
}

// Delete implements eventlog.Log.
func (l *Log) Delete(ctx context.Context, senderID string) (int, error) {
	who := l.dialect.who(senderID)
	rows := &statement{text: "DELETE FROM events WHERE " + who.text, args: who.args}
	list := []*statement{rows}
	found, err := l.hasTable(ctx, outboxTable, &l.outbox)
	if err != nil {
		return 0, err
	}
	if found {
		list = append(list, &statement{text: "DELETE FROM parley_outbox WHERE sender_id = ?", args: []any{senderID}})
	}
	err = l.write(ctx, "deleting rows", list...)
	return int(rows.affected), err
}

// IDs implements eventlog.Log.
func (l *Log) IDs(ctx context.Context, q stores.Query, after string, limit int) ([]string, error) {
	if limit <= 0 {
		limit = math.MaxInt32
	}
	c := l.dialect.search(q)
	ids := []string{}
	err := l.read(ctx, "reading ids", &statement{
		text: fmt.Sprintf(l.dialect.ids, c.text), args: append(append([]any{after}, c.args...), int64(limit)),
		row: func(scan func(...any) error) error {
			var id string
			err := scan(&id)
			ids = append(ids, id)
			return err
		}})
	return ids, err
}

// hasTable tells whether one of the tables that Rasa has not is there; known remembers it.
func (l *Log) hasTable(ctx context.Context, name string, known *atomic.Bool) (bool, error) {
	if known.Load() {
		return true, nil
	}
	found, look := l.dialect.tableExists(name)
	if err := l.read(ctx, "looking for the table "+name, look); err != nil {
		return false, err
	}
	if *found {
		known.Store(true)
	}
	return *found, nil
}

// makeTable makes one of the tables that Rasa has not if it is not there.
func (l *Log) makeTable(ctx context.Context, name string, known *atomic.Bool) error {
	if found, err := l.hasTable(ctx, name, known); found || err != nil {
		return err
	}
	if err := l.engine.create(ctx, name); err != nil {
		return fmt.Errorf("making the table %s: %w", name, err)
	}
	known.Store(true)
	return nil
}

// newLog returns the log of a database.
func newLog(e engine, d *dialect, timeout time.Duration, env component.Env) *Log {
	return &Log{engine: e, dialect: d, timeout: timeout, now: env.WithDefaults().Now}
}
