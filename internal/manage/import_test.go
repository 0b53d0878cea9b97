package manage_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/manage"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

func exported(t *testing.T, m *manage.Manager, q stores.Query) string {
	t.Helper()
	var b bytes.Buffer
	_, err := m.Export(t.Context(), q, &b)
	require.NoError(t, err)
	return b.String()
}

func written(t *testing.T, lines string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "c.jsonl")
	require.NoError(t, os.WriteFile(file, []byte(lines), 0o600))
	return file
}

func TestRoundTrip(t *testing.T) {
	eachStore(t, func(t *testing.T, open func() stores.TrackerStore) {
		from, f := open(), factory(t)
		fill(t, from, f)
		save(t, from, f, " \t/\\\"'%_*?é\U0001F600", user(1, "tab\tquote\" \u2028 \U0001F600", "greet", "rest"),
			&tracker.SlotSet{Base: at(2), Key: "no such: slot", Value: []any{int64(1), 1.0, 1e300, nil, true, value.NewMap("b", "2", "a", "1")}},
			&tracker.ReminderScheduled{Base: at(3), Intent: "greet", DateTime: "2031-01-02T03:04:00", Name: "r"})
		source := manage.New(manage.Config{Store: from})
		lines := exported(t, source, stores.Query{})
		require.Equal(t, 5, strings.Count(lines, "\n"))
		target := open()
		to := manage.New(manage.Config{Store: target})
		file := written(t, lines)

		done, err := to.Import(t.Context(), file, manage.ImportOptions{DryRun: true})
		require.NoError(t, err)
		require.Equal(t, manage.Imported{New: 4}, done)
		require.Equal(t, 1, strings.Count(exported(t, to, stores.Query{}), "\n"), "nothing was written")

		done, err = to.Import(t.Context(), file, manage.ImportOptions{})
		require.NoError(t, err)
		require.Equal(t, manage.Imported{New: 4}, done)
		require.Equal(t, lines, exported(t, to, stores.Query{}))

		done, err = to.Import(t.Context(), file, manage.ImportOptions{})
		require.NoError(t, err)
		require.Equal(t, manage.Imported{Same: 4}, done, "again")

		require.True(t, to.Delete(t.Context(), "Zoë\n").Verified)
		done, err = to.Import(t.Context(), file, manage.ImportOptions{})
		require.NoError(t, err)
		require.Equal(t, manage.Imported{New: 1, Same: 3}, done, "it goes on after an interruption")
		require.Equal(t, lines, exported(t, to, stores.Query{}))

		save(t, target, f, "ann", &tracker.ConversationPaused{Base: at(5000)})
		_, err = to.Import(t.Context(), file, manage.ImportOptions{})
		require.ErrorContains(t, err, file+`:3: the conversation "ann" is in the store with other events`)
		done, err = to.Import(t.Context(), file, manage.ImportOptions{Replace: true})
		require.NoError(t, err)
		require.Equal(t, manage.Imported{Replaced: 1, Same: 3}, done)
		require.Equal(t, lines, exported(t, to, stores.Query{}))

		require.Equal(t, 2, strings.Count(exported(t, to, stores.Query{Intent: "greet", Channel: "rest", Text: "good"}), "\n"))
	})
}

