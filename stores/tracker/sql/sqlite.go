package sql

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/parleybot/parley/stores"
)

var sqliteDialect = &dialect{
	name: "sqlite",
	// Distinct ids by steps over the index: a conversation's length does not matter.
	ids: "WITH RECURSIVE s(id) AS (SELECT min(sender_id) FROM events WHERE sender_id > ? UNION ALL " +
		"SELECT (SELECT min(sender_id) FROM events WHERE sender_id > s.id) FROM s WHERE s.id IS NOT NULL) " +
		"SELECT s.id FROM s WHERE s.id IS NOT NULL%s LIMIT ?",
	exists: "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?",
	joined: "group_concat(e.data, ',' ORDER BY e.id)",
	set:    setConflict,
	claim:  claimReturning(""),
	slack:  1e-3,
	schema: map[string][]string{
		// As SQLAlchemy writes it for Rasa.
		"events": {"CREATE TABLE IF NOT EXISTS events (\n\tid INTEGER NOT NULL, \n\tsender_id VARCHAR(255) NOT NULL, \n\ttype_name VARCHAR(255) NOT NULL, \n" +
			"\ttimestamp FLOAT, \n\tintent_name VARCHAR(255), \n\taction_name VARCHAR(255), \n\tdata TEXT, \n\tPRIMARY KEY (id)\n)",
			"CREATE INDEX IF NOT EXISTS ix_events_sender_id ON events (sender_id)"},
		outboxTable: {"CREATE TABLE IF NOT EXISTS parley_outbox (sender_id TEXT NOT NULL, commit_id TEXT NOT NULL, stored INTEGER NOT NULL, " +
			"first_id INTEGER NOT NULL, last_id INTEGER NOT NULL, events TEXT, PRIMARY KEY (sender_id, commit_id)) WITHOUT ROWID"},
		timersTable: {"CREATE TABLE IF NOT EXISTS parley_timers (sender_id TEXT NOT NULL, name TEXT NOT NULL, id TEXT NOT NULL, due INTEGER NOT NULL, " +
			"ready INTEGER NOT NULL, attempt INTEGER NOT NULL, data TEXT NOT NULL, PRIMARY KEY (sender_id, name)) WITHOUT ROWID",
			"CREATE INDEX IF NOT EXISTS ix_parley_timers_ready ON parley_timers (ready)"},
	},
}

// readers is how many queries run at once.
const readers = 4

// sqliteEngine is a file. One goroutine writes: what arrives while it waits for the disk is committed together.
type sqliteEngine struct {
	options sqliteOptions
	jobs    chan *job
	quit    chan struct{}
	stopped chan struct{}
	closing sync.Once
	// readers has a connection for each query that may run, nil for one that was not needed yet.
	readers  chan *sqliteConn
	closeErr error
}

var _ engine = (*sqliteEngine)(nil)

// newSQLite opens a file, makes the table of events in it and starts the writer.
func newSQLite(o sqliteOptions) (*sqliteEngine, error) {
	c, err := openSQLite(o)
	if err != nil {
		return nil, err
	}
	if err := prepareFile(c); err != nil {
		return nil, errors.Join(err, c.close())
	}
	e := &sqliteEngine{options: o, jobs: make(chan *job, maxGroup), quit: make(chan struct{}), stopped: make(chan struct{}),
		readers: make(chan *sqliteConn, readers)}
	for range readers {
		e.readers <- nil
	}
	go e.writeJobs(c)
	return e, nil
}

// prepareFile turns on the write-ahead log, in which readers and the writer do not wait for each other, and makes the table.
func prepareFile(c *sqliteConn) error {
	var mode string
	read := func(scan func(...any) error) error { return scan(&mode) }
	if err := c.run(&statement{text: "PRAGMA journal_mode=WAL", row: read}); err != nil {
		return fmt.Errorf("turning on the write-ahead log: %w", err)
	}
	found, look := sqliteDialect.tableExists("events")
	if err := c.run(look); err != nil || *found {
		return err
	}
	return makeTables(c, "events")
}

