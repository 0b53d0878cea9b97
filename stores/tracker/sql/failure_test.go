package sql

import (
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/testservers"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/eventlog"
)

// servers are those that a test may stop.
var servers = map[string]func(t testing.TB) *testservers.Server{
	"postgresql": testservers.PostgresServer,
	"mariadb":    testservers.MariaDBServer,
}

// TestOutage stops a server and starts it again. A node that was started without one works when it is there.
func TestOutage(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			server, f := start(t), factory(t)
			p := place{options: []any{"url", server.NewDatabase(t), "request_timeout", 2.0}}
			s := p.open(t)
			require.NoError(t, add(t.Context(), s, f, "u", "c1", executed(1, "one")))
			before, err := s.Load(t.Context(), f, "u")
			require.NoError(t, err)

			server.Kill()
			late := p.open(t)
			for _, node := range []stores.TrackerStore{s, late} {
				_, err = node.Load(t.Context(), f, "u")
				require.ErrorIs(t, err, stores.ErrUnavailable)
				_, err = node.IDs(t.Context(), stores.Query{}, "", 0)
				require.ErrorIs(t, err, stores.ErrUnavailable)
				_, err = node.Delete(t.Context(), "u")
				require.ErrorIs(t, err, stores.ErrUnavailable)
			}
			before.Tracker.Update(executed(2, "two"))
			_, err = s.Save(t.Context(), stores.Turn{Tracker: before.Tracker, Known: 1, At: before.At})
			require.ErrorIs(t, err, stores.ErrUnavailable)

			server.Restart()
			for i, node := range []stores.TrackerStore{s, late} {
				require.Eventually(t, func() bool { _, err := node.Load(t.Context(), f, "u"); return err == nil }, 10*time.Second, 20*time.Millisecond)
				require.NoError(t, add(t.Context(), node, f, "u", "", executed(float64(3+i), "again")))
			}
			require.Equal(t, []string{"one", "again", "again"}, names(t, s, f, "u"))

			server.Stop()
			begin := time.Now()
			_, err = s.Load(t.Context(), f, "u")
			require.ErrorIs(t, err, stores.ErrUnavailable)
			require.Less(t, time.Since(begin), 10*time.Second)
			server.Cont()
			require.Eventually(t, func() bool { _, err := s.Load(t.Context(), f, "u"); return err == nil }, 10*time.Second, 20*time.Millisecond)
		})
	}
}

// TestReadOnly checks a server that became a standby.
func TestReadOnly(t *testing.T) {
	f := factory(t)
	p := databases["postgresql"](t)
	s, e := p.open(t), p.raw(t)
	require.NoError(t, add(t.Context(), s, f, "u", "", executed(1, "one")))
	name := texts(t, e, 1, "SELECT current_database()")[0]
	require.NoError(t, e.write(t.Context(), []*statement{{text: "ALTER DATABASE " + name + " SET default_transaction_read_only = on"}}))
	require.NoError(t, e.write(t.Context(), []*statement{{text: "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
		row: func(func(...any) error) error { return nil }}}))
	require.Eventually(t, func() bool { _, err := s.Load(t.Context(), f, "u"); return err == nil }, 5*time.Second, 10*time.Millisecond)
	require.ErrorIs(t, add(t.Context(), s, f, "u", "", executed(2, "two")), stores.ErrUnavailable)
}

// TestBusyFile checks a file that another process does not let go.
func TestBusyFile(t *testing.T) {
	f, path := factory(t), filepath.Join(t.TempDir(), "c.db")
	p := place{dialect: "sqlite", options: []any{"dialect", "sqlite", "db", path, "query", value.NewMap("timeout", 0.05)}}
	s := p.open(t)
	require.NoError(t, add(t.Context(), s, f, "u", "", executed(1, "one")))
	other, err := openSQLite(sqliteOptions{path: path})
	require.NoError(t, err)
	require.NoError(t, other.script("BEGIN IMMEDIATE"))
	require.Equal(t, []string{"one"}, names(t, s, f, "u"), "readers do not wait for writers")
	require.ErrorIs(t, add(t.Context(), s, f, "u", "", executed(2, "two")), stores.ErrUnavailable)
	require.NoError(t, other.script("COMMIT"))
	require.NoError(t, add(t.Context(), s, f, "u", "", executed(3, "three")))
	require.NoError(t, other.close())
}

