package sql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"modernc.org/sqlite"
)

// sqliteConn is a connection to a file, with the statements it prepared. One goroutine uses it at a time. It does without
// database/sql: a statement of a turn costs a few microseconds, and what that adds counts.
type sqliteConn struct {
	conn  driver.Conn
	stmts map[string]driver.Stmt
}

// sqliteOptions say how a file is opened.
type sqliteOptions struct {
	// path is a file, or ":memory:".
	path string
	// full waits for the disk at every commit.
	full bool
	// busy is how long another process's transaction is waited for.
	busy time.Duration
}

// memoryName is the file name of a database that is not kept.
const memoryName = ":memory:"

// openSQLite opens a connection.
func openSQLite(o sqliteOptions) (*sqliteConn, error) {
	name := o.path
	if name != memoryName {
		abs, err := filepath.Abs(name)
		if err != nil {
			return nil, err
		}
		abs = filepath.ToSlash(abs)
		if !strings.HasPrefix(abs, "/") {
			abs = "/" + abs
		}
		name = (&url.URL{Scheme: "file", Path: abs, OmitHost: true}).String()
	}
	conn, err := new(sqlite.Driver).Open(name)
	if err != nil {
		return nil, err
	}
	c := &sqliteConn{conn: conn, stmts: make(map[string]driver.Stmt)}
	sync := "NORMAL"
	if o.full {
		sync = "FULL"
	}
	err = c.script(fmt.Sprintf("PRAGMA busy_timeout=%d; PRAGMA synchronous=%s; PRAGMA cache_size=-1000", o.busy.Milliseconds(), sync))
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// script runs statements without parameters.
func (c *sqliteConn) script(text string) error {
	_, err := c.conn.(driver.ExecerContext).ExecContext(context.Background(), text, nil) //nolint:errcheck // it is one
	return err
}

// run runs a statement, which is prepared when it is met first.
func (c *sqliteConn) run(s *statement) error {
	stmt, err := c.prepare(s.text)
	if err != nil {
		return err
	}
	if s.row == nil {
		done, err := stmt.(driver.StmtExecContext).ExecContext(context.Background(), named(s.args)) //nolint:errcheck // it is one
		if err != nil {
			return err
		}
		s.affected, err = done.RowsAffected()
		return err
	}
	rows, err := stmt.(driver.StmtQueryContext).QueryContext(context.Background(), named(s.args)) //nolint:errcheck // it is one
	if err != nil {
		return err
	}
	return errors.Join(each(rows, s.row), rows.Close())
}

// insert runs a statement that adds a row and returns the row's id.
func (c *sqliteConn) insert(text string, args ...any) (int64, error) {
	stmt, err := c.prepare(text)
	if err != nil {
		return 0, err
	}
	done, err := stmt.(driver.StmtExecContext).ExecContext(context.Background(), named(args)) //nolint:errcheck // it is one
	if err != nil {
		return 0, err
	}
	return done.LastInsertId()
}

func (c *sqliteConn) prepare(text string) (driver.Stmt, error) {
	if stmt := c.stmts[text]; stmt != nil {
		return stmt, nil
	}
	stmt, err := c.conn.(driver.ConnPrepareContext).PrepareContext(context.Background(), text) //nolint:errcheck // it is one
	if err != nil {
		return nil, err
	}
	c.stmts[text] = stmt
	return stmt, nil
}

func (c *sqliteConn) close() error {
	var list []error
	for _, s := range c.stmts {
		list = append(list, s.Close())
	}
	return errors.Join(append(list, c.conn.Close())...)
}

func named(args []any) []driver.NamedValue {
	list := make([]driver.NamedValue, len(args))
	for i, v := range args {
		if t, ok := v.(text); ok {
			v = string(t)
		}
		list[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return list
}

// each hands rows on.
func each(rows driver.Rows, row func(func(...any) error) error) error {
	values := make([]driver.Value, len(rows.Columns()))
	scan := func(dest ...any) error {
		for i, d := range dest {
			if err := assign(d, values[i]); err != nil {
				return fmt.Errorf("column %s: %w", rows.Columns()[i], err)
			}
		}
		return nil
	}
	for {
		switch err := rows.Next(values); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := row(scan); err != nil {
			return err
		}
	}
}

// assign stores a column's value.
func assign(dest any, v driver.Value) error {
	switch d := dest.(type) {
	case *int64:
		n, ok := v.(int64)
		if !ok {
			return fmt.Errorf("a number is %T", v)
		}
		*d = n
		return nil
	case *string:
		return (*text)(d).Scan(v)
	case sql.Scanner:
		return d.Scan(v)
	}
	return fmt.Errorf("no way to read into %T", dest)
}
