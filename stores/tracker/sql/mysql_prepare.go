package sql

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-sql-driver/mysql"
)

// prepare makes the table of events if it is not there.
func (e *mysqlEngine) prepare(ctx context.Context) error {
	found, look := mysqlDialect.tableExists("events")
	if err := e.sendUnprepared(ctx, "", []*statement{look}, ""); err != nil || *found {
		return err
	}
	if err := e.makeTable(ctx, "events"); err != nil {
		return fmt.Errorf("making the table events: %w", err)
	}
	return nil
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
