package sqldb

import (
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
)

func read(options *value.Map) (Options, error) {
	r := component.NewRegistry[Options]("test")
	r.Register(component.Spec{Name: "sql", Fields: Fields("rasa.db")}, FromConfig)
	return r.Build(component.Config{Name: "sql", Options: options, Pos: "endpoints.yml:3:1"})
}

func TestFromConfig(t *testing.T) {
	none := map[string]string{}
	cases := []struct {
		name    string
		options *value.Map
		want    Options
	}{
		{"default", nil, Options{Dialect: SQLite, Database: "rasa.db", Query: none}},
		{"host", value.NewMap("dialect", "postgresql", "url", "db.example", "port", "5433", "db", "rasa", "username", "u", "password", int64(123),
			"login_db", "postgres", "query", value.NewMap("sslmode", "disable", "connect_timeout", int64(3))),
			Options{Dialect: PostgreSQL, Host: "db.example", Port: 5433, Database: "rasa", Username: "u", Password: "123", LoginDatabase: "postgres",
				Query: map[string]string{"sslmode": "disable", "connect_timeout": "3"}}},
		{"host with port", value.NewMap("dialect", "mysql+pymysql", "url", "db.example:3307", "port", int64(1)),
			Options{Dialect: MySQL, Host: "db.example", Port: 3307, Database: "rasa.db", Query: none}},
		{"ipv6", value.NewMap("dialect", "mariadb", "url", "[::1]:3307"),
			Options{Dialect: MySQL, Host: "::1", Port: 3307, Database: "rasa.db", Query: none}},
		{"url", value.NewMap("url", "postgresql+psycopg2://u:p%40@db:5433/rasa?sslmode=disable", "db", "other"),
			Options{Dialect: PostgreSQL, Host: "db", Port: 5433, Database: "rasa", Username: "u", Password: "p@", Query: map[string]string{"sslmode": "disable"}}},
		{"relative file", value.NewMap("url", "sqlite:///events.db"), Options{Dialect: SQLite, Database: "events.db", Query: none}},
		{"absolute file", value.NewMap("url", "sqlite:////tmp/events.db"), Options{Dialect: SQLite, Database: "/tmp/events.db", Query: none}},
		{"memory", value.NewMap("url", "sqlite://"), Options{Dialect: SQLite, Query: none}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := read(c.options)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestBadOptions(t *testing.T) {
	cases := []struct {
		name    string
		options *value.Map
		want    string
	}{
		{"dialect", value.NewMap("dialect", "oracle"), `option "dialect" is "oracle", known are`},
		{"dialect of url", value.NewMap("url", "oracle://u:secret@h/d"), `option "url" cannot be used: its dialect is "oracle"`},
		{"url", value.NewMap("url", "postgresql://u:secret@h:port/d"), `option "url" cannot be used: it is no URL`},
		{"host", value.NewMap("dialect", "mysql", "url", "a b"), `option "url" must be a host`},
		{"port", value.NewMap("dialect", "mysql", "port", "x"), `option "port" must be the number of a port, not 'x'`},
		{"sqlite has no host", value.NewMap("url", "localhost"), `option "url" names a host`},
		{"query of lists", value.NewMap("query", value.NewMap("a", []any{})), `option "query" must have texts and numbers as values, which that of "a" is not`},
		{"query of sqlite", value.NewMap("query", value.NewMap("mode", "ro")), `option "query" cannot be used: parley does not know the option "mode"`},
		{"query of postgresql", value.NewMap("dialect", "postgresql", "url", "h", "password", "secret", "username", "u", "query", value.NewMap("sslmode", "never")),
			`option "query" cannot be used: `},
		{"file of postgresql", value.NewMap("dialect", "postgresql", "url", "h", "query", value.NewMap("sslmode", "verify-ca", "sslrootcert", "nope.pem")),
			`option "query" cannot be used: `},
		{"query of mysql", value.NewMap("dialect", "mysql", "query", value.NewMap("cursorclass", "x")),
			`option "query" cannot be used: cursorclass: parley does not know this option`},
		{"seconds", value.NewMap("dialect", "mysql", "query", value.NewMap("read_timeout", "soon")), `read_timeout: "soon" is no number of seconds`},
		{"file of mysql", value.NewMap("dialect", "mysql", "query", value.NewMap("ssl_ca", "nope.pem")), `option "query" cannot be used: reading certificates`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := read(c.options)
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, "endpoints.yml:3:1")
			require.NotContains(t, err.Error(), "secret")
		})
	}
}

func TestConnections(t *testing.T) {
	p, err := Options{Dialect: PostgreSQL, Host: "::1", Port: 5433, Username: "u", Password: "p/@ ", Database: "a b?", Schema: "s",
		Query: map[string]string{"sslmode": "disable", "application_name": "x y"}}.Postgres()
	require.NoError(t, err)
	require.Equal(t, []any{"::1", uint16(5433), "u", "p/@ ", "a b?", defaultTimeout},
		[]any{p.Host, p.Port, p.User, p.Password, p.Database, p.ConnectTimeout})
	require.Equal(t, map[string]string{"search_path": "s", "application_name": "x y"}, p.RuntimeParams)

	m, err := Options{Dialect: MySQL, Username: "u", Password: "p/@", Database: "d",
		Query: map[string]string{"charset": "utf8", "connect_timeout": "1.5", "read_timeout": "2", "write_timeout": "3"}}.MySQL()
	require.NoError(t, err)
	require.Equal(t, []any{"localhost:3306", "u", "p/@", "d", 1500 * time.Millisecond, 2 * time.Second, 3 * time.Second},
		[]any{m.Addr, m.User, m.Passwd, m.DBName, m.Timeout, m.ReadTimeout, m.WriteTimeout})
	require.Nil(t, m.TLS)
	m, err = Options{Dialect: MySQL, Host: "h", Query: map[string]string{"ssl_verify_cert": "true", "unix_socket": "/s"}}.MySQL()
	require.NoError(t, err)
	require.Equal(t, "h", m.TLS.ServerName)
	require.False(t, m.TLS.InsecureSkipVerify)
	require.Equal(t, "unix", m.Net)
	m, err = Options{Dialect: MySQL, Host: "h", Query: map[string]string{"ssl_verify_cert": "false"}}.MySQL()
	require.NoError(t, err)
	require.True(t, m.TLS.InsecureSkipVerify)
}

func TestSQLiteFiles(t *testing.T) {
	for _, name := range []string{"plain.db", "with space.db", "%41?#&.db"} {
		path := filepath.Join(t.TempDir(), name)
		db, err := Options{Dialect: SQLite, Database: path}.Open()
		require.NoError(t, err)
		_, err = db.ExecContext(t.Context(), "CREATE TABLE t (a)")
		require.NoError(t, err)
		var wait int
		require.NoError(t, db.QueryRowContext(t.Context(), "PRAGMA busy_timeout").Scan(&wait))
		require.Equal(t, 5000, wait)
		require.NoError(t, db.Close())
		require.FileExists(t, path)
	}
	db, err := Options{Dialect: SQLite}.Open()
	require.NoError(t, err)
	defer db.Close()
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT 1").Scan(new(int)))
	require.ErrorIs(t, db.QueryRowContext(t.Context(), "SELECT 1 WHERE 0").Scan(new(int)), sql.ErrNoRows)
}
