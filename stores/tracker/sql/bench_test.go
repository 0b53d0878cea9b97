package sql

import (
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/testservers"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/eventlog"
)

// turnEvents are those of a usual turn: seven rows of 2.2 kB.
func turnEvents(at float64) []tracker.Event {
	meta := value.NewMap("model_id", "d6bdc5ca0e114ca280b9e3ba28b33184", "assistant_id", "bench")
	base := func() tracker.Base {
		at += 0.001
		return tracker.Base{Timestamp: at, Metadata: meta}
	}
	parse := value.NewMap("text", "I want to go to Rome", "intent", value.NewMap("name", "inform", "confidence", 0.98),
		"entities", []any{value.NewMap("entity", "city", "value", "Rome", "start", int64(16), "end", int64(20))})
	said := tracker.NewUserUttered("I want to go to Rome", parse, "rest", "49a7867964af460a92547f58e1a98090", nil)
	said.Base = base()
	return []tracker.Event{
		said,
		&tracker.SlotSet{Base: base(), Key: "city", Value: "Rome"},
		&tracker.DefinePrevUserUtteredFeaturization{Base: base()},
		&tracker.ActionExecuted{Base: base(), Name: "utter_city", Policy: "RulePolicy", Confidence: 1},
		&tracker.BotUttered{Base: base(), Text: "You said Rome", Data: value.NewMap("buttons", nil, "custom", nil)},
		&tracker.ActionExecuted{Base: base(), Name: tracker.ActionListen, Policy: "RulePolicy", Confidence: 1},
	}
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func benchStore(b *testing.B, options ...any) (stores.TrackerStore, *tracker.Factory) {
	b.Helper()
	s, err := stores.Trackers.Build(component.Config{Name: "sql", Options: value.NewMap(options...)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	d, problems := project.ParseDomain([]byte("version: \"3.1\"\nintents: [inform]\nslots:\n  city: {type: text, mappings: [{type: custom}]}\n"), "domain.yml")
	if err := problems.Err(); err != nil {
		b.Fatal(err)
	}
	return s, tracker.NewFactory(d)
}

// turn reads a conversation and adds a turn to it.
func turn(b *testing.B, s stores.TrackerStore, f *tracker.Factory, id string, at float64) {
	conv, err := s.Load(b.Context(), f, id)
	if err != nil {
		b.Error(err)
		return
	}
	if conv.Tracker == nil {
		conv.Tracker = f.New(id)
	}
	t := stores.Turn{Tracker: conv.Tracker, Known: len(conv.Tracker.Events()), At: conv.At}
	conv.Tracker.UpdateAll(turnEvents(at))
	if _, err := s.Save(b.Context(), t); err != nil {
		b.Error(err)
	}
}

// BenchmarkTurn measures a turn, read and write, of conversations that go on side by side.
func BenchmarkTurn(b *testing.B) {
	for name, options := range map[string]func(b *testing.B) []any{
		"sqlite-full": func(b *testing.B) []any { return []any{"db", filepath.Join(b.TempDir(), "rasa.db")} },
		"sqlite-normal": func(b *testing.B) []any {
			return []any{"db", filepath.Join(b.TempDir(), "rasa.db"), "synchronous", "normal"}
		},
		"postgresql": func(b *testing.B) []any { return []any{"url", testservers.Postgres(b)} },
		"mariadb":    func(b *testing.B) []any { return []any{"url", testservers.MariaDB(b)} },
	} {
		for _, parallel := range []int{1, 32} {
			b.Run(fmt.Sprintf("%s/%d", name, parallel), func(b *testing.B) {
				s, f := benchStore(b, options(b)...)
				for i := range parallel {
					turn(b, s, f, fmt.Sprint("user ", i), 1e9)
				}
				runTurns(b, parallel, func(user, n int) { turn(b, s, f, fmt.Sprint("user ", user), 1e9+float64(n)) })
			})
		}
	}
}

// runTurns runs b.N turns by so many users and reports the CPU that this process took and how long a turn
// lasted.
func runTurns(b *testing.B, parallel int, turn func(user, n int)) {
	var next atomic.Int64
	waits := make([]time.Duration, b.N)
	b.ResetTimer()
	before := cpuTime()
	var done sync.WaitGroup
	for user := range parallel {
		done.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				start := time.Now()
				turn(user, int(n))
				waits[n-1] = time.Since(start)
			}
		})
	}
	done.Wait()
	b.ReportMetric(float64((cpuTime()-before).Microseconds())/float64(b.N), "cpu-us/turn")
	slices.Sort(waits)
	b.ReportMetric(float64(waits[len(waits)/2].Microseconds()), "median-us")
}

// BenchmarkLength measures a turn of conversations of several lengths.
func BenchmarkLength(b *testing.B) {
	for name, options := range map[string]func(b *testing.B) []any{
		"sqlite": func(b *testing.B) []any {
			return []any{"db", filepath.Join(b.TempDir(), "rasa.db"), "synchronous", "normal"}
		},
		"postgresql": func(b *testing.B) []any { return []any{"url", testservers.Postgres(b)} },
		"mariadb":    func(b *testing.B) []any { return []any{"url", testservers.MariaDB(b)} },
	} {
		s, f := benchStore(b, options(b)...)
		for _, events := range []int{10, 1000, 20000} {
			id := fmt.Sprint("length ", events)
			tr := f.New(id)
			for n := 0; len(tr.Events()) < events; n++ {
				tr.UpdateAll(turnEvents(1e9 + float64(n)))
			}
			if _, err := s.Save(b.Context(), stores.Turn{Tracker: tr}); err != nil {
				b.Fatal(err)
			}
			time.Sleep(time.Second) // the index of long conversations is made
			b.Run(fmt.Sprintf("%s/%d", name, events), func(b *testing.B) {
				turn(b, s, f, id, 2e9)
				runTurns(b, 1, func(_, n int) { turn(b, s, f, id, 2e9+float64(n)) })
			})
		}
	}
}

// BenchmarkOpen measures the start with a file that is not there yet and with one that is.
func BenchmarkOpen(b *testing.B) {
	for _, fresh := range []bool{true, false} {
		b.Run(fmt.Sprintf("fresh=%v", fresh), func(b *testing.B) {
			dir := b.TempDir()
			for i := range b.N {
				path := filepath.Join(dir, "c.db")
				if fresh {
					path = filepath.Join(dir, fmt.Sprint(i), "c.db")
				}
				s, err := OpenFile(path, true, eventlog.Config{}, component.Env{})
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}
