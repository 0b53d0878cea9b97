package sql

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/sqldb"
	"github.com/parleybot/parley/internal/testservers"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/storetest"
)

func open(t *testing.T, options *value.Map) *Broker {
	t.Helper()
	b, err := stores.Brokers.Build(component.Config{Name: "sql", Options: options, Pos: "endpoints.yml:7:3"})
	require.NoError(t, err)
	return b.(*Broker)
}

// fileRow is a row of the table.
type fileRow struct {
	ID       int64  `json:"id"`
	SenderID string `json:"sender_id"`
	Data     string `json:"data"`
}

// rows reads the table, which may not be there.
func rows(t *testing.T, o sqldb.Options) []fileRow {
	t.Helper()
	db, err := o.Open()
	require.NoError(t, err)
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	found, err := db.QueryContext(ctx, "SELECT id, sender_id, data FROM events ORDER BY id")
	if err != nil {
		require.Regexp(t, "no such table|does not exist|doesn't exist", err.Error())
		return nil
	}
	defer found.Close()
	var list []fileRow
	for found.Next() {
		var r fileRow
		require.NoError(t, found.Scan(&r.ID, &r.SenderID, &r.Data))
		list = append(list, r)
	}
	require.NoError(t, found.Err())
	return list
}

func messages(t *testing.T, o sqldb.Options) []storetest.BrokerMessage {
	t.Helper()
	var list []storetest.BrokerMessage
	for _, r := range rows(t, o) {
		require.Contains(t, r.Data, string(value.Encode(value.NewMap("sender_id", r.SenderID), value.JSON))[1:10])
		list = append(list, storetest.BrokerMessage{Key: r.SenderID, Body: []byte(r.Data)})
	}
	return list
}

func TestBroker(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		storetest.Brokers(t, func(t *testing.T) storetest.BrokerTest {
			options := value.NewMap("db", filepath.Join(t.TempDir(), "a%20b?#.db"))
			return suite(t, options, nil)
		})
	})
	t.Run("postgresql", func(t *testing.T) {
		s := testservers.PostgresServer(t)
		storetest.Brokers(t, func(t *testing.T) storetest.BrokerTest {
			return suite(t, value.NewMap("url", s.NewDatabase(t)), s)
		})
	})
	t.Run("mariadb", func(t *testing.T) {
		s := testservers.MariaDBServer(t)
		storetest.Brokers(t, func(t *testing.T) storetest.BrokerTest {
			return suite(t, value.NewMap("url", s.NewDatabase(t)), s)
		})
	})
}

func suite(t *testing.T, options *value.Map, s *testservers.Server) storetest.BrokerTest {
	reader := open(t, options).options
	bt := storetest.BrokerTest{
		Open:     func(t *testing.T) stores.Broker { return open(t, options) },
		Received: func(t *testing.T) []storetest.BrokerMessage { return messages(t, reader) },
	}
	if s != nil {
		bt.Stop, bt.Start = func(*testing.T) { s.Kill() }, func(*testing.T) { s.Restart() }
		bt.Freeze, bt.Thaw = func(*testing.T) { s.Stop() }, func(*testing.T) { s.Cont() }
	}
	return bt
}

// recorded is what conformance/stores/record_brokers.py had Rasa write.
type recorded struct {
	Schema []string  `json:"schema"`
	Rows   []fileRow `json:"rows"`
}

func recording(t *testing.T) (want recorded, p stores.Publication) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "rasa.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &want))
	for _, r := range want.Rows {
		m, err := value.DecodeString(r.Data)
		require.NoError(t, err)
		event, err := tracker.EventFromMap(m.(*value.Map))
		require.NoError(t, err)
		p.SenderID, p.Events = r.SenderID, append(p.Events, event)
	}
	return want, p
}