func TestImportRefuses(t *testing.T) {
	eachStore(t, func(t *testing.T, open func() stores.TrackerStore) {
		from := open()
		fill(t, from, factory(t))
		lines := strings.SplitAfter(exported(t, manage.New(manage.Config{Store: from}), stores.Query{}), "\n")[:4]
		join := func(l ...string) string { return strings.Join(l, "") }
		for name, c := range map[string]struct{ lines, want string }{
			"cut off":         {join(lines[:3]...), ":4: the last line with the totals is missing"},
			"one is missing":  {join(lines[0], lines[2], lines[3]), ":3: the totals are {Conversations:3"},
			"order":           {join(lines[1], lines[0], lines[2], lines[3]), ":4: the totals are"},
			"changed event":   {join(strings.Replace(lines[0], "soup", "soap", 1), lines[1], lines[2], lines[3]), `:1: the events of "Zoë\n" do not have the sha256`},
			"changed id":      {join(lines[0], strings.Replace(lines[1], `"ann"`, `"eve"`, 1), lines[2], lines[3]), ":4: the totals are"},
			"event removed":   {join(strings.Replace(lines[0], `"count": 2`, `"count": 3`, 1), lines[1], lines[2], lines[3]), `:1: "Zoë\n" has 2 events, but its count is 3`},
			"twice":           {join(lines[0], lines[0], lines[3]), `:2: the conversation "Zoë\n" is in line 1 already`},
			"after the end":   {join(lines[0], lines[1], lines[2], lines[3], lines[0]), ":5: something comes after the totals"},
			"no JSON":         {join(lines[0], "{\n", lines[3]), ":2: this is no JSON object"},
			"no conversation": {"{}\n", ":1: sender_id or events is missing"},
			"no event":        {`{"sender_id": "x", "events": [1]}`, `:1: event 0 of "x" is no object`},
			"unknown event":   {`{"sender_id": "x", "events": [{"event": "dance"}]}`, `:1: event 0 of "x": `},
			"obsolete event":  {`{"sender_id": "x", "events": [{"event": "topic"}]}`, `:1: event 0 of "x" is obsolete`},
			"bad totals":      {`{"conversations": "x"}`, ":1: the totals are no numbers"},
			"empty":           {"", ":1: the last line with the totals is missing"},
			"all mistakes":    {"{\n{}\n", ":2: sender_id or events is missing"},
		} {
			t.Run(name, func(t *testing.T) {
				store := open()
				file := written(t, c.lines)
				_, err := manage.New(manage.Config{Store: store}).Import(t.Context(), file, manage.ImportOptions{Replace: true})
				require.ErrorContains(t, err, file+c.want)
				ids, err := store.IDs(t.Context(), stores.Query{}, "", 0)
				require.NoError(t, err)
				require.Empty(t, ids, "nothing is written")
			})
		}
		_, err := manage.New(manage.Config{Store: open()}).Import(t.Context(), "nowhere.jsonl", manage.ImportOptions{})
		require.ErrorIs(t, err, os.ErrNotExist)
	})
}

func TestExportThatFails(t *testing.T) {
	eachStore(t, func(t *testing.T, open func() stores.TrackerStore) {
		s := open()
		fill(t, s, factory(t))
		oops := errors.New("broken on purpose")
		var b bytes.Buffer
		_, err := manage.New(manage.Config{Store: &broken{TrackerStore: s, load: oops}}).Export(t.Context(), stores.Query{}, &b)
		require.ErrorIs(t, err, oops)
		require.Contains(t, b.String(), `{"conversations": 0`, "the others would be there")
		b.Reset()
		_, err = manage.New(manage.Config{Store: &broken{TrackerStore: s, load: stores.ErrUnavailable}}).Export(t.Context(), stores.Query{}, &b)
		require.ErrorIs(t, err, stores.ErrUnavailable)
		require.Empty(t, b.String(), "no totals")
	})
}

// TestSessions checks that sessions are kept which the embedded store, for Rasa's sake, does not show.
func TestSessions(t *testing.T) {
	open := func() stores.TrackerStore {
		s, err := stores.Trackers.Build(component.Config{Name: "sqlite", Options: value.NewMap("path", filepath.Join(t.TempDir(), "c.db"))})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		return s
	}
	from, target, f := open(), open(), factory(t)
	for _, begin := range []float64{100, 200, 300} {
		save(t, from, f, "ann", &tracker.ActionExecuted{Base: at(begin), Name: "action_session_start"}, &tracker.SessionStarted{Base: at(begin + 1)},
			user(begin+2, "hello", "greet", "rest"))
	}
	lines := exported(t, manage.New(manage.Config{Store: from}), stores.Query{})
	require.Contains(t, lines, `"count": 9`)
	to := manage.New(manage.Config{Store: target})
	for _, want := range []manage.Imported{{New: 1}, {Same: 1}} {
		done, err := to.Import(t.Context(), written(t, lines), manage.ImportOptions{})
		require.NoError(t, err)
		require.Equal(t, want, done)
	}
	require.Equal(t, lines, exported(t, to, stores.Query{}))
	p := to.Delete(t.Context(), "ann")
	require.True(t, p.Verified)
	require.Equal(t, 9, p.Events)
	require.EqualValues(t, 9, p.Removed.Value("tracker_store"))
}
