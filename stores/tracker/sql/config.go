package sql

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/sqldb"
	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/eventlog"
)

func init() {
	stores.Trackers.Register(component.Spec{
		Name:    "sql",
		Summary: "Keeps conversations in a table of SQLite, PostgreSQL, MySQL or MariaDB.",
		Source:  "rasa/core/tracker_store.py SQLTrackerStore",
		Fields: append(sqldb.Fields("rasa.db"),
			component.Field{Name: "synchronous", Kind: component.String, Default: "full", Choices: []string{"full", "normal"}, Doc: SynchronousDoc},
			component.Field{Name: "request_timeout", Kind: component.Float, Default: 10.0, Doc: "How long a call of the database may take, in seconds."}),
	}, build)
}

// SynchronousDoc tells of the option synchronous.
const SynchronousDoc = "`full` waits for the disk at every commit, with `normal` the last turns before a power failure may be lost (SQLite only)."

// options are those of the type SQL that package sqldb does not read.
type options struct {
	Synchronous string  `option:"synchronous"`
	Timeout     float64 `option:"request_timeout"`
}

func build(cfg component.Config) (stores.TrackerStore, error) {
	var o options
	if err := cfg.Decode(&o); err != nil {
		return nil, err
	}
	full, err := IsFull(&cfg, o.Synchronous)
	if err != nil {
		return nil, err
	}
	if !(o.Timeout > 0) || o.Timeout > 1e6 {
		return nil, cfg.OptionError("request_timeout", "must be a number of seconds, not %v", o.Timeout)
	}
	to, err := sqldb.FromConfig(cfg)
	if err != nil {
		return nil, err
	}
	e, d, err := open(&cfg, to, full)
	if err != nil {
		return nil, err
	}
	return eventlog.New(newLog(e, d, seconds(o.Timeout), cfg.Env), eventlog.Config{}), nil
}

// IsFull reads the option synchronous.
func IsFull(cfg *component.Config, synchronous string) (bool, error) {
	if synchronous != "full" && synchronous != "normal" {
		return false, cfg.OptionError("synchronous", "must be full or normal, not %q", synchronous)
	}
	return synchronous == "full", nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// open makes the engine of a database. Only that of SQLite touches it at once.
func open(cfg *component.Config, to sqldb.Options, full bool) (engine, *dialect, error) {
	switch to.Dialect {
	case sqldb.PostgreSQL:
		e, err := newPostgres(to, os.Getenv, cfg.Env.WithDefaults().Logger)
		if err != nil {
			return nil, nil, cfg.OptionError("dialect", "cannot be used: %v", err)
		}
		return e, postgresDialect, nil
	case sqldb.MySQL:
		e, err := newMySQL(to)
		if err != nil {
			return nil, nil, cfg.OptionError("dialect", "cannot be used: %v", err)
		}
		return e, mysqlDialect, nil
	case sqldb.SQLite:
	}
	o := sqliteOptions{path: to.Database, full: full, busy: busyTimeout}
	if s, ok := to.Query["timeout"]; ok {
		n, _ := strconv.ParseFloat(s, 64) // it was checked
		o.busy = seconds(n)
	}
	if o.path == "" {
		o.path = memoryName
	}
	e, err := newSQLite(o)
	if err != nil {
		return nil, nil, fileError(o.path, err)
	}
	return e, sqliteDialect, nil
}

// busyTimeout is how long another process's transaction is waited for by default, as by Python's sqlite3.
const busyTimeout = 5 * time.Second

// fileTimeout bounds calls of a file of parley's own; what takes that long is a disk that does not answer.
const fileTimeout = 30 * time.Second

// fileError says which file could not be opened.
func fileError(path string, err error) error {
	if abs, failed := filepath.Abs(path); failed == nil {
		path = abs
	}
	return fmt.Errorf("opening the conversations in %s: %w: %w", path, stores.ErrUnavailable, err)
}

// OpenFile opens a file of SQLite that is parley's own: its folder is made, and both are for the user alone. With full every
// commit waits for the disk. The error wraps stores.ErrUnavailable and names the file.
func OpenFile(path string, full bool, cfg eventlog.Config, env component.Env) (*eventlog.Store, error) {
	if err := ownFile(path); err != nil {
		return nil, fileError(path, err)
	}
	e, err := newSQLite(sqliteOptions{path: path, full: full, busy: busyTimeout})
	if err != nil {
		return nil, fileError(path, err)
	}
	return eventlog.New(newLog(e, sqliteDialect, fileTimeout, env), cfg), nil
}

func ownFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}
