package sql

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// prepare makes the table of events if it is not there, in MariaDB with the sequence that Rasa takes its ids from.
func (e *mysqlEngine) prepare(ctx context.Context) error {
	var version text
	found, look := mysqlDialect.tableExists("events")
	sequence, lookForSequence := mysqlDialect.tableExists("events_seq")
	ask := &statement{text: "SELECT version()", row: func(scan func(...any) error) error { return scan(&version) }}
	if err := e.sendUnprepared(ctx, "", []*statement{look, lookForSequence, ask}, ""); err != nil {
		return err
	}
	if !*found && hasSequences(string(version)) {
		if _, err := e.db.ExecContext(ctx, "CREATE SEQUENCE IF NOT EXISTS events_seq START WITH 1"); err != nil && !isMySQL(err, tableThere) {
			return fmt.Errorf("making the sequence events_seq: %w", err)
		}
		*sequence = true
	}
	e.sequence = *sequence
	if *found {
		return nil
	}
	if err := e.makeTable(ctx, "events"); err != nil {
		return fmt.Errorf("making the table events: %w", err)
	}
	return nil
}

// hasSequences reports whether SQLAlchemy makes sequences with a server: MariaDB from 10.3 on.
func hasSequences(version string) bool {
	if !strings.Contains(version, "MariaDB") {
		return false
	}
	var major, minor int
	// Some servers say 5.5.5- first, for old clients.
	_, err := fmt.Sscanf(strings.TrimPrefix(version, "5.5.5-"), "%d.%d", &major, &minor)
	return err == nil && (major > 10 || major == 10 && minor >= 3)
}

func (e *mysqlEngine) create(ctx context.Context, table string) error {
	if err := e.ready.make(ctx, e.prepare); err != nil {
		return err
	}
	return e.makeTable(ctx, table)
}

func (e *mysqlEngine) makeTable(ctx context.Context, table string) error {
	for _, text := range mysqlDialect.schema[table] {
		if _, err := e.db.ExecContext(ctx, text); err != nil && !isMySQL(err, tableThere) {
			return err
		}
	}
	return nil
}

// Codes of MySQL and MariaDB.
const (
	tableThere = 1050
	deadlocked = 1213
)

func isMySQL(err error, code uint16) bool {
	var failed *mysql.MySQLError
	return errors.As(err, &failed) && failed.Number == code
}

// grown does nothing: an index of InnoDB has the ids of rows, too.
func (e *mysqlEngine) grown() {}

func (e *mysqlEngine) close() error { return e.db.Close() }
