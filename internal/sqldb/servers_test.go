package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/internal/testservers"
	"github.com/parleybot/parley/internal/value"
)

// options returns the options of a server's database, one by one.
func options(t *testing.T, dialect, address string) *value.Map {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	m := value.NewMap("dialect", dialect, "url", u.Host, "db", strings.TrimPrefix(u.Path, "/"), "username", u.User.Username())
	if dialect == "postgresql" {
		m.Set("query", value.NewMap("sslmode", "disable"))
	}
	return m
}

func ping(ctx context.Context, o Options) (db *sql.DB, err error) {
	if db, err = o.Open(); err == nil {
		err = db.PingContext(ctx)
	}
	return db, err
}

func TestServers(t *testing.T) {
	for _, m := range []*value.Map{
		options(t, "postgresql", testservers.Postgres(t)), options(t, "mysql+pymysql", testservers.MariaDB(t)),
		value.NewMap("url", testservers.Postgres(t)), value.NewMap("url", testservers.MariaDB(t)),
	} {
		o, err := read(m)
		require.NoError(t, err)
		db, err := ping(t.Context(), o)
		require.NoError(t, err)
		require.NoError(t, db.Close())
		require.NoError(t, o.CreateDatabase(t.Context()), "there is nothing to do")
	}
}

func TestCreateDatabase(t *testing.T) {
	o, err := read(options(t, "postgresql", testservers.Postgres(t)))
	require.NoError(t, err)
	o.LoginDatabase, o.Database = o.Database, `new "one"`+testservers.Name(t)
	for range 2 {
		require.NoError(t, o.CreateDatabase(t.Context()))
		db, err := ping(t.Context(), o)
		require.NoError(t, err)
		require.NoError(t, db.Close())
	}
	o.LoginDatabase = "nope"
	require.ErrorContains(t, o.CreateDatabase(t.Context()), `logging in to database "nope"`)
}

func TestSchema(t *testing.T) {
	o, err := read(options(t, "postgresql", testservers.Postgres(t)))
	require.NoError(t, err)
	o.Schema = "pg_catalog"
	db, err := o.Open()
	require.NoError(t, err)
	defer db.Close()
	var path string
	require.NoError(t, db.QueryRowContext(t.Context(), "SHOW search_path").Scan(&path))
	require.Equal(t, "pg_catalog", path)
}

func TestAway(t *testing.T) {
	require.False(t, Away(nil))
	require.False(t, Away(errors.New("other")))
	require.True(t, Away(fmt.Errorf("wrapped: %w", context.DeadlineExceeded)))
	for dialect, s := range map[string]*testservers.Server{"postgresql": testservers.PostgresServer(t), "mysql": testservers.MariaDBServer(t)} {
		t.Run(dialect, func(t *testing.T) {
			o, err := read(options(t, dialect, s.URL))
			require.NoError(t, err)
			db, err := ping(t.Context(), o)
			require.NoError(t, err)
			defer db.Close()
			exec := func(text string) error {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_, err := db.ExecContext(ctx, text)
				return err
			}
			syntax := exec("SELEKT 1")
			require.Error(t, syntax)
			require.False(t, Away(syntax))
			require.False(t, Refused(syntax))
			require.NoError(t, exec("CREATE TABLE short (a VARCHAR(2))"))
			require.True(t, Refused(exec("INSERT INTO short VALUES ('abc')")))

			missing := o
			missing.Database = "nope"
			_, err = ping(t.Context(), missing)
			require.True(t, Away(err), "%v", err)
			s.Stop()
			err = exec("SELECT 1")
			require.True(t, Away(err), "%v", err)
			s.Cont()
			s.Kill()
			for range 2 {
				err = exec("SELECT 1")
				require.True(t, Away(err), "%v", err)
			}
			s.Restart()
			require.Eventually(t, func() bool { return exec("SELECT 1") == nil }, time.Minute, 50*time.Millisecond)
		})
	}
}
