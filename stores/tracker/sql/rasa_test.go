//go:build rasa

package sql

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// rasa is a process that has a real SQLTrackerStore, see conformance/stores/sql_tracker.py. It runs in the Python of
// PARLEY_RASA_PYTHON, which needs Rasa 3.6.21 and PyMySQL.
type rasa struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Reader
}

func startRasa(t *testing.T, p place) *rasa {
	t.Helper()
	python := os.Getenv("PARLEY_RASA_PYTHON")
	require.NotEmpty(t, python, "PARLEY_RASA_PYTHON must name the Python that Rasa is installed in")
	address := map[string]string{"postgresql": "postgresql", "mysql": "mysql+pymysql"}[p.dialect]
	if p.dialect == "sqlite" {
		address = "sqlite:///" + p.options[3].(string)
	} else {
		_, rest, _ := strings.Cut(p.options[1].(string), "://")
		address += "://" + rest
	}
	cmd := exec.Command(python, "../../../conformance/stores/sql_tracker.py", "serve", address, "testdata/domain.yml") //nolint:gosec,noctx // a test's
	cmd.Env = append(os.Environ(), "RASA_TELEMETRY_ENABLED=false")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		require.NoError(t, in.Close())
		require.NoError(t, cmd.Wait())
	})
	r := &rasa{t, in, bufio.NewReaderSize(out, 1<<20)}
	require.Equal(t, "ready", r.answer())
	return r
}

func (r *rasa) answer() any {
	r.t.Helper()
	for {
		line, err := r.out.ReadString('\n')
		require.NoError(r.t, err)
		if v, err := value.DecodeString(line); err == nil { // warnings of libraries come this way, too
			return v
		}
	}
}

func (r *rasa) do(order ...any) any {
	r.t.Helper()
	_, err := fmt.Fprintf(r.in, "%s\n", value.Encode(order, value.JSON))
	require.NoError(r.t, err)
	return r.answer()
}

func all(t *testing.T, s stores.TrackerStore, f *tracker.Factory, id string) []tracker.Event {
	t.Helper()
	conv, err := s.LoadAll(t.Context(), f, id)
	require.NoError(t, err)
	return conv.Tracker.Events()
}

// TestWithRasa lets a real Rasa node and two parley nodes take turns in one conversation; all see the same.
func TestWithRasa(t *testing.T) {
	eachDatabase(t, func(t *testing.T, p place) {
		f, nodes := factory(t), []stores.TrackerStore{p.open(t), p.open(t)}
		r := startRasa(t, p)
		r.do("session", "u")
		count := 3
		for n := range 24 {
			if n%3 == 0 {
				order := "turn"
				if n == 12 {
					order, count = "session", count-4
				}
				r.do(order, "u", fmt.Sprint("Rasa ", n))
				count += 7
			} else {
				list := all(t, nodes[0], f, "u")
				at := list[len(list)-1].Meta().Timestamp
				added := []tracker.Event{executed(at+1, "action_book"), executed(at+2, "action_listen")}
				if n%8 == 7 {
					added = []tracker.Event{executed(at+1, "action_session_start"), &tracker.SessionStarted{Base: tracker.Base{Timestamp: at + 2}}}
				}
				require.NoError(t, add(t.Context(), nodes[n%2], f, "u", "", added...))
				count += 2
			}
			got := r.do("read", "u").(*value.Map)
			for _, s := range nodes {
				require.Len(t, all(t, s, f, "u"), count)
				requireEvents(t, got.Value("full"), all(t, s, f, "u"))
				conv, err := s.Load(t.Context(), f, "u")
				require.NoError(t, err)
				want := got.Value("retrieve").([]any)
				if p.dialect == "mysql" { // see Log.Cut
					want = want[len(want)-len(conv.Tracker.Events()):]
				}
				requireEvents(t, want, conv.Tracker.Events())
			}
		}
		require.Equal(t, []any{"u"}, r.do("keys"))

		// A Rasa node whose lock ran out writes late. Its own first events are gone, as beside other Rasa nodes; those of
		// parley stay, and parley sees what came.
		r.do("hold", "u")
		before := all(t, nodes[0], f, "u")
		at := before[len(before)-1].Meta().Timestamp
		require.NoError(t, add(t.Context(), nodes[0], f, "u", "", executed(at+1, "action_book"), executed(at+2, "action_listen")))
		r.do("late", "u", "too late")
		got := all(t, nodes[0], f, "u")
		require.Len(t, got, len(before)+2+5)
		require.Equal(t, maps(got[:len(before)]), maps(before))
		require.NoError(t, add(t.Context(), nodes[1], f, "u", "", executed(at+100, "action_listen")))
		requireEvents(t, r.do("read", "u").(*value.Map).Value("full"), all(t, nodes[0], f, "u"))
	})
}
