package sql

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/sqldb"
	"github.com/parleybot/parley/internal/testservers"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
	"github.com/parleybot/parley/stores"
)

// place is a database of a test.
type place struct {
	dialect string
	options []any
}

// databases makes a fresh database of each kind.
var databases = map[string]func(t testing.TB) place{
	"sqlite": func(t testing.TB) place {
		return place{"sqlite", []any{"dialect", "sqlite", "db", filepath.Join(t.TempDir(), "rasa.db"), "synchronous", "normal"}}
	},
	"postgresql": func(t testing.TB) place { return place{"postgresql", []any{"url", testservers.Postgres(t)}} },
	"mariadb":    func(t testing.TB) place { return place{"mysql", []any{"url", testservers.MariaDB(t)}} },
}

func eachDatabase(t *testing.T, run func(t *testing.T, p place)) {
	for name, make := range databases {
		t.Run(name, func(t *testing.T) { run(t, make(t)) })
	}
}

// config is what endpoints.yml says of the place.
func (p place) config(more ...any) component.Config {
	return component.Config{Name: "sql", Options: value.NewMap(slices.Concat(p.options, more)...), Pos: "endpoints.yml:1:1"}
}

// open opens a node's store.
func (p place) open(t testing.TB) stores.TrackerStore {
	t.Helper()
	s, err := stores.Trackers.Build(p.config())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// raw opens the database for statements of a test.
func (p place) raw(t testing.TB) engine {
	t.Helper()
	cfg := p.config()
	to, err := sqldb.FromConfig(cfg)
	require.NoError(t, err)
	e, _, err := open(&cfg, to, false)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.close()) })
	return e
}

func execute(t testing.TB, e engine, text string, args ...any) {
	t.Helper()
	require.NoError(t, e.write(t.Context(), []*statement{{text: text, args: args}}))
}

// texts returns what a query finds, its columns joined by "|".
func texts(t testing.TB, e engine, columns int, query string, args ...any) []string {
	t.Helper()
	var list []string
	require.NoError(t, e.read(t.Context(), []*statement{{text: query, args: args, row: func(scan func(...any) error) error {
		values, into := make([]text, columns), make([]any, columns)
		for i := range values {
			into[i] = &values[i]
		}
		err := scan(into...)
		var b strings.Builder
		for i, v := range values {
			if i > 0 {
				b.WriteByte('|')
			}
			b.WriteString(string(v))
		}
		list = append(list, b.String())
		return err
	}}}))
	return list
}

func factory(t testing.TB) *tracker.Factory {
	t.Helper()
	data, err := os.ReadFile("testdata/domain.yml")
	require.NoError(t, err)
	d, problems := project.ParseDomain(data, "domain.yml")
	require.NoError(t, problems.Err())
	return tracker.NewFactory(d)
}

func requireEvents(t testing.TB, want any, got []tracker.Event) {
	t.Helper()
	list := make([]any, len(got))
	for i, e := range got {
		list[i] = tracker.AsMap(e)
	}
	require.Equal(t, string(value.Encode(want, value.SortKeys)), string(value.Encode(list, value.SortKeys)))
}

// recording is what conformance/stores/sql_tracker.py recorded of real Rasa.
func recording(t testing.TB, dialect string) *value.Map {
	t.Helper()
	data, err := os.ReadFile("testdata/" + dialect + ".json")
	require.NoError(t, err)
	m, err := value.DecodeObject(data)
	require.NoError(t, err)
	return m
}

// TestRasasRows reads rows of real Rasa.
func TestRasasRows(t *testing.T) {
	eachDatabase(t, func(t *testing.T, p place) {
		e, f := p.raw(t), factory(t)
		for _, r := range recording(t, p.dialect).Value("rows").([]any) {
			execute(t, e, "INSERT INTO events (id, sender_id, type_name, timestamp, intent_name, action_name, data) VALUES (?, ?, ?, ?, ?, ?, ?)", r.([]any)...)
		}
		s := p.open(t)
		// What Rasa reads from MySQL begins up to two minutes earlier, see Log.Cut.
		for _, c := range recording(t, "sqlite").Value("conversations").([]any) {
			c := c.(*value.Map)
			last, err := s.Load(t.Context(), f, c.String("sender_id"))
			require.NoError(t, err)
			requireEvents(t, c.Value("retrieve"), last.Tracker.Events())
			all, err := s.LoadAll(t.Context(), f, c.String("sender_id"))
			require.NoError(t, err)
			requireEvents(t, c.Value("full"), all.Tracker.Events())
			require.Equal(t, len(c.Value("full").([]any)), last.At.Count)
			require.Equal(t, last.At.Count, all.At.Count)
		}
	})
}

