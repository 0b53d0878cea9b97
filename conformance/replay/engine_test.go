package replay

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/dialogue"
	"github.com/parleybot/parley/dialogue/nlg"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
	lockmemory "github.com/parleybot/parley/stores/lock/memory"
	timermemory "github.com/parleybot/parley/stores/timer/memory"
	trackermemory "github.com/parleybot/parley/stores/tracker/memory"
)

// clock is told; timers run when it passes them.
type clock struct {
	mu     sync.Mutex
	now    time.Time
	timers []*timer
	// settle waits for what runs meanwhile.
	settle func()
}

type timer struct {
	due  time.Time
	f    func()
	gone bool
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(time.Microsecond)
	return c.now
}

func (c *clock) AfterFunc(d time.Duration, f func()) func() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &timer{due: c.now.Add(d), f: f}
	c.timers = append(c.timers, t)
	return func() bool { c.mu.Lock(); defer c.mu.Unlock(); t.gone = true; return true }
}

func (c *clock) Sleep(d time.Duration) {
	const step = 50 * time.Millisecond
	for ; d > 0; d -= step {
		c.mu.Lock()
		c.now = c.now.Add(min(d, step))
		var due []func()
		for _, t := range c.timers {
			if !t.gone && !t.due.After(c.now) {
				t.gone = true
				due = append(due, t.f)
			}
		}
		c.mu.Unlock()
		for _, f := range due {
			f()
		}
		if c.settle != nil {
			c.settle()
		}
	}
}

// engine is a Target for the dialogue engine without any server around it.
type engine struct{ p *dialogue.Processor }

type output string

func (o output) Name() string { return string(o) }

func (output) Send(context.Context, string, *value.Map) error { return nil }

func (e engine) Call(ctx context.Context, method, path string, body any) (int, any, error) {
	u, err := url.Parse(path)
	if err != nil {
		return 0, nil, err
	}
	m, _ := body.(*value.Map)
	if u.Path == "/webhooks/rest/webhook" {
		err := e.p.Handle(ctx, &channels.UserMessage{
			Text: value.Strip(m.String("message")), SenderID: m.String("sender"), InputChannel: "rest",
			Metadata: m.Map("metadata"), Output: output("collector"),
		})
		return http.StatusOK, err, nil
	}
	rest, ok := strings.CutPrefix(u.Path, "/conversations/")
	if !ok {
		return http.StatusOK, nil, nil // nothing the engine has a part in
	}
	sender, what, _ := strings.Cut(rest, "/")
	return e.conversation(ctx, method+" "+what, sender, m, body)
}

func (e engine) conversation(ctx context.Context, what, sender string, m *value.Map, body any) (int, any, error) {
	out := func(*tracker.Tracker) channels.Output { return output("collector") }
	var t *tracker.Tracker
	var err error
	switch what {
	case "GET tracker":
		t, err = e.p.FullTracker(ctx, sender)
	case "POST tracker/events", "PUT tracker/events":
		events, ok := eventsOf(body)
		if !ok {
			return http.StatusBadRequest, nil, nil
		}
		if what == "PUT tracker/events" {
			t, err = e.p.ReplaceEvents(ctx, sender, events)
		} else {
			t, err = e.p.AppendEvents(ctx, sender, events, nil)
		}
	case "POST trigger_intent":
		t, _, err = e.p.TriggerIntent(ctx, sender, m.String("name"), m.Value("entities"), out)
		if errors.Is(err, dialogue.ErrUnknownIntent) {
			return http.StatusNotFound, nil, nil
		}
	case "POST execute":
		confidence, _ := value.ToFloat(m.Value("confidence"))
		t, _, err = e.p.Execute(ctx, sender, m.String("name"), m.String("policy"), confidence, out)
		if errors.Is(err, dialogue.ErrUnknownAction) {
			return http.StatusInternalServerError, nil, nil
		}
	case "POST messages":
		t, err = e.p.AppendMessage(ctx, &channels.UserMessage{SenderID: sender, Text: m.String("text"), ParseData: m.Map("parse_data")})
	case "POST predict":
		return http.StatusOK, nil, nil // the oracle knows no scores
	default:
		return 0, nil, fmt.Errorf("no such request: %s", what)
	}
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, t.CurrentState(tracker.EventsAll), nil
}

// eventsOf reads the events of a request, one or a list; false when one of them is none.
func eventsOf(body any) ([]tracker.Event, bool) {
	items, isList := body.([]any)
	if !isList {
		items = []any{body}
	}
	events := make([]tracker.Event, len(items))
	for i, item := range items {
		m, _ := item.(*value.Map)
		event, err := tracker.EventFromMap(m)
		if err != nil {
			return nil, false
		}
		events[i] = event
	}
	return events, true
}

// TestEngine replays recorded conversations on the dialogue engine alone, with parses and predictions as recorded. The
// bots from 20 on are left to TestStack: they are told things that only the API and real policies have an answer to.
func TestEngine(t *testing.T) {
	for _, file := range recordings(t, "[01]*") {
		bot := strings.TrimSuffix(filepath.Base(file), ".jsonl.gz")
		t.Run(bot, func(t *testing.T) {
			t.Parallel()
			engineBot(t, file, filepath.Join("../bots", bot))
		})
	}
}

func engineBot(t *testing.T, file, dir string) {
	conversations, err := Load(file)
	require.NoError(t, err)
	d := loadDomain(t, dir)
	o := newOracle(d, conversations)
	c := &clock{now: time.Now()}
	stub := &Stub{Now: c.Now}
	p := dialogue.New(dialogue.Config{
		Store: trackermemory.New(), Locks: lockmemory.New(), Timers: timermemory.New(), Actions: runner{stub}, Now: c.Now, AfterFunc: c.AfterFunc,
	})
	t.Cleanup(p.Close)
	c.settle = p.Settle
	p.SetModel(dialogue.NewModel(dialogue.ModelSpec{
		ID: "model", AssistantID: conversations[0].assistant(), Domain: d, NLU: o, Policies: o, NLG: nlg.NewTemplated(d, nil),
	}))
	same, shown := 0, 0
	for _, recorded := range conversations {
		player := &Player{Target: engine{p}, Stub: stub, Sleep: c.Sleep, OnlyEvents: true}
		if err := player.Replay(t.Context(), recorded); err == nil {
			same++
		} else if shown++; shown <= maxShown {
			t.Errorf("%s: %v", recorded.Name, err)
		}
	}
	t.Logf("identical %d of %d conversations", same, len(conversations))
}

// assistant returns the assistant_id in the metadata of the first event.
func (c *Conversation) assistant() string {
	for _, t := range c.Turns {
		for _, e := range maps(t.List("events")) {
			return e.Map("metadata").String("assistant_id")
		}
	}
	return ""
}

func loadDomain(t *testing.T, dir string) *project.Domain {
	t.Helper()
	d, problems := project.LoadDomain(domainPath(dir))
	require.NoError(t, problems.Err())
	return d
}

// recordings returns the recorded bots whose names match pattern.
func recordings(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob("../recorded/" + pattern + ".jsonl.gz")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return files
}
