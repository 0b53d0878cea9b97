package sql

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parleybot/parley/internal/sqldb"
	"github.com/parleybot/parley/stores"
)

var postgresDialect = &dialect{
	name: "postgresql",
	ids: `SELECT s.id FROM (SELECT DISTINCT sender_id AS id FROM events WHERE sender_id COLLATE "C" > ?) s WHERE true%s ` +
		`ORDER BY s.id COLLATE "C" LIMIT ?`,
	exists: "SELECT count(to_regclass(?::text))",
	joined: "string_agg(e.data, ',' ORDER BY e.id)",
	set:    setConflict,
	claim:  claimReturning(" FOR UPDATE SKIP LOCKED"),
	slack:  1e-3,
	schema: map[string][]string{
		// As SQLAlchemy writes it for Rasa.
		"events": {"CREATE TABLE IF NOT EXISTS events (\n\tid SERIAL NOT NULL, \n\tsender_id VARCHAR(255) NOT NULL, \n\ttype_name VARCHAR(255) NOT NULL, \n" +
			"\ttimestamp FLOAT, \n\tintent_name VARCHAR(255), \n\taction_name VARCHAR(255), \n\tdata TEXT, \n\tPRIMARY KEY (id)\n)",
			"CREATE INDEX IF NOT EXISTS ix_events_sender_id ON events (sender_id)"},
		outboxTable: {"CREATE TABLE IF NOT EXISTS parley_outbox (sender_id TEXT NOT NULL, commit_id TEXT NOT NULL, stored BIGINT NOT NULL, " +
			"first_id BIGINT NOT NULL, last_id BIGINT NOT NULL, events TEXT, PRIMARY KEY (sender_id, commit_id))",
			"CREATE INDEX IF NOT EXISTS ix_parley_outbox_first_id ON parley_outbox (first_id)"},
		timersTable: {"CREATE TABLE IF NOT EXISTS parley_timers (sender_id TEXT NOT NULL, name TEXT NOT NULL, id TEXT NOT NULL, due BIGINT NOT NULL, " +
			"ready BIGINT NOT NULL, attempt BIGINT NOT NULL, data TEXT NOT NULL, PRIMARY KEY (sender_id, name))",
			"CREATE INDEX IF NOT EXISTS ix_parley_timers_ready ON parley_timers (ready)"},
	},
}

// postgres is a database of PostgreSQL. Its statements are sent in one go and form a transaction of their own accord, since
// nothing but the last of them is followed by a Sync.
type postgres struct {
	pool    *pgxpool.Pool
	options sqldb.Options
	// numbered has statements by their text with "?".
	numbered sync.Map
	ready    readiness
	// indexing makes the index for long conversations, until stop is called.
	indexing sync.WaitGroup
	once     sync.Once
	running  context.Context //nolint:containedctx // that of the goroutine
	stop     context.CancelFunc
	log      *slog.Logger
}

var _ engine = (*postgres)(nil)

// Rasa's variables (rasa/core/constants.py). The names in the environment are not those of the constants.
const (
	schemaVariable   = "POSTGRESQL_SCHEMA"
	poolVariable     = "SQL_POOL_SIZE"
	overflowVariable = "SQL_MAX_OVERFLOW"
)

// defaultConnections is how many connections a node opens at most when no variable says so. Rasa's default is 150, more
// than a server admits by default; calls are one round trip, so that few connections carry many turns.
const defaultConnections = 20

// newPostgres returns the engine of a database; it does not connect yet.
func newPostgres(to sqldb.Options, getenv func(string) string, log *slog.Logger) (*postgres, error) {
	to.Schema = getenv(schemaVariable)
	conn, err := to.Postgres()
	if err != nil {
		return nil, err
	}
	cfg, err := pgxpool.ParseConfig("")
	if err != nil {
		return nil, err
	}
	if cfg.MaxConns, err = poolSize(getenv); err != nil {
		return nil, err
	}
	cfg.ConnConfig = conn
	// A statement's best way depends on how many rows a conversation has and how many came behind a row.
	cfg.AfterConnect = func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED; SET plan_cache_mode = force_custom_plan",
			pgx.QueryExecModeSimpleProtocol)
		return err
	}
	// A ping would be a second round trip; what the server closed meanwhile is seen without.
	cfg.ShouldPing = func(_ context.Context, p pgxpool.ShouldPingParams) bool {
		return p.IdleDuration > time.Second && p.Conn.PgConn().CheckConn() != nil //nolint:staticcheck // a ping is what is avoided
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), cfg)
	if err != nil {
		return nil, err
	}
	e := &postgres{pool: pool, options: to, log: log}
	e.running, e.stop = context.WithCancel(context.Background())
	return e, nil
}

// poolSize is the sum of Rasa's pool_size and max_overflow; 0 and below 0 mean any number.
func poolSize(getenv func(string) string) (int32, error) {
	size, overflow := getenv(poolVariable), getenv(overflowVariable)
	if size == "" && overflow == "" {
		return defaultConnections, nil
	}
	total := 0
	for _, v := range []struct {
		name, text string
		otherwise  int
	}{{poolVariable, size, 50}, {overflowVariable, overflow, 100}} {
		n := v.otherwise
		if v.text != "" {
			var err error
			if n, err = strconv.Atoi(v.text); err != nil {
				return 0, fmt.Errorf("the variable %s is no number: %q", v.name, v.text)
			}
		}
		if n < 0 || n == 0 && v.name == poolVariable {
			return math.MaxInt16, nil
		}
		total += n
	}
	return int32(min(max(total, 1), math.MaxInt16)), nil //nolint:gosec // it is bounded
}

