package sql

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// prepare makes the database if it may, checks the schema and makes the table of events. Nothing is made that is there, so
// that a user without the right to make tables can use them.
func (e *postgres) prepare(ctx context.Context) error {
	if err := e.options.CreateDatabase(ctx); err != nil {
		return fmt.Errorf("making the database: %w", err)
	}
	if e.options.Schema != "" {
		var found bool
		const look = "SELECT EXISTS (SELECT 1 FROM information_schema.schemata WHERE schema_name = $1)"
		if err := e.pool.QueryRow(ctx, look, e.options.Schema).Scan(&found); err != nil {
			return err
		}
		if !found {
			return fmt.Errorf("the database has no schema %q, which the variable %s asks for", e.options.Schema, schemaVariable)
		}
	}
	var n int64
	if err := e.pool.QueryRow(ctx, e.number(postgresDialect.exists), "events").Scan(&n); err != nil || n > 0 {
		return err
	}
	if err := e.makeTable(ctx, "events"); err != nil {
		return fmt.Errorf("making the table events: %w", err)
	}
	return nil
}

func (e *postgres) create(ctx context.Context, table string) error {
	if err := e.ready.make(ctx, e.prepare); err != nil {
		return err
	}
	return e.makeTable(ctx, table)
}

// makeTable makes a table, one node at a time. Rasa, which does not wait for parley, may make that of events meanwhile.
func (e *postgres) makeTable(ctx context.Context, table string) error {
	for range 2 {
		var b pgx.Batch
		b.Queue("SELECT pg_advisory_xact_lock($1)", lockKey("table "+table))
		for _, text := range postgresDialect.schema[table] {
			b.Queue(text)
		}
		if err := e.pool.SendBatch(ctx, &b).Close(); !isCode(err, "23505", "42P07", "42710") {
			return err
		}
	}
	return nil
}

// An index of PostgreSQL finds all rows of a conversation and not those behind one. With the other that is made when a
// conversation gets long, a turn costs the same whatever the length. Others may write while it is made.
const (
	longIndex = "CREATE INDEX CONCURRENTLY IF NOT EXISTS parley_events_sender_id_id ON events (sender_id, id)"
	findIndex = "SELECT count(to_regclass('parley_events_sender_id_id'))"
)

// grown makes the index in the background. Without the right to do so nothing but speed is missing.
func (e *postgres) grown() {
	e.once.Do(func() {
		e.indexing.Go(func() {
			var n int64
			err := e.pool.QueryRow(e.running, findIndex).Scan(&n)
			if err == nil && n == 0 {
				_, err = e.pool.Exec(e.running, longIndex, pgx.QueryExecModeSimpleProtocol)
			}
			if err != nil && e.running.Err() == nil {
				e.log.Warn("long conversations are read slowly: making the index parley_events_sender_id_id failed", "err", err)
			}
		})
	})
}

func isCode(err error, codes ...string) bool {
	var failed *pgconn.PgError
	if !errors.As(err, &failed) {
		return false
	}
	for _, code := range codes {
		if failed.Code == code {
			return true
		}
	}
	return false
}