// TestGroupCommit checks that turns that are committed together fail one by one.
func TestGroupCommit(t *testing.T) {
	c, err := openSQLite(sqliteOptions{path: filepath.Join(t.TempDir(), "c.db")})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.close()) })
	require.NoError(t, prepareFile(c))
	insert := func(id string) func(*sqliteConn) error {
		return func(c *sqliteConn) error {
			_, _, err := appendRows(c, &appendix{senderID: id, rows: []row{rowOf(executed(1, "a")), rowOf(executed(2, "b"))}})
			return err
		}
	}
	broken := errors.New("broken")
	for name, c2 := range map[string]struct {
		run  func(*sqliteConn) error
		want error
	}{
		"conflict": {insert("first"), stores.ErrConflict},
		"failure": {func(c *sqliteConn) error {
			if err := c.script("INSERT INTO events (sender_id, type_name) VALUES ('half', 'x')"); err != nil {
				return err
			}
			return broken
		}, broken},
	} {
		require.NoError(t, c.script("DELETE FROM events"), name)
		group := []*job{{run: insert("first")}, {run: c2.run}, {run: insert("last")}}
		for _, j := range group {
			j.done = make(chan error, 1)
		}
		runGroup(c, group)
		require.NoError(t, <-group[0].done)
		require.ErrorIs(t, <-group[1].done, c2.want)
		require.NoError(t, <-group[2].done)
		var ids []string
		require.NoError(t, c.run(&statement{text: "SELECT DISTINCT sender_id FROM events ORDER BY 1", row: func(scan func(...any) error) error {
			var id string
			err := scan(&id)
			ids = append(ids, id)
			return err
		}}))
		require.Equal(t, []string{"first", "last"}, ids)
	}
}

// TestClosed checks that a store that was closed says so, also to those who wait.
func TestClosed(t *testing.T) {
	f, path := factory(t), filepath.Join(t.TempDir(), "c.db")
	s, err := OpenFile(path, false, eventlog.Config{}, component.Env{})
	require.NoError(t, err)
	var done sync.WaitGroup
	for range 8 {
		done.Go(func() {
			for {
				err := add(t.Context(), s, f, "u", "", executed(1, "x"))
				if errors.Is(err, stores.ErrUnavailable) {
					return
				}
				if err != nil && !errors.Is(err, stores.ErrConflict) {
					t.Error(err)
					return
				}
			}
		})
	}
	time.Sleep(20 * time.Millisecond)
	require.NoError(t, s.Close())
	done.Wait()
	left, err := filepath.Glob(path + "*")
	require.NoError(t, err)
	require.Equal(t, []string{path}, left, "the write-ahead log is merged into the file")
}

// TestFileThatIsNoDatabase checks that a file is not written over.
func TestFileThatIsNoDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.db")
	require.NoError(t, os.WriteFile(path, []byte(strings.Repeat("not a database ", 500)), 0o600))
	_, err := OpenFile(path, true, eventlog.Config{}, component.Env{})
	require.ErrorIs(t, err, stores.ErrUnavailable)
	require.ErrorContains(t, err, path)
}

// counter counts the round trips of connections that pass it.
type counter struct {
	trips atomic.Int64
	addr  string
}

// countTrips passes connections on to a server. A round trip begins with each thing a client says after the server said something.
func countTrips(t *testing.T, server string) *counter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a test's
	require.NoError(t, err)
	c := &counter{addr: l.Addr().String()}
	var done sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		done.Wait()
	})
	done.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", server) //nolint:noctx // a test's
			if err != nil {
				t.Error(err)
				return
			}
			var answered atomic.Bool
			answered.Store(true)
			done.Go(func() {
				_, _ = io.Copy(writing{to, func() {
					if answered.Swap(false) {
						c.trips.Add(1)
					}
				}}, client)
				_ = to.Close()
			})
			done.Go(func() {
				_, _ = io.Copy(writing{client, func() { answered.Store(true) }}, to)
				_ = client.Close()
			})
		}
	})
	return c
}

// writing tells before it writes.
type writing struct {
	io.Writer
	tell func()
}

func (w writing) Write(p []byte) (int, error) {
	w.tell()
	return w.Writer.Write(p)
}

// TestRoundTrips counts what a turn costs: one read, one write, whatever the length and whoever wrote last.
func TestRoundTrips(t *testing.T) {
	for _, name := range []string{"postgresql", "mariadb"} {
		t.Run(name, func(t *testing.T) {
			p, f := databases[name](t), factory(t)
			u, err := url.Parse(p.options[1].(string))
			require.NoError(t, err)
			c := countTrips(t, u.Host)
			u.Host = c.addr
			s, other := place{options: []any{"url", u.String()}}.open(t), p.open(t)
			for n := range 4 { // connections and statements are prepared
				require.NoError(t, add(t.Context(), s, f, "u", "c"+string(rune('0'+n)), executed(float64(n+1), "x")))
				require.NoError(t, add(t.Context(), s, f, "u", "", executed(float64(n+1), "x")))
			}
			for n := range 30 {
				require.NoError(t, add(t.Context(), other, f, "u", "", executed(float64(n+10), "other")))
				before := c.trips.Load()
				_, err := s.Load(t.Context(), f, "u")
				require.NoError(t, err)
				require.EqualValues(t, 1, c.trips.Load()-before, "a read")
				require.NoError(t, add(t.Context(), s, f, "u", "", executed(float64(n+10), "x")))
				require.EqualValues(t, 3, c.trips.Load()-before, "a turn")
			}
		})
	}
}
