package sql

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// Timers implements stores.TimerStore.
func (l *Log) Timers() stores.Timers { return timers{l} }

// timers keeps timers in the table parley_timers. The column ready is when a timer may be claimed, in microseconds: when
// it is due, or later while it is lent.
type timers struct{ log *Log }

const timerColumns = "sender_id, name, id, due, data, attempt"

// Set implements stores.Timers.
func (t timers) Set(ctx context.Context, tm stores.Timer) error {
	bounded, cancel := t.log.within(ctx)
	defer cancel()
	if err := t.log.makeTable(bounded, timersTable, &t.log.timers); err != nil {
		return t.log.fail("setting a timer", err)
	}
	due := tm.Due.UnixMicro()
	return t.log.write(ctx, "setting a timer", &statement{text: t.log.dialect.set,
		args: []any{tm.SenderID, tm.Name, tm.ID, due, string(value.Encode(tm.Data, value.JSON)), due}})
}

// there tells whether anybody ever set a timer.
func (t timers) there(ctx context.Context) (bool, error) {
	return t.log.hasTable(ctx, timersTable, &t.log.timers)
}

// List implements stores.Timers.
func (t timers) List(ctx context.Context, senderID string) ([]stores.Timer, error) {
	var list []stores.Timer
	if found, err := t.there(ctx); !found || err != nil {
		return nil, err
	}
	err := t.log.read(ctx, "reading timers", &statement{text: "SELECT " + timerColumns + " FROM parley_timers WHERE sender_id = ?",
		args: []any{senderID}, row: collectTimers(&list)})
	slices.SortFunc(list, func(a, b stores.Timer) int { return strings.Compare(a.Name, b.Name) })
	return list, err
}

func collectTimers(list *[]stores.Timer) func(func(...any) error) error {
	return func(scan func(...any) error) error {
		var tm stores.Timer
		var due, attempt int64
		var data string
		if err := scan(&tm.SenderID, &tm.Name, &tm.ID, &due, &data, &attempt); err != nil {
			return err
		}
		tm.Due, tm.Attempt = time.UnixMicro(due), int(attempt)
		m, err := value.DecodeString(data)
		if err != nil {
			return fmt.Errorf("the data of timer %q: %w", tm.ID, err)
		}
		tm.Data, _ = m.(*value.Map)
		*list = append(*list, tm)
		return nil
	}
}

// Remove implements stores.Timers.
func (t timers) Remove(ctx context.Context, tm stores.Timer) (bool, error) {
	if found, err := t.there(ctx); !found || err != nil {
		return false, err
	}
	s := &statement{text: "DELETE FROM parley_timers WHERE sender_id = ? AND name = ? AND id = ?", args: []any{tm.SenderID, tm.Name, tm.ID}}
	err := t.log.write(ctx, "removing a timer", s)
	return s.affected > 0, err
}

// Claim implements stores.Timers.
func (t timers) Claim(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]stores.Timer, error) {
	if found, err := t.there(ctx); !found || err != nil {
		return nil, err
	}
	// Most of the time nothing is due, and a query costs less than a transaction.
	var due int64
	err := t.log.read(ctx, "looking for due timers", &statement{text: "SELECT count(*) FROM (SELECT 1 FROM parley_timers WHERE ready <= ? LIMIT 1) s",
		args: []any{now.UnixMicro()}, row: func(scan func(...any) error) error { return scan(&due) }})
	if err != nil || due == 0 {
		return nil, err
	}
	var list []stores.Timer
	steps := t.log.dialect.claim(now.UnixMicro(), now.Add(lease).UnixMicro(), int64(limit))
	steps[len(steps)-1].row = func(scan func(...any) error) error { return collectTimers(&list)(scan) }
	if err := t.log.write(ctx, "claiming timers", steps...); err != nil {
		return nil, err
	}
	slices.SortStableFunc(list, func(a, b stores.Timer) int { return cmp.Compare(a.Due.UnixMicro(), b.Due.UnixMicro()) })
	return list, nil
}

// Next implements stores.Timers.
func (t timers) Next(ctx context.Context) (time.Time, bool, error) {
	if found, err := t.there(ctx); !found || err != nil {
		return time.Time{}, false, err
	}
	var ready sql.NullInt64
	err := t.log.read(ctx, "looking for the next timer", &statement{text: "SELECT min(ready) FROM parley_timers",
		row: func(scan func(...any) error) error { return scan(&ready) }})
	return time.UnixMicro(ready.Int64), ready.Valid && err == nil, err
}

// claimReturning claims with one statement; lock is added to the query for those that are due.
func claimReturning(lock string) func(now, ready, limit int64) []*statement {
	text := "UPDATE parley_timers SET ready = ?, attempt = attempt + 1 WHERE ready <= ? AND (sender_id, name) IN " +
		"(SELECT sender_id, name FROM parley_timers WHERE ready <= ? ORDER BY due LIMIT ?" + lock + ") RETURNING " + timerColumns
	return func(now, ready, limit int64) []*statement {
		return []*statement{{text: text, args: []any{ready, now, now, limit}}}
	}
}

// setConflict is the statement that sets a timer where ON CONFLICT is understood.
const setConflict = "INSERT INTO parley_timers (sender_id, name, id, due, data, ready, attempt) VALUES (?, ?, ?, ?, ?, ?, 0) " +
	"ON CONFLICT (sender_id, name) DO UPDATE SET id = excluded.id, due = excluded.due, data = excluded.data, ready = excluded.ready, attempt = 0"
