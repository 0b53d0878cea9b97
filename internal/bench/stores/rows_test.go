//go:build benchstores

package stores

import (
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/internal/testservers"
)

// row is a store with options, measured with conversations of a shape.
type row struct {
	name, store string
	options     map[string]any
	// sessions tells that conversations have sessions of sessionTurns turns, otherwise they are one.
	sessions bool
	// rasa is what Rasa's class is opened with; nil leaves it out.
	rasa *order
	// proxy is nil for stores without a server, pid that of the server.
	proxy *proxy
	pid   int
	// opened tells that a node of the row has been made.
	opened bool
}

// bytes returns what went to and from the store so far, seen from the process pid.
func (r *row) traffic(pid int) traffic {
	if r.proxy == nil {
		return files(pid)
	}
	return r.proxy.traffic()
}

// source makes rows of a server that is started when one of them is wanted.
type source struct {
	names []string
	make  func(t *testing.T, names []string) []row
}

func sources() []source {
	return []source{
		{[]string{"in_memory"}, memoryRows}, {[]string{"sqlite"}, sqliteRows},
		{[]string{"SQL, PostgreSQL"}, postgresRows}, {[]string{"SQL, MariaDB"}, mariaRows},
		{[]string{"mongod, sessions", "mongod, always", "mongod, off"}, mongoRows},
		{[]string{"redis, sessions", "redis, always", "redis, off"}, redisRows},
		{[]string{"dynamo"}, dynamoRows},
	}
}

func memoryRows(*testing.T, []string) []row {
	return []row{{name: "in_memory", store: "in_memory", options: map[string]any{}, rasa: &order{Store: "in_memory"}}}
}

func sqliteRows(t *testing.T, names []string) []row {
	path := filepath.Join(t.TempDir(), "bench.db")
	return []row{{name: names[0], store: "sqlite", options: map[string]any{"path": path},
		rasa: &order{Store: "sql", Options: map[string]any{"dialect": "sqlite", "db": path}}}}
}

// sqlRows are those of a server of SQL; options are Rasa's.
func sqlRows(t *testing.T, name, dialect string, s *testservers.Server) []row {
	to, err := url.Parse(s.NewDatabase(t))
	require.NoError(t, err)
	p := newProxy(t, to.Host)
	host, port := split(t, p.addr)
	o := map[string]any{"dialect": dialect, "url": host, "port": port, "db": strings.TrimPrefix(to.Path, "/"), "username": to.User.Username()}
	r := row{name: name, store: "sql", options: o, proxy: p, pid: s.PID()}
	rasas := map[string]any{}
	for key, v := range o {
		rasas[key] = v
	}
	if dialect == "mysql" {
		rasas["dialect"] = "mysql+pymysql"
	}
	r.rasa = &order{Store: "sql", Options: rasas}
	return []row{r}
}

func postgresRows(t *testing.T, names []string) []row {
	return sqlRows(t, names[0], "postgresql", testservers.PostgresServer(t))
}

func mariaRows(t *testing.T, names []string) []row {
	return sqlRows(t, names[0], "mysql", testservers.MariaDBServer(t))
}

func split(t *testing.T, addr string) (string, int) {
	host, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	n, err := strconv.Atoi(port)
	require.NoError(t, err)
	return host, n
}

// mode returns the value of the option segments that a row's name ends in.
func mode(name string) string { return name[strings.LastIndex(name, " ")+1:] }

func mongoRows(t *testing.T, names []string) []row {
	s := testservers.MongoServer(t)
	p := newProxy(t, s.Addr)
	var rows []row
	for _, name := range names {
		o := map[string]any{"url": strings.Replace(s.URL, s.Addr, p.addr, 1), "db": testservers.Name(t)}
		r := row{name: name, store: "mongod", sessions: mode(name) == "sessions", proxy: p, pid: s.PID()}
		if mode(name) == "off" {
			r.rasa = &order{Store: "mongod", Options: o}
		}
		r.options = map[string]any{"segments": mode(name), "url": o["url"], "db": o["db"]}
		rows = append(rows, r)
	}
	return rows
}

func redisRows(t *testing.T, names []string) []row {
	s := testservers.RedisWith(t, "--save", "")
	p := newProxy(t, s.Addr)
	host, port := split(t, p.addr)
	var rows []row
	for i, name := range names {
		o := map[string]any{"url": host, "port": port, "db": i}
		r := row{name: name, store: "redis", sessions: mode(name) == "sessions", proxy: p, pid: s.PID()}
		if mode(name) == "off" {
			r.rasa = &order{Store: "redis", Options: o}
		}
		r.options = map[string]any{"segments": mode(name), "url": host, "port": port, "db": i}
		rows = append(rows, r)
	}
	return rows
}

func dynamoRows(t *testing.T, names []string) []row {
	s := testservers.DynamoDBServer(t)
	p := newProxy(t, s.Addr)
	o := map[string]any{"endpoint_url": "http://" + p.addr, "table_name": "bench", "region": "us-east-1"}
	return []row{{name: names[0], store: "dynamo", options: o, rasa: &order{Store: "dynamo", Options: o}, proxy: p, pid: s.PID()}}
}