// TestSameRows writes the turns that real Rasa wrote, to the same table with the same rows.
func TestSameRows(t *testing.T) {
	eachDatabase(t, func(t *testing.T, p place) {
		want, f, s, e := recording(t, p.dialect), factory(t), p.open(t), p.raw(t)
		for _, c := range want.Value("conversations").([]any) {
			c := c.(*value.Map)
			events := []tracker.Event{}
			for _, m := range c.Value("full").([]any) {
				event, err := tracker.EventFromMap(m.(*value.Map))
				require.NoError(t, err)
				events = append(events, event)
			}
			for _, n := range c.Value("turns").([]any) {
				conv, err := s.Load(t.Context(), f, c.String("sender_id"))
				require.NoError(t, err)
				if conv.Tracker == nil {
					conv.Tracker = f.New(c.String("sender_id"))
				}
				turn := stores.Turn{Tracker: conv.Tracker, Known: len(conv.Tracker.Events()), At: conv.At}
				conv.Tracker.UpdateAll(events[:n.(int64)])
				events = events[n.(int64):]
				_, err = s.Save(t.Context(), turn)
				require.NoError(t, err)
			}
		}
		require.Equal(t, want.Value("schema"), schemaOf(t, e, p.dialect))
		var rows []string
		for _, r := range want.Value("rows").([]any) {
			r := r.([]any)
			rows = append(rows, fmt.Sprint(r[1], "|", r[2], "|", column(none(r[4])), "|", column(none(r[5])), "|", r[6]))
		}
		require.Equal(t, rows, texts(t, e, 5, "SELECT sender_id, type_name, intent_name, action_name, data FROM events ORDER BY id"))
		for _, r := range want.Value("rows").([]any) {
			r := r.([]any)
			require.Equal(t, []string{"1"}, texts(t, e, 1, "SELECT '1' FROM events WHERE id = ? AND abs(timestamp - ?) < ?", r[0], r[3], map[string]float64{"mysql": 5000}[p.dialect]+1e-6))
		}
	})
}

func none(v any) any {
	if v == nil {
		return ""
	}
	return v
}

// schemaOf asks what the script asks.
func schemaOf(t *testing.T, e engine, dialect string) []any {
	t.Helper()
	var list []any
	for _, query := range map[string][]string{
		"sqlite": {"SELECT sql FROM sqlite_master WHERE name IN ('events', 'ix_events_sender_id') ORDER BY name"},
		"postgresql": {`SELECT column_name || '|' || data_type || '|' || coalesce(character_maximum_length, 0) || '|' || is_nullable || '|' || coalesce(column_default, '')
			FROM information_schema.columns WHERE table_name = 'events' ORDER BY ordinal_position`,
			"SELECT indexdef FROM pg_indexes WHERE tablename = 'events' ORDER BY indexname"},
		"mysql": {`SELECT concat(column_name, '|', column_type, '|', is_nullable, '|', extra) FROM information_schema.columns
			WHERE table_schema = database() AND table_name = 'events' ORDER BY ordinal_position`,
			`SELECT concat(index_name, '|', column_name, '|', non_unique) FROM information_schema.statistics
			WHERE table_schema = database() AND table_name = 'events' ORDER BY index_name, seq_in_index`,
			"SELECT concat(table_name, '|', table_type) FROM information_schema.tables WHERE table_schema = database() AND table_type = 'SEQUENCE'"},
	}[dialect] {
		for _, line := range texts(t, e, 1, query) {
			list = append(list, line)
		}
	}
	return list
}
