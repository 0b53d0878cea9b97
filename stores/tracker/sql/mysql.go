package sql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/parleybot/parley/internal/sqldb"
	"github.com/parleybot/parley/stores"
)

var mysqlDialect = &dialect{
	name:   "mysql",
	binary: true,
	ids: "SELECT s.id FROM (SELECT DISTINCT CAST(CONVERT(sender_id USING utf8mb4) AS BINARY) AS id FROM events) s " +
		"WHERE s.id > CAST(? AS BINARY)%s ORDER BY s.id LIMIT ?",
	exists: "SELECT count(*) FROM information_schema.tables WHERE table_schema = database() AND table_name = ?",
	joined: "GROUP_CONCAT(e.data ORDER BY e.id SEPARATOR ',')",
	set: "INSERT INTO parley_timers (sender_id, name, id, due, data, ready, attempt, claim) VALUES (?, ?, ?, ?, ?, ?, 0, 0) " +
		"ON DUPLICATE KEY UPDATE id = VALUES(id), due = VALUES(due), data = VALUES(data), ready = VALUES(ready), attempt = 0",
	claim: mysqlClaim,
	slack: 256,
	schema: map[string][]string{
		// As SQLAlchemy writes it for Rasa.
		"events": {"CREATE TABLE IF NOT EXISTS events (\n\tid INTEGER NOT NULL AUTO_INCREMENT, \n\tsender_id VARCHAR(255) NOT NULL, \n" +
			"\ttype_name VARCHAR(255) NOT NULL, \n\ttimestamp FLOAT, \n\tintent_name VARCHAR(255), \n\taction_name VARCHAR(255), \n\tdata TEXT, \n" +
			"\tPRIMARY KEY (id), \n\tINDEX ix_events_sender_id (sender_id)\n)"},
		// Ids and names are kept as bytes: texts take some letters for others.
		outboxTable: {"CREATE TABLE IF NOT EXISTS parley_outbox (sender_id VARBINARY(1020) NOT NULL, commit_id VARBINARY(255) NOT NULL, stored BIGINT NOT NULL, " +
			"first_id BIGINT NOT NULL, last_id BIGINT NOT NULL, events LONGTEXT CHARACTER SET utf8mb4, PRIMARY KEY (sender_id, commit_id), INDEX (first_id))"},
		timersTable: {"CREATE TABLE IF NOT EXISTS parley_timers (sender_id VARBINARY(1020) NOT NULL, name VARBINARY(1020) NOT NULL, id VARBINARY(255) NOT NULL, " +
			"due BIGINT NOT NULL, ready BIGINT NOT NULL, attempt BIGINT NOT NULL, claim BIGINT NOT NULL, data LONGTEXT CHARACTER SET utf8mb4 NOT NULL, " +
			"PRIMARY KEY (sender_id, name), INDEX (ready))"},
	},
}

// mysqlClaim marks timers with a number by which they are read then: MySQL's UPDATE returns nothing.
func mysqlClaim(now, ready, limit int64) []*statement {
	token := rand.Int64() //nolint:gosec // it only has to differ from others
	return []*statement{
		{text: "UPDATE parley_timers SET ready = ?, attempt = attempt + 1, claim = ? WHERE ready <= ? ORDER BY due LIMIT ?",
			args: []any{ready, token, now, limit}},
		{text: "SELECT " + timerColumns + " FROM parley_timers WHERE ready = ? AND claim = ?", args: []any{ready, token}},
	}
}

// The pool of SQLAlchemy, of which Rasa changes nothing for MySQL.
const (
	mysqlIdle        = 5
	mysqlConnections = 15
)

// mysqlEngine is a database of MySQL or MariaDB. All statements of a call are sent as one text.
type mysqlEngine struct {
	db    *sql.DB
	ready readiness
	// sequence tells that ids come from the sequence events_seq, which SQLAlchemy makes for Rasa in MariaDB.
	sequence bool
}

var _ engine = (*mysqlEngine)(nil)

// newMySQL returns the engine of a database; it does not connect yet.
func newMySQL(to sqldb.Options) (*mysqlEngine, error) {
	cfg, err := to.MySQL()
	if err != nil {
		return nil, err
	}
	cfg.MultiStatements, cfg.InterpolateParams = true, true
	cfg.RejectReadOnly = true // after a failover the address leads elsewhere
	cfg.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxIdleConns(mysqlIdle)
	db.SetMaxOpenConns(mysqlConnections)
	db.SetConnMaxIdleTime(5 * time.Minute)
	return &mysqlEngine{db: db}, nil
}

// mysqlBegin begins a transaction whose statements see what was committed before each of them.
const mysqlBegin = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; START TRANSACTION; "

func (e *mysqlEngine) read(ctx context.Context, list []*statement) error {
	return e.send(ctx, "", list, "")
}

func (e *mysqlEngine) write(ctx context.Context, list []*statement) error {
	// Timers that two nodes claim at once, and rows deleted beside a writer, may get in each other's way.
	for attempt := 0; ; attempt++ {
		err := e.send(ctx, mysqlBegin, list, "; COMMIT")
		if !isMySQL(err, deadlocked) || attempt == 5 {
			return err
		}
	}
}

// send runs statements in one round trip. A connection that did not get through all of them is given up, with what it had
// begun and its locks.
func (e *mysqlEngine) send(ctx context.Context, before string, list []*statement, after string) error {
	if err := e.ready.make(ctx, e.prepare); err != nil {
		return err
	}
	return e.sendUnprepared(ctx, before, list, after)
}

