//go:build rasa

package dynamo

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/testservers"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/eventlog"
)

// rasa is a process that has a real DynamoTrackerStore, see conformance/stores/dynamo.py.
type rasa struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Reader
}

// startRasa runs the Python of PARLEY_RASA_PYTHON, in which Rasa 3.6.21 is installed.
func startRasa(t *testing.T, table string) *rasa {
	t.Helper()
	python := os.Getenv("PARLEY_RASA_PYTHON")
	require.NotEmpty(t, python, "PARLEY_RASA_PYTHON must name the Python that Rasa is installed in")
	cmd := exec.Command(python, "../../../conformance/stores/dynamo.py", "serve", testservers.DynamoDB(t), table) //nolint:noctx // it ends with its input
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

func (r *rasa) ask(format string, args ...any) any {
	r.t.Helper()
	_, err := fmt.Fprintf(r.in, format+"\n", args...)
	require.NoError(r.t, err)
	return r.answer()
}

// Two nodes of parley and one of Rasa take turns, while the item is cut again and again: no turn is lost, and Rasa's view is
// the end of parley's, with the same slots.
func TestTurnsWithRasa(t *testing.T) {
	for name, bytes := range map[string]int{"whole": 0, "segments": 12_000} {
		t.Run(name, func(t *testing.T) {
			table := testservers.Name(t)
			r := startRasa(t, table)
			open := func() *eventlog.Store {
				return eventlog.New(Open(Config{Client: client(t), Table: table, SegmentBytes: bytes}), eventlog.Config{})
			}
			nodes := []*eventlog.Store{open(), open()}
			c := &conversation{t: t, f: factory(t), id: "u", clock: 1_795_100_000}
			r.ask("session u")
			var want []string
			for i := range 45 {
				message := fmt.Sprintf("turn %d", i)
				want = append(want, message)
				if i%3 == 0 {
					r.ask("turn u %s", message)
					continue
				}
				if i == 20 || i == 31 {
					r.ask("session u")
				}
				node := nodes[i%3-1]
				conv, err := node.Load(t.Context(), c.f, "u")
				require.NoError(t, err)
				turn := stores.Turn{Tracker: conv.Tracker, Known: len(conv.Tracker.Events()), At: conv.At, ID: message, Deliver: true}
				conv.Tracker.UpdateAll(c.says(message))
				_, err = node.Save(t.Context(), turn)
				require.NoError(t, err)
			}
			var all []string
			conv, err := open().LoadAll(t.Context(), c.f, "u")
			require.NoError(t, err)
			for _, e := range conv.Tracker.Events() {
				if u, ok := e.(*tracker.UserUttered); ok {
					all = append(all, u.Text)
				}
			}
			require.Equal(t, want, all)
			require.Len(t, conv.Tracker.Events(), 3*3+15*7+30*6)
			require.Len(t, conv.Unsettled, 30)

			view, ok := r.ask("read u").(*value.Map)
			require.True(t, ok)
			rasas := view.List("retrieve")
			events := conv.Tracker.Events()
			last, ok := rasas[len(rasas)-1].(*value.Map)
			require.True(t, ok)
			require.InDelta(t, events[len(events)-1].Meta().Timestamp, last.Value("timestamp"), 1e-6)
			if bytes == 0 {
				require.Len(t, rasas, len(events))
			} else {
				require.Less(t, len(rasas), len(events))
			}
			requireSameState(t, c.f, events, view)
		})
	}
}