func TestTableOfRasa(t *testing.T) {
	want, p := recording(t)
	b := open(t, value.NewMap("db", filepath.Join(t.TempDir(), "events.db")))
	require.NoError(t, b.Publish(t.Context(), []stores.Publication{p}))
	var schema string
	require.NoError(t, b.db.QueryRowContext(t.Context(), "SELECT sql FROM sqlite_master WHERE name = 'events'").Scan(&schema))
	require.Equal(t, want.Schema, []string{schema})
	require.NoError(t, b.Close())
	require.Equal(t, want.Rows, rows(t, b.options))
}

func publication(senderID string, texts ...string) []stores.Publication {
	p := stores.Publication{SenderID: senderID, ID: "c"}
	for _, s := range texts {
		p.Events = append(p.Events, &tracker.SlotSet{Key: "s", Value: s})
	}
	return []stores.Publication{p}
}

// TestRowThatIsNeverTaken has a table made by Rasa in MySQL, whose data ends at 64 KiB, and a sender that no column takes.
func TestRowThatIsNeverTaken(t *testing.T) {
	url := testservers.MariaDB(t)
	var log bytes.Buffer
	o := open(t, value.NewMap("url", url)).options
	db, err := o.Open()
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), "CREATE TABLE events (id INTEGER NOT NULL AUTO_INCREMENT, sender_id VARCHAR(255), data TEXT, PRIMARY KEY (id)) CHARACTER SET utf8mb4")
	require.NoError(t, err)
	require.NoError(t, db.Close())
	b := New(o, component.Env{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	defer b.Close()
	require.NoError(t, b.Publish(t.Context(), publication("u", "a", strings.Repeat("x", 1<<17), "b")))
	got := rows(t, o)
	require.Len(t, got, 2)
	require.Contains(t, got[0].Data, `"value": "a"`)
	require.Contains(t, got[1].Data, `"value": "b"`)
	require.Contains(t, log.String(), "an event is lost")
}

func TestSenderThatDoesNotFit(t *testing.T) {
	for name, url := range map[string]string{"postgresql": testservers.Postgres(t), "mariadb": testservers.MariaDB(t)} {
		t.Run(name, func(t *testing.T) {
			b := open(t, value.NewMap("url", url))
			defer b.Close()
			for _, id := range []string{strings.Repeat("é", 300), "a\x00b", "a\xffb"} {
				require.NoError(t, b.Publish(t.Context(), publication(id, "a")))
			}
			got := rows(t, b.options)
			require.Equal(t, strings.Repeat("é", 255), got[0].SenderID)
			require.Contains(t, got[0].Data, strings.Repeat(`\u00e9`, 300))
			require.Equal(t, "a\uFFFDb", got[1].SenderID)
			require.Equal(t, "a\uFFFDb", got[2].SenderID)
		})
	}
}

// TestTableOfSomethingElse has a database whose table events is that of the tracker store.
func TestTableOfSomethingElse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rasa.db")
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), "CREATE TABLE events (id INTEGER PRIMARY KEY, sender_id TEXT, type_name TEXT NOT NULL, data TEXT)")
	require.NoError(t, err)
	require.NoError(t, db.Close())
	b := open(t, value.NewMap("db", path))
	defer b.Close()
	err = b.Publish(t.Context(), publication("u", "a"))
	require.ErrorContains(t, err, "type_name")
	require.NotErrorIs(t, err, stores.ErrUnavailable)
}

// TestLockedFile has another process write to the file.
func TestLockedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.db")
	b := open(t, value.NewMap("db", path, "query", value.NewMap("timeout", 0.05)))
	defer b.Close()
	require.NoError(t, b.Publish(t.Context(), publication("u", "a")))
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer db.Close()
	other, err := db.Conn(t.Context())
	require.NoError(t, err)
	_, err = other.ExecContext(t.Context(), "BEGIN IMMEDIATE")
	require.NoError(t, err)
	require.ErrorIs(t, b.Publish(t.Context(), publication("u", "b")), stores.ErrUnavailable)
	_, err = other.ExecContext(t.Context(), "ROLLBACK")
	require.NoError(t, err)
	require.NoError(t, b.Publish(t.Context(), publication("u", "b")))
	require.Len(t, rows(t, b.options), 2)
}