func (e *mysqlEngine) sendUnprepared(ctx context.Context, before string, list []*statement, after string) error {
	texts := make([]string, len(list))
	var args []any
	for i, s := range list {
		texts[i] = s.text
		if s.row == nil {
			texts[i] += "; SELECT ROW_COUNT()"
		}
		args = append(args, s.args...)
	}
	c, err := e.db.Conn(ctx)
	if err != nil {
		return err
	}
	if err := results(ctx, c, before+strings.Join(texts, "; ")+after, args, list); err != nil {
		_ = c.Raw(func(any) error { return driver.ErrBadConn })
		_ = c.Close()
		return err
	}
	return c.Close()
}

// results runs a text and hands the rows of each statement on.
func results(ctx context.Context, c *sql.Conn, text string, args []any, list []*statement) error {
	rows, err := c.QueryContext(ctx, text, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for i, s := range list {
		if i > 0 && !rows.NextResultSet() {
			return cmpError(rows.Err(), fmt.Errorf("statement %d of %d was not answered", i+1, len(list)))
		}
		for rows.Next() {
			if s.row == nil {
				err = rows.Scan(&s.affected)
			} else {
				err = s.row(rows.Scan)
			}
			if err != nil {
				return err
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
	}
	for rows.NextResultSet() { // errors of what follows the last answer
	}
	return errors.Join(rows.Err(), rows.Close())
}

func cmpError(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// lockWait is how long another node's write to the same conversation is waited for, in seconds.
const lockWait = 5

// mysqlAllowed is the condition of everything that append writes.
const mysqlAllowed = "coalesce(@parley_ok, 0) = 1 AND @parley_at = 1"

// append excludes other nodes of parley by a lock of the server under the conversation's name. Locks of rows would take in
// the gaps between conversations, where new ones begin, and meet in deadlocks there.
func (e *mysqlEngine) append(ctx context.Context, a *appendix) (first, last int64, err error) {
	if err := e.ready.make(ctx, e.prepare); err != nil { // it tells where ids come from
		return 0, 0, err
	}
	lock := "parley:" + strconv.FormatInt(lockKey(a.senderID), 16)
	who := mysqlDialect.who(a.senderID)
	var ok, at int64
	list := []*statement{
		{text: "SET @parley_ok = GET_LOCK(?, ?); SELECT @parley_at := coalesce((SELECT id FROM events WHERE " + who.text + " ORDER BY id DESC LIMIT 1), 0) = ?",
			args: append(append([]any{lock, int64(lockWait)}, who.args...), a.last),
			row:  func(scan func(...any) error) error { return scan(&at) }},
	}
	if a.replace && a.hasOutbox {
		list = append(list, &statement{text: "SET SESSION group_concat_max_len = 4294967295"}, a.keep(mysqlDialect))
	}
	list = append(list, mysqlInsert(a, e.sequence))
	if a.replace {
		list = append(list, &statement{text: "DELETE FROM events WHERE " + who.text + " AND id <= ? AND " + mysqlAllowed,
			args: append(append([]any(nil), who.args...), a.last)})
	}
	if a.commit != "" {
		list = append(list, &statement{text: "INSERT INTO parley_outbox (sender_id, commit_id, stored, first_id, last_id) " +
			"SELECT ?, ?, ?, @parley_first, @parley_last FROM DUAL WHERE " + mysqlAllowed, args: []any{a.senderID, a.commit, a.stored}})
	}
	list = append(list, &statement{text: "SELECT coalesce(@parley_ok, 0), coalesce(@parley_first, 0), coalesce(@parley_last, 0)",
		row: func(scan func(...any) error) error { return scan(&ok, &first, &last) }})
	if err := e.send(ctx, mysqlBegin, list, "; COMMIT; DO RELEASE_LOCK('"+lock+"')"); err != nil {
		return 0, 0, err
	}
	switch {
	case ok == 0:
		return 0, 0, fmt.Errorf("another write to the conversation took longer than %d s: %w", lockWait, stores.ErrUnavailable)
	case at == 0:
		return 0, 0, stores.ErrConflict
	}
	return first, last, nil
}

// mysqlInsert adds the rows, one by one: several at once would be given more ids than they need. It leaves the first and the
// last id in variables.
func mysqlInsert(a *appendix, sequence bool) *statement {
	into, from, id := "INSERT INTO events (", "SELECT ", "LAST_INSERT_ID()"
	if sequence {
		into, from, id = "INSERT INTO events (id, ", "SELECT NEXTVAL(events_seq), ", "LASTVAL(events_seq)"
	}
	var b strings.Builder
	s := &statement{}
	b.WriteString("SET @parley_first = 0, @parley_last = 0")
	for i, r := range a.rows {
		b.WriteString("; " + into + "sender_id, type_name, timestamp, intent_name, action_name, data) " + from + "?, ?, ?, ?, ?, ? FROM DUAL WHERE " + mysqlAllowed)
		s.args = append(s.args, a.senderID, r.typeName, r.timestamp, r.intent, r.action, string(r.data))
		if i == 0 {
			b.WriteString("; SET @parley_first = " + id)
		}
	}
	if len(a.rows) > 0 {
		b.WriteString("; SET @parley_last = " + id)
	}
	s.text = b.String()
	return s
}
