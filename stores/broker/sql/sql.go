// Package sql adds events to a table as Rasa's SQLEventBroker does (rasa/core/brokers/sql.py, 3.6.21): events(id,
// sender_id, data), a row an event, json.dumps as its data.
//
// What is different: the events of a Publish are one transaction. The connection is made by the first Publish, and the
// table if it is not there. The table has no place for ids of events, so what is published again is there twice.
package sql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/sqldb"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

func init() {
	stores.Brokers.Register(component.Spec{
		Name:    "sql",
		Summary: "Adds events to a table of SQLite, PostgreSQL, MySQL or MariaDB.",
		Source:  "rasa/core/brokers/sql.py SQLEventBroker",
		Fields:  sqldb.Fields("events.db"),
	}, build)
}

func build(cfg component.Config) (stores.Broker, error) {
	o, err := sqldb.FromConfig(cfg)
	if err != nil {
		return nil, err
	}
	return New(o, cfg.Env), nil
}

// Broker is a stores.Broker that adds rows to a table. It is safe for concurrent use.
type Broker struct {
	options sqldb.Options
	log     *slog.Logger
	now     func() time.Time

	// turn is held by whoever uses what follows.
	turn   chan struct{}
	db     *sql.DB // nil before the first use
	ready  bool    // the table is there
	closed bool
}

var _ stores.Broker = (*Broker)(nil)

var errClosed = errors.New("the event broker is closed")

// New returns a Broker that is not connected.
func New(o sqldb.Options, env component.Env) *Broker {
	env = env.WithDefaults()
	return &Broker{options: o, log: env.Logger, now: env.Now, turn: make(chan struct{}, 1)}
}

// row is an event as it stands in the table.
type row struct{ senderID, data string }

// Publish implements stores.Broker. Errors wrap stores.ErrUnavailable where the database may take the events later. An
// event that the database never takes is left out, which is logged: it would hold up all behind it.
func (b *Broker) Publish(ctx context.Context, list []stores.Publication) error {
	var rows []row
	for i := range list {
		for j := range list[i].Events {
			rows = append(rows, rowOf(list[i].SenderID, list[i].Body(j)))
		}
	}
	return b.add(ctx, rows)
}

// Forget implements stores.Broker by an event stores.EventDeleted: rows that are there stay.
func (b *Broker) Forget(ctx context.Context, senderID string) error {
	seconds := float64(b.now().UnixMicro()) / 1e6
	body := value.NewMap("sender_id", senderID, "event", stores.EventDeleted, "timestamp", seconds)
	return b.add(ctx, []row{rowOf(senderID, body)})
}

// maxSender is how many letters the column sender_id has. The data has all.
const maxSender = 255

func rowOf(senderID string, body *value.Map) row {
	column := strings.ReplaceAll(strings.ToValidUTF8(senderID, "\uFFFD"), "\x00", "\uFFFD")
	if letters := []rune(column); len(letters) > maxSender {
		column = string(letters[:maxSender])
	}
	return row{column, string(value.Encode(body, value.JSON))}
}

func (b *Broker) add(ctx context.Context, rows []row) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("adding events to a table: %w", err)
	}
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-ctx.Done():
		return fmt.Errorf("adding events to a table: %w", ctx.Err())
	}
	if b.closed {
		return errClosed
	}
	if len(rows) == 0 {
		return nil
	}
	err := b.connect(ctx)
	if err == nil {
		err = b.insertAll(ctx, rows)
	}
	switch {
	case err == nil:
		return nil
	case sqldb.Away(err):
		return fmt.Errorf("adding events to a table: %w: %w", stores.ErrUnavailable, err)
	}
	return fmt.Errorf("adding events to a table: %w", err)
}

// connect makes sure that there is a table.
func (b *Broker) connect(ctx context.Context) (err error) {
	if b.ready {
		return nil
	}
	if b.db == nil {
		if err := b.options.CreateDatabase(ctx); err != nil {
			return err
		}
		if b.db, err = b.options.Open(); err != nil {
			return err
		}
		b.db.SetMaxOpenConns(1)
	}
	if _, err := b.db.ExecContext(ctx, tables[b.options.Dialect]); err != nil {
		return fmt.Errorf("making the table events: %w", err)
	}
	b.ready = true
	return nil
}

// tables are what SQLAlchemy makes of SQLBrokerEvent. In MySQL its TEXT would end at 64 KiB.
var tables = map[sqldb.Dialect]string{
	sqldb.SQLite:     "CREATE TABLE IF NOT EXISTS events (\n\tid INTEGER NOT NULL, \n\tsender_id VARCHAR(255), \n\tdata TEXT, \n\tPRIMARY KEY (id)\n)",
	sqldb.PostgreSQL: "CREATE TABLE IF NOT EXISTS events (\n\tid SERIAL NOT NULL, \n\tsender_id VARCHAR(255), \n\tdata TEXT, \n\tPRIMARY KEY (id)\n)",
	sqldb.MySQL: "CREATE TABLE IF NOT EXISTS events (\n\tid INTEGER NOT NULL AUTO_INCREMENT, \n\tsender_id VARCHAR(255), \n\tdata LONGTEXT, \n\tPRIMARY KEY (id)\n)" +
		" DEFAULT CHARACTER SET utf8mb4",
}

// insertAll adds rows in one transaction. When the database refuses one of them for good they are added one by one.
func (b *Broker) insertAll(ctx context.Context, rows []row) error {
	err := b.insert(ctx, rows)
	if err == nil || !sqldb.Refused(err) {
		return err
	}
	if len(rows) == 1 {
		b.log.Error("an event is lost: the database does not take it", "value", len(rows[0].data), "err", err)
		return nil
	}
	for i := range rows {
		if err := b.insertAll(ctx, rows[i:i+1]); err != nil {
			return err
		}
	}
	return nil
}

// maxRows and maxBytes bound a statement.
const (
	maxRows  = 256
	maxBytes = 1 << 19
)

func (b *Broker) insert(ctx context.Context, rows []row) (err error) {
	tx, err := b.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = tx.Rollback() // the transaction may have ended already
		}
	}()
	for len(rows) > 0 {
		n, bytes := 1, len(rows[0].data)
		for n < min(len(rows), maxRows) && bytes+len(rows[n].data) < maxBytes {
			bytes += len(rows[n].data)
			n++
		}
		text, args := statement(b.options.Dialect, rows[:n])
		if _, err := tx.ExecContext(ctx, text, args...); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return tx.Commit()
}

// statement returns an INSERT and its parameters.
func statement(d sqldb.Dialect, rows []row) (text string, args []any) {
	var s strings.Builder
	s.WriteString("INSERT INTO events (sender_id, data) VALUES ")
	for i, r := range rows {
		if i > 0 {
			s.WriteString(", ")
		}
		if d == sqldb.PostgreSQL {
			fmt.Fprintf(&s, "($%d, $%d)", 2*i+1, 2*i+2)
		} else {
			s.WriteString("(?, ?)")
		}
		args = append(args, r.senderID, r.data)
	}
	return s.String(), args
}

// Close implements stores.Broker. It waits for a Publish under way.
func (b *Broker) Close() error {
	b.turn <- struct{}{}
	defer func() { <-b.turn }()
	b.closed = true
	if b.db == nil {
		return nil
	}
	err := b.db.Close()
	b.db = nil
	return err
}
