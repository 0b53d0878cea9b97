package sql

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

func TestBadOptions(t *testing.T) {
	for name, c := range map[string]struct {
		options []any
		want    string
	}{
		"oracle":          {[]any{"dialect", "oracle"}, `option "dialect"`},
		"mssql by URL":    {[]any{"url", "mssql+pyodbc://sa:secret@host/db"}, `"mssql+pyodbc"`},
		"synchronous":     {[]any{"db", ":memory:", "synchronous", "off"}, `option "synchronous" must be full or normal`},
		"request_timeout": {[]any{"db", ":memory:", "request_timeout", 0.0}, `option "request_timeout" must be a number of seconds`},
		"port":            {[]any{"dialect", "postgresql", "port", "x"}, `option "port"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := stores.Trackers.Build(component.Config{Name: "sql", Options: value.NewMap(c.options...), Pos: "endpoints.yml:3:5"})
			require.ErrorContains(t, err, "endpoints.yml:3:5")
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), "secret")
		})
	}
}

func TestPoolSize(t *testing.T) {
	for name, c := range map[string]struct {
		size, overflow string
		want           int32
	}{
		"default":     {"", "", defaultConnections},
		"both":        {"3", "4", 7},
		"size":        {"3", "", 103},
		"overflow":    {"", "0", 50},
		"any size":    {"0", "1", math.MaxInt16},
		"any overrun": {"5", "-1", math.MaxInt16},
	} {
		got, err := poolSize(func(name string) string {
			return map[string]string{"SQL_POOL_SIZE": c.size, "SQL_MAX_OVERFLOW": c.overflow}[name]
		})
		require.NoError(t, err, name)
		require.Equal(t, c.want, got, name)
	}
	_, err := poolSize(func(string) string { return "many" })
	require.ErrorContains(t, err, "SQL_POOL_SIZE")
}

func TestSequences(t *testing.T) {
	for version, want := range map[string]bool{
		"10.11.14-MariaDB-0+deb12u2": true, "5.5.5-10.3.1-MariaDB": true, "10.2.44-MariaDB": false, "11.4.2-MariaDB": true, "8.0.36": false,
	} {
		require.Equal(t, want, hasSequences(version), version)
	}
}

// TestSchema keeps the tables in the schema of POSTGRESQL_SCHEMA, which has to be there.
func TestSchema(t *testing.T) {
	p, f := databases["postgresql"](t), factory(t)
	e := p.raw(t)
	t.Setenv(schemaVariable, "bots")
	s := p.open(t)
	require.ErrorContains(t, add(t.Context(), s, f, "u", "", executed(1, "one")), `no schema "bots"`)
	execute(t, e, "CREATE SCHEMA bots")
	require.NoError(t, add(t.Context(), s, f, "u", "c1", executed(1, "one")))
	require.Equal(t, []string{"u"}, texts(t, e, 1, "SELECT sender_id FROM bots.events"))
	require.Equal(t, []string{"u"}, texts(t, e, 1, "SELECT sender_id FROM bots.parley_outbox"))
}

// TestMemory keeps conversations in a database that is not kept.
func TestMemory(t *testing.T) {
	f, s := factory(t), place{options: []any{"dialect", "sqlite", "db", ":memory:"}}.open(t)
	require.NoError(t, add(t.Context(), s, f, "u", "c1", executed(1, "one")))
	require.Equal(t, []string{"one"}, names(t, s, f, "u"))
}
