//go:build benchstores

package stores

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
	_ "github.com/parleybot/parley/standard"
	"github.com/parleybot/parley/stores"
)

// domain is that of all conversations.
const domain = "version: \"3.1\"\nintents: [inform]\nslots:\n  city: {type: text, mappings: [{type: custom}]}\n"

// order is what a worker is told, a line of JSON; rasa_stores.py understands the same.
type order struct {
	// Do is "open", "grow" or "turns".
	Do string `json:"do"`
	// Store and Options are those of endpoints.yml, for open.
	Store   string         `json:"store,omitempty"`
	Options map[string]any `json:"options,omitempty"`
	// Senders are the conversations. grow gives each of them Events events, in sessions of sessionTurns turns if Sessions is
	// true; turns adds Turns turns to each, but stops after Seconds.
	Senders  []string `json:"senders,omitempty"`
	Events   int      `json:"events,omitempty"`
	Sessions bool     `json:"sessions,omitempty"`
	Turns    int      `json:"turns,omitempty"`
	Seconds  float64  `json:"seconds,omitempty"`
}

// answer is what a worker says: a line of JSON.
type answer struct {
	Error string `json:"error,omitempty"`
	// Turns were done, in CPU and Wall microseconds.
	Turns int     `json:"turns"`
	CPU   float64 `json:"cpu"`
	Wall  float64 `json:"wall"`
}

const (
	// sessionTurns is how long sessions are, growTurns how many turns are saved at once while a conversation grows.
	sessionTurns, growTurns = 20, 100
	firstTime               = 1.7e9
)

// worker does orders of the test in a process of its own.
type worker struct {
	store   stores.TrackerStore
	factory *tracker.Factory
	now     float64
}

// work reads orders and answers them until there are no more.
func work(in io.Reader, out io.Writer) error {
	d, problems := project.ParseDomain([]byte(domain), "domain.yml")
	if err := problems.Err(); err != nil {
		return err
	}
	w := &worker{factory: tracker.NewFactory(d), now: firstTime}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		var o order
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			return err
		}
		a, err := w.do(context.Background(), &o)
		if err != nil {
			a.Error = err.Error()
		}
		if err := json.NewEncoder(out).Encode(a); err != nil {
			return err
		}
	}
	return lines.Err()
}

func (w *worker) do(ctx context.Context, o *order) (answer, error) {
	switch o.Do {
	case "open":
		return answer{}, w.open(o)
	case "grow":
		for _, id := range o.Senders {
			if err := w.grow(ctx, id, o.Events, o.Sessions); err != nil {
				return answer{}, err
			}
		}
		return answer{}, nil
	case "turns":
		return w.turns(ctx, o)
	}
	return answer{}, fmt.Errorf("unknown order %q", o.Do)
}

// open makes another node of the worker.
func (w *worker) open(o *order) (err error) {
	if w.store != nil {
		if err := w.store.Close(); err != nil {
			return err
		}
	}
	m := value.NewMap()
	for key, v := range o.Options {
		if n, ok := v.(float64); ok {
			v = int64(n)
		}
		m.Set(key, v)
	}
	w.store, err = stores.Trackers.Build(component.Config{Name: o.Store, Options: m})
	return err
}

func (w *worker) base() tracker.Base {
	w.now += 0.125
	return tracker.Base{Timestamp: w.now, Metadata: value.NewMap("model_id", "d6bdc5ca0e114ca280b9e3ba28b33184", "assistant_id", "bench")}
}

func (w *worker) session() []tracker.Event {
	return []tracker.Event{
		&tracker.ActionExecuted{Base: w.base(), Name: tracker.ActionSessionStart, Confidence: 1},
		&tracker.SessionStarted{Base: w.base()},
		&tracker.ActionExecuted{Base: w.base(), Name: tracker.ActionListen, Confidence: tracker.NoConfidence},
	}
}

// turn is what a turn adds; rasa_stores.py adds the same.
func (w *worker) turn() []tracker.Event {
	const text = "I want to go to Rome"
	parse := value.NewMap("text", text, "intent", value.NewMap("name", "inform", "confidence", 0.98),
		"entities", []any{value.NewMap("entity", "city", "value", "Rome", "start", int64(16), "end", int64(20))})
	said := tracker.NewUserUttered(text, parse, "rest", "49a7867964af460a92547f58e1a98090", nil)
	said.Base = w.base()
	return []tracker.Event{
		said,
		&tracker.SlotSet{Base: w.base(), Key: "city", Value: "Rome"},
		&tracker.DefinePrevUserUtteredFeaturization{Base: w.base()},
		&tracker.ActionExecuted{Base: w.base(), Name: "utter_city", Policy: "RulePolicy", Confidence: 1},
		&tracker.BotUttered{Base: w.base(), Text: "You said Rome", Data: value.NewMap("buttons", nil, "custom", nil)},
		&tracker.ActionExecuted{Base: w.base(), Name: tracker.ActionListen, Policy: "RulePolicy", Confidence: 1},
	}
}

// grow makes a conversation of about as many events, as bots do: turn by turn, though many are saved at once.
func (w *worker) grow(ctx context.Context, id string, events int, sessions bool) error {
	stored, turns := 0, 0
	for stored < events {
		var added []tracker.Event
		for n := 0; n < growTurns && stored+len(added) < events; n++ {
			if turns == 0 || sessions && turns%sessionTurns == 0 {
				added = append(added, w.session()...)
			}
			turns++
			added = append(added, w.turn()...)
		}
		if err := w.add(ctx, id, added); err != nil {
			return err
		}
		stored += len(added)
	}
	return nil
}

// add loads a conversation and saves it with more events.
func (w *worker) add(ctx context.Context, id string, events []tracker.Event) error {
	conv, err := w.store.Load(ctx, w.factory, id)
	if err != nil {
		return err
	}
	t := conv.Tracker
	if t == nil {
		t = w.factory.New(id)
	}
	known := len(t.Events())
	t.UpdateAll(events)
	_, err = w.store.Save(ctx, stores.Turn{Tracker: t, Known: known, At: conv.At})
	return err
}

func (w *worker) turns(ctx context.Context, o *order) (answer, error) {
	began, cpu, done := time.Now(), cpuTime(), 0
	for range o.Turns {
		for _, id := range o.Senders {
			if err := w.add(ctx, id, w.turn()); err != nil {
				return answer{}, err
			}
			if done++; time.Since(began).Seconds() > o.Seconds {
				return answer{Turns: done, CPU: micros(cpuTime() - cpu), Wall: micros(time.Since(began))}, nil
			}
		}
	}
	return answer{Turns: done, CPU: micros(cpuTime() - cpu), Wall: micros(time.Since(began))}, nil
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// cpuTime is what the process has used so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// median of figures.
func median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}

// workerVariable turns the test's binary into a worker.
const workerVariable = "PARLEY_BENCH_WORKER"

func init() {
	if os.Getenv(workerVariable) == "" {
		return
	}
	if err := work(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}