func makeTables(c *sqliteConn, name string) error {
	if err := c.script("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	for _, text := range sqliteDialect.schema[name] {
		if err := c.script(text); err != nil {
			return errors.Join(err, c.script("ROLLBACK"))
		}
	}
	return c.script("COMMIT")
}

func (e *sqliteEngine) read(ctx context.Context, list []*statement) error {
	run := func(c *sqliteConn) error {
		for _, s := range list {
			if err := c.run(s); err != nil {
				return err
			}
		}
		return nil
	}
	if e.options.path == memoryName {
		return e.submit(ctx, run)
	}
	var c *sqliteConn
	select {
	case c = <-e.readers:
	case <-ctx.Done():
		return ctx.Err()
	case <-e.quit:
		return errClosed
	}
	defer func() { e.readers <- c }()
	if c == nil {
		var err error
		if c, err = openSQLite(e.options); err != nil {
			c = nil
			return err
		}
	}
	return run(c)
}

func (e *sqliteEngine) write(ctx context.Context, list []*statement) error {
	return e.submit(ctx, func(c *sqliteConn) error {
		for _, s := range list {
			if err := c.run(s); err != nil {
				return err
			}
		}
		return nil
	})
}

func (e *sqliteEngine) create(ctx context.Context, table string) error {
	list := make([]*statement, len(sqliteDialect.schema[table]))
	for i, text := range sqliteDialect.schema[table] {
		list[i] = &statement{text: text}
	}
	return e.write(ctx, list)
}

// grown does nothing: an index of SQLite has the ids of rows, too.
func (e *sqliteEngine) grown() {}

const (
	lastRow   = "SELECT id, data FROM events WHERE sender_id = ? ORDER BY id DESC LIMIT 1"
	insertRow = "INSERT INTO events (sender_id, type_name, timestamp, intent_name, action_name, data) VALUES (?, ?, ?, ?, ?, ?)"
	insertRef = "INSERT INTO parley_outbox (sender_id, commit_id, stored, first_id, last_id) VALUES (?, ?, ?, ?, ?)"
)

func (e *sqliteEngine) append(ctx context.Context, a *appendix) (first, last int64, err error) {
	err = e.submit(ctx, func(c *sqliteConn) error {
		var err error
		first, last, err = appendRows(c, a)
		return err
	})
	return first, last, err
}

// appendRows adds rows behind the last one if it is the one expected.
func appendRows(c *sqliteConn, a *appendix) (first, last int64, err error) {
	var end row
	look := &statement{text: lastRow, args: []any{a.senderID}, row: func(scan func(...any) error) error { return scan(&end.id, &end.data) }}
	if err := c.run(look); err != nil {
		return 0, 0, err
	}
	if end.id != a.last || end.id != 0 && sum(end.data) != a.sum {
		return 0, 0, stores.ErrConflict
	}
	if a.replace && a.hasOutbox {
		if err := c.run(a.keep(sqliteDialect)); err != nil {
			return 0, 0, err
		}
	}
	for i := range a.rows {
		r := &a.rows[i]
		last, err = c.insert(insertRow, a.senderID, r.typeName, r.timestamp, r.intent, r.action, r.data)
		if err != nil {
			return 0, 0, err
		}
		if i == 0 {
			first = last
		}
	}
	if a.replace {
		// After the new ones, so that they do not get the ids of those.
		if err := c.run(&statement{text: "DELETE FROM events WHERE sender_id = ? AND id <= ?", args: []any{a.senderID, a.last}}); err != nil {
			return 0, 0, err
		}
	}
	if a.commit != "" {
		err = c.run(&statement{text: insertRef, args: []any{a.senderID, a.commit, a.stored, first, last}})
	}
	return first, last, err
}

func (e *sqliteEngine) close() error {
	e.closing.Do(func() {
		close(e.quit)
		<-e.stopped
		for range readers {
			if c := <-e.readers; c != nil {
				e.closeErr = errors.Join(e.closeErr, c.close())
			}
		}
	})
	return e.closeErr
}
