package dialogue

import (
	"fmt"
	"github.com/stretchr/testify/require"
	"log/slog"
	"runtime"
	"testing"

	"github.com/parleybot/parley/channels"
)

// drop is an output that forgets.
type drop struct{ silent }

func benchmarkTurn(b *testing.B, history int) {
	bench := newBench(b, testDomain, map[string]string{"greet": "utter_greet"}, func(c *Config) {
		c.Now = nil
		c.Logger = slog.New(slog.DiscardHandler)
	})
	bench.runner.do = nil
	for range history {
		bench.say("greet")
	}
	bench.runner.calls = nil
	b.ReportAllocs()
	msg := &channels.UserMessage{Text: "greet", SenderID: "u", InputChannel: "rest", Output: drop{}}
	for b.Loop() {
		if err := bench.Handle(b.Context(), msg); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTurn(b *testing.B) {
	for _, history := range []int{10, 5000} {
		b.Run(fmt.Sprint("after ", history), func(b *testing.B) { benchmarkTurn(b, history) })
	}
}

// TestMemoryPerEvent keeps the size of stored conversations in view.
func TestMemoryPerEvent(t *testing.T) {
	const turns, limit = 2000, 400
	b := newBench(t, testDomain, map[string]string{"greet": "utter_greet"})
	b.SetModel(NewModel(ModelSpec{ID: "m1", AssistantID: "a1", Domain: b.model.Domain, NLU: parser{}, NLG: responses{},
		Policies: plan{b.model.Domain, map[string]string{"greet": "utter_greet"}, true}}))
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	b.say("greet")
	b.runner.calls = make([]string, 0, 2*turns)
	before := heap()
	for range turns {
		require.NoError(t, b.Handle(t.Context(), &channels.UserMessage{Text: "greet", SenderID: "u", Output: drop{}}))
	}
	perEvent := float64(heap()-before) / float64(len(b.stored()))
	runtime.KeepAlive(b)
	require.Less(t, perEvent, float64(limit), "bytes")
	t.Logf("%.0f bytes an event", perEvent)
}
