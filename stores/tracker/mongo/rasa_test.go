//go:build rasa

package mongo_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/testservers"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/eventlog"
	"github.com/parleybot/parley/stores/tracker/mongo"
)

// rasa is a process with Rasa's store (conformance/stores/mongo.py serve), started with the Python that PARLEY_RASA_PYTHON
// names.
type rasa struct {
	t   *testing.T
	in  *bufio.Writer
	out *bufio.Reader
}

func startRasa(t *testing.T, db string) *rasa {
	t.Helper()
	python := os.Getenv("PARLEY_RASA_PYTHON")
	require.NotEmpty(t, python, "PARLEY_RASA_PYTHON must name the Python that Rasa 3.6.21 is installed in")
	cmd := exec.CommandContext(t.Context(), python, "../../../conformance/stores/mongo.py", "serve", testservers.Mongo(t), db, "testdata/domain.yml")
	cmd.Env = append(os.Environ(), "RASA_TELEMETRY_ENABLED=false")
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { in.Close(); _ = cmd.Wait() }) // the context's end may have killed it
	r := &rasa{t: t, in: bufio.NewWriter(in), out: bufio.NewReaderSize(out, 1<<20)}
	r.answer()
	return r
}

func (r *rasa) answer() any {
	r.t.Helper()
	for {
		line, err := r.out.ReadString('\n')
		require.NoError(r.t, err)
		if strings.ContainsAny(line[:1], `{"[0123456789n`) { // the rest are warnings
			v, err := value.DecodeString(line)
			require.NoError(r.t, err)
			return v
		}
	}
}

func (r *rasa) ask(order string) any {
	r.t.Helper()
	_, err := r.in.WriteString(order + "\n")
	require.NoError(r.t, err)
	require.NoError(r.t, r.in.Flush())
	return r.answer()
}

// TestRasaTakesTurns lets real Rasa and parley go on with the same conversations in turn.
func TestRasaTakesTurns(t *testing.T) {
	f := factory(t, "testdata/domain.yml")
	for name, c := range map[string]struct {
		mode   string
		events int
		// whole tells that Rasa sees the session from its beginning.
		whole bool
	}{
		"off":           {mongo.SegmentOff, 2000, true},
		"sessions":      {mongo.SegmentSessions, 20, true},
		"always":        {mongo.SegmentAlways, 20, false},
		"never reached": {mongo.SegmentAlways, 2000, true},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config(t)
			cfg.Segments, cfg.SegmentEvents = c.mode, c.events
			r := startRasa(t, cfg.DB)
			warm, cold := closing(t, eventlog.New(open(t, cfg), eventlog.Config{})), closing(t, eventlog.New(open(t, cfg), eventlog.Config{CacheEvents: -1}))
			for _, beginner := range []string{"rasa", "parley"} {
				var want []string // the texts of the running session
				all := 0
				for i := range 60 {
					switch who := (i + len(beginner)) % 2; {
					case i%25 == 24:
						r.ask("session " + beginner)
						want = nil
					case who == 0:
						text := fmt.Sprintf("Rasa %d", i)
						r.ask("turn " + beginner + " " + text)
						want, all = append(want, text), all+1
					default:
						text := fmt.Sprintf("parley %d", i)
						store := []stores.TrackerStore{warm, cold}[i/2%2]
						turn(t, store, f, beginner, text, float64(1795000000+i*100))
						want, all = append(want, text), all+1
					}
					require.Equal(t, want, texts(load(t, cold, f, beginner)), "turn %d", i)
					require.Equal(t, want, texts(load(t, warm, f, beginner)), "turn %d", i)
					seen := r.ask("read " + beginner).(*value.Map)
					compareWithRasa(t, seen, load(t, cold, f, beginner), c.whole)
				}
				conv, err := cold.LoadAll(t.Context(), f, beginner)
				require.NoError(t, err)
				require.Len(t, texts(conv.Tracker), all)
				require.Equal(t, int64(1), r.ask("documents "+beginner))
				moved, err := database(t, cfg).Collection("conversations_segments").CountDocuments(t.Context(), bson.D{{Key: "sender_id", Value: beginner}})
				require.NoError(t, err)
				require.Equal(t, c.events == 20, moved > 0)
			}
		})
	}
}

// compareWithRasa checks that Rasa has the same session, or at least its end and the same state.
func compareWithRasa(t *testing.T, seen *value.Map, tr *tracker.Tracker, whole bool) {
	t.Helper()
	state := seen.Map("state")
	for _, key := range []string{"slots", "active_loop", "latest_action_name", "latest_message", "latest_event_time", "paused"} {
		require.Equal(t, asJSON(t, state.Value(key)), asJSON(t, tr.CurrentState(tracker.EventsNone).Value(key)), key)
	}
	events := seen.List("retrieve")
	mine := tr.Events()
	if !whole {
		n := min(len(events), len(mine), 5)
		events, mine = events[len(events)-n:], mine[len(mine)-n:]
	}
	require.Equal(t, asJSON(t, events), asJSON(t, mine))
}
