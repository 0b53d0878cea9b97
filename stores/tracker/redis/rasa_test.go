//go:build rasa

package redis_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
)

// rasa is a process that has a real RedisTrackerStore, see conformance/stores/redis_tracker.py.
type rasa struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Reader
}

// startRasa runs the Python of PARLEY_RASA_PYTHON, in which Rasa 3.6.21 is installed.
func startRasa(t *testing.T, w *world) *rasa {
	t.Helper()
	python := os.Getenv("PARLEY_RASA_PYTHON")
	require.NotEmpty(t, python, "PARLEY_RASA_PYTHON must name the Python that Rasa is installed in")
	host, port, err := net.SplitHostPort(w.addr)
	require.NoError(t, err)
	cmd := exec.Command(python, "../../../conformance/stores/redis_tracker.py", "serve", host, port, w.prefix, "testdata/domain.yml")
	cmd.Env = append(os.Environ(), "RASA_TELEMETRY_ENABLED=false")
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

// TestWithRasa lets a real Rasa node and two parley nodes take turns.
func TestWithRasa(t *testing.T) {
	for name, more := range map[string][]any{
		"off":      {"segments", "off"},
		"sessions": {"segment_events", int64(40)},
		"always":   {"segments", "always", "segment_events", int64(40)},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, more...)
			w.clock = 1795000000 // later than what the script's clock shows at first
			s, other := w.node(), w.node()
			r := startRasa(t, w)
			r.do("session", "u")
			count, summaries := 3, 0
			for n := range 30 {
				before := ""
				if n > 0 {
					before = w.value()
				}
				switch n % 3 {
				case 0:
					r.do("turn", "u", fmt.Sprint("Rasa ", n))
					count += 7
					kept, _, _ := strings.Cut(before, `], "name": "u"}`)
					require.True(t, strings.HasPrefix(w.value(), kept), "Rasa writes what it read as it was")
				case 1:
					w.later()
					w.save(s, w.clock.turn(fmt.Sprint("parley ", n))...)
					count += 6
				case 2:
					w.later()
					added := w.clock.turn(fmt.Sprint("other ", n))
					if n%9 == 8 {
						added = append(w.clock.session(), added...)
					}
					w.save(other, added...)
					count += len(added)
				}
				got := r.do("read", "u").(*value.Map)
				last := w.load(s).Tracker
				seen := got.Value("retrieve").([]any)
				if name == "always" {
					summaries += strings.Count(w.value(), "parley_summary")
					w.requireSameEnd(seen, last.Events())
				} else {
					requireEvents(t, seen, last.Events())
				}
				state := got.Value("state").(*value.Map)
				require.Equal(t, string(value.Encode(last.SlotValues(), value.SortKeys)), string(value.Encode(slotsOf(state, last), value.SortKeys)))
				require.Len(t, w.all(w.node()), count)
				if name == "off" {
					requireEvents(t, got.Value("full"), w.all(other))
				}
			}
			require.Equal(t, []any{w.key()}, r.do("keys"))
			require.Equal(t, name == "always", summaries > 0)
		})
	}
}

// later sets the clock behind the last event, since Rasa merges by time.
func (w *world) later() {
	events := w.inRasasKey()
	w.clock = max(w.clock, clock(events[len(events)-1].Meta().Timestamp))
}

// requireSameEnd compares the events behind a summary.
func (w *world) requireSameEnd(seen []any, events []tracker.Event) {
	w.t.Helper()
	for len(seen) > 0 && strings.Contains(string(value.Encode(seen[0], value.JSON)), "parley_summary") {
		seen = seen[1:]
	}
	require.LessOrEqual(w.t, len(seen), len(events))
	requireEvents(w.t, seen, events[len(events)-len(seen):])
}

// slotsOf are the slots in Rasa's state that the tracker has, too: session_started_metadata is only in a running bot's domain.
func slotsOf(state *value.Map, tr *tracker.Tracker) *value.Map {
	slots := value.NewMap()
	for name, v := range state.Value("slots").(*value.Map).All() {
		if tr.HasSlot(name) {
			slots.Set(name, v)
		}
	}
	return slots
}

// TestLateRealRasa lets Rasa retrieve a conversation, a parley node add a turn, and Rasa save then: Rasa merges, so both
// turns are kept, and the parley node reads them.
func TestLateRealRasa(t *testing.T) {
	w := newWorld(t)
	s := w.node()
	r := startRasa(t, w)
	r.do("session", "u")
	r.do("turn", "u", "first")
	r.do("hold", "u")
	stale := w.turn(s, w.clock.turn("never")...)
	w.later()
	w.save(s, w.clock.turn("parley")...)
	r.do("late", "u", "late")
	require.Len(t, w.load(s).Tracker.Events(), 3+7+6+7)
	requireEvents(t, r.do("read", "u").(*value.Map).Value("retrieve"), w.load(s).Tracker.Events())
	_, err := s.Save(t.Context(), stale)
	require.Error(t, err)
}
