package sql

import (
	"context"

	"github.com/parleybot/parley/stores"
)

// The tables that Rasa has not.
const (
	outboxTable = "parley_outbox"
	timersTable = "parley_timers"
)

// engine runs statements on a database. It is safe for concurrent use.
type engine interface {
	// read runs queries in one round trip.
	read(ctx context.Context, list []*statement) error
	// write runs statements as one transaction, in one round trip.
	write(ctx context.Context, list []*statement) error
	// append writes rows behind the last one in one round trip and returns the ids of the first and the last. The error is
	// stores.ErrConflict when the last one is another.
	append(ctx context.Context, a *appendix) (first, last int64, err error)
	// create makes one of the tables that Rasa has not. Others may do so at the same time.
	create(ctx context.Context, table string) error
	// grown tells that a conversation has many rows. It does not wait.
	grown()
	close() error
}

// statement is a statement of SQL in which "?" stands for a parameter: nil, a string, an int64 or a float64.
type statement struct {
	text string
	args []any
	// row is called for each row of the answer.
	row func(scan func(dest ...any) error) error
	// affected is how many rows were changed by a statement that has no row.
	affected int64
}

// appendix is what is to be written behind a conversation.
type appendix struct {
	senderID string
	rows     []row
	// last is the id of the row that has to be the last one, 0 for none at all; sum is the hash of its data.
	last int64
	sum  uint64
	// replace takes all rows up to last away.
	replace bool
	// commit is noted as not delivered, with the time in microseconds, unless it is "".
	commit string
	stored int64
	// hasOutbox tells that there is a table of notes.
	hasOutbox bool
}

// keep lets notes of a conversation keep their events when its rows are about to be replaced.
func (a *appendix) keep(d *dialect) *statement {
	return &statement{text: "UPDATE parley_outbox SET events = (SELECT " + d.joined + " FROM events e WHERE " + d.sameAs("e", "parley_outbox.sender_id") +
		" AND e.id BETWEEN first_id AND last_id) WHERE sender_id = ? AND events IS NULL", args: []any{a.senderID}}
}

var errClosed = closedError{}

// closedError says that the store was closed; the process is about to end.
type closedError struct{}

func (closedError) Error() string { return "the store is closed" }
func (closedError) Unwrap() error { return stores.ErrUnavailable }