// number replaces each "?" by $1, $2, ...
func (e *postgres) number(text string) string {
	if known, ok := e.numbered.Load(text); ok {
		return known.(string) //nolint:errcheck // it is one
	}
	var b strings.Builder
	n := 0
	for _, r := range text {
		if r != '?' {
			b.WriteRune(r)
			continue
		}
		n++
		fmt.Fprintf(&b, "$%d", n)
	}
	e.numbered.Store(text, b.String())
	return b.String()
}

func (e *postgres) read(ctx context.Context, list []*statement) error {
	err := e.send(ctx, list)
	if sqldb.Away(err) && !errors.As(err, new(*pgconn.PgError)) && ctx.Err() == nil {
		err = e.send(ctx, list) // the connection was broken; reading again does no harm
	}
	return err
}

func (e *postgres) write(ctx context.Context, list []*statement) error { return e.send(ctx, list) }

// send runs statements in one round trip.
func (e *postgres) send(ctx context.Context, list []*statement) error {
	if err := e.ready.make(ctx, e.prepare); err != nil {
		return err
	}
	var b pgx.Batch
	for _, s := range list {
		q := b.Queue(e.number(s.text), s.args...)
		if s.row == nil {
			q.Exec(func(tag pgconn.CommandTag) error {
				s.affected = tag.RowsAffected()
				return nil
			})
			continue
		}
		q.Query(func(rows pgx.Rows) error {
			for rows.Next() {
				if err := s.row(rows.Scan); err != nil {
					return err
				}
			}
			return rows.Err()
		})
	}
	err := e.pool.SendBatch(ctx, &b).Close()
	var failed *pgconn.PgError
	if errors.As(err, &failed) && failed.Code == readOnly {
		e.pool.Reset() // a failover: the address leads elsewhere now
	}
	return err
}

// The statement that appends. The lock before it is held until its transaction ends, and its snapshot is taken behind the
// lock. Rows get their ids in the order of the list.
const (
	postgresLock   = "SELECT pg_advisory_xact_lock(?)"
	postgresAppend = `WITH at AS (SELECT count(*) = ? AND coalesce(max(id), 0) = ? AS ok FROM events WHERE sender_id = ? AND id >= ?), %s
ins AS (INSERT INTO events (sender_id, type_name, timestamp, intent_name, action_name, data)
 SELECT ?, t.type_name, t.timestamp, t.intent_name, t.action_name, t.data
 FROM unnest(?::text[], ?::float8[], ?::text[], ?::text[], ?::text[]) WITH ORDINALITY AS t(type_name, timestamp, intent_name, action_name, data, n)
 WHERE (SELECT ok FROM at) ORDER BY t.n RETURNING id)%s
SELECT (SELECT ok FROM at), coalesce(min(id), 0), coalesce(max(id), 0) FROM ins`
	postgresReplace = "gone AS (DELETE FROM events WHERE sender_id = ? AND (SELECT ok FROM at)),"
	postgresNote    = `, note AS (INSERT INTO parley_outbox (sender_id, commit_id, stored, first_id, last_id)
 SELECT ?, ?, ?::bigint, min(id), max(id) FROM ins HAVING count(*) > 0)`
)

func (e *postgres) append(ctx context.Context, a *appendix) (first, last int64, err error) {
	var ok bool
	lock := &statement{text: postgresLock, args: []any{lockKey(a.senderID)}, row: func(func(...any) error) error { return nil }}
	s := &statement{row: func(scan func(...any) error) error { return scan(&ok, &first, &last) }}
	s.args = []any{min(a.last, 1), a.last, a.senderID, a.last}
	replace, note := "", ""
	if a.replace {
		replace = postgresReplace
		s.args = append(s.args, a.senderID)
	}
	s.args = append(append(s.args, a.senderID), columns(a.rows)...)
	if a.commit != "" {
		note = postgresNote
		s.args = append(s.args, a.senderID, a.commit, a.stored)
	}
	s.text = fmt.Sprintf(postgresAppend, replace, note)
	list := []*statement{lock, s}
	if a.replace && a.hasOutbox {
		list = []*statement{lock, a.keep(postgresDialect), s}
	}
	if err := e.send(ctx, list); err != nil {
		return 0, 0, err
	}
	if !ok {
		return 0, 0, stores.ErrConflict
	}
	return first, last, nil
}

// columns returns rows as a list a column.
func columns(rows []row) []any {
	n := len(rows)
	types, times, intents, actions, data := make([]string, n), make([]float64, n), make([]any, n), make([]any, n), make([]string, n)
	for i, r := range rows {
		types[i], times[i], data[i] = r.typeName, r.timestamp, string(r.data)
		intents[i], actions[i] = r.intent, r.action
	}
	return []any{types, times, textOrNull(intents), textOrNull(actions), data}
}

func textOrNull(list []any) []*string {
	out := make([]*string, len(list))
	for i, v := range list {
		if s, ok := v.(string); ok {
			out[i] = &s
		}
	}
	return out
}

// lockKey is the advisory lock of a conversation.
func lockKey(senderID string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte("parley:" + senderID))
	return int64(h.Sum64()) //nolint:gosec // any number will do
}

// readOnly is the code of a server that was the primary, or is not yet (appendix A of PostgreSQL's manual).
const readOnly = "25006"

func (e *postgres) close() error {
	e.stop()
	e.indexing.Wait()
	e.pool.Close()
	return nil
}
