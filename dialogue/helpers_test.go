package dialogue

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/actions"
	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/dialogue/policy"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
	lockmemory "github.com/parleybot/parley/stores/lock/memory"
	timermemory "github.com/parleybot/parley/stores/timer/memory"
	trackermemory "github.com/parleybot/parley/stores/tracker/memory"
)

const testDomain = `
version: "3.1"
session_config: {session_expiration_time: 60, carry_over_slots_to_new_session: true}
intents: [greet, order, inform, chitchat, ask, stop, nlu_fallback, out_of_scope, restart, back]
entities: [dish, city: {roles: [from, to]}]
slots:
  dish:
    type: text
    mappings: [{type: from_entity, entity: dish}]
  size:
    type: text
    mappings: [{type: from_text, conditions: [{active_loop: order_form, requested_slot: size}]}]
  guests:
    type: list
    mappings: [{type: from_entity, entity: city}]
  mood:
    type: any
    mappings: [{type: custom, action: action_mood}]
responses:
  utter_greet: [{text: Hello}]
  utter_ask_dish: [{text: "Which dish?"}]
  utter_ask_size: [{text: "Which size?"}]
  utter_done: [{text: Done}]
  utter_default: [{text: "Sorry?"}]
actions: [action_cook, action_mood, action_fail, action_refuse, action_undo, action_remind, action_forget]
forms:
  order_form: {required_slots: [dish, size]}
`

// clock is told, and moves a little with every look so that events differ in time.
type clock struct {
	mu  sync.Mutex
	now time.Time
	// timers are what AfterFunc was asked for and did not run yet.
	timers []*timer
}

type timer struct {
	due  time.Time
	f    func()
	gone bool
}

func newClock() *clock { return &clock{now: time.Unix(1_700_000_000, 0).UTC()} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(time.Millisecond)
	return c.now
}

func (c *clock) AfterFunc(d time.Duration, f func()) func() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &timer{due: c.now.Add(d), f: f}
	c.timers = append(c.timers, t)
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		t.gone = true
		return true
	}
}

// advance moves the clock and runs what became due.
func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	c.now = c.now.Add(d)
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
}

// parser reads "intent entity=value ..."; the text is all of it.
type parser struct{}

func (parser) Parse(_ context.Context, text string) (*value.Map, error) {
	if text == "unparsable" {
		return nil, fmt.Errorf("no idea what %q means", text)
	}
	words := strings.Fields(text)
	var entities []any
	for _, w := range words[min(1, len(words)):] {
		if name, v, ok := strings.Cut(w, "="); ok {
			entity, role, _ := strings.Cut(name, "#")
			e := value.NewMap("entity", entity, "value", v, "extractor", "test")
			if role != "" {
				e.Set("role", role)
			}
			entities = append(entities, e)
		}
	}
	name := ""
	if len(words) > 0 {
		name = strings.TrimPrefix(words[0], "/")
	}
	return value.NewMap("text", text, "intent", value.NewMap("name", name, "confidence", 1.0), "entities", entities), nil
}

// plan predicts by intent and latest action: "intent" or "intent latest_action", the longer first; otherwise
// action_listen.
type plan struct {
	domain *project.Domain
	next   map[string]string
	// featurize adds the event that ensembles add to the first prediction after a message.
	featurize bool
}

func (p plan) Predict(_ context.Context, t *tracker.Tracker) (policy.Prediction, error) {
	s := t.State()
	name, ok := p.next[s.LatestMessage.IntentName()+" "+s.LatestAction]
	if loop := s.LoopName(); !ok && loop != "" && s.LatestAction == tracker.ActionListen && !s.Loop.Rejected {
		name, ok = loop, true
	}
	if !ok && s.LatestAction == tracker.ActionListen {
		name, ok = p.next[s.LatestMessage.IntentName()]
	}
	if !ok {
		name = tracker.ActionListen
	}
	i, ok := p.domain.ActionIndex(name)
	if !ok {
		return policy.Prediction{}, fmt.Errorf("plan names unknown action %q", name)
	}
	pred := policy.Prediction{Probabilities: make([]float64, len(p.domain.ActionNames())), Policy: "Plan", Priority: 1}
	pred.Probabilities[i] = 1
	if s.LatestAction == tracker.ActionListen && p.featurize {
		pred.Events = []tracker.Event{&tracker.DefinePrevUserUtteredFeaturization{}}
	}
	pred.Reason = policy.Reason{Kind: "story", Source: name}
	return pred, nil
}

// Votes implements Voter.
func (p plan) Votes(ctx context.Context, t *tracker.Tracker) (policy.Prediction, []policy.Prediction, error) {
	pred, err := p.Predict(ctx, t)
	return pred, []policy.Prediction{pred}, err
}

// responses says the first variation of a response.
type responses struct{}

func (responses) Generate(_ context.Context, name string, t *tracker.Tracker, channel string, args *value.Map,
	random func() float64) (*value.Map, error) {
	r, ok := t.Domain().Response(name)
	if !ok {
		return nil, nil
	}
	i := int(random() * float64(len(r.Variations)))
	return r.Variations[i].Fields.Clone(), nil
}

// runner runs Go functions as custom actions and counts their calls.
type runner struct {
	mu    sync.Mutex
	do    map[string]func(t *tracker.Tracker) (*actions.Result, error)
	calls []string
}

func (r *runner) Run(_ context.Context, name string, t *tracker.Tracker) (*actions.Result, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, name)
	f, ok := r.do[name]
	if !ok {
		return &actions.Result{}, nil
	}
	return f(t)
}

// collector keeps what the bot said.
type collector struct {
	mu    sync.Mutex
	texts []string
}

func (*collector) Name() string { return "collector" }

func (c *collector) Send(_ context.Context, _ string, m *value.Map) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.texts = append(c.texts, value.Str(m.Value("text")))
	return nil
}

func (c *collector) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	texts := c.texts
	c.texts = nil
	return texts
}

// bench is a processor with everything it needs in memory.
type bench struct {
	*Processor
	t      testing.TB
	clock  *clock
	runner *runner
	out    *collector
	store  *trackermemory.Store
	model  *Model
}

func newBench(t testing.TB, domainYAML string, next map[string]string, change ...func(*Config)) *bench {
	t.Helper()
	d, problems := project.ParseDomain([]byte(domainYAML), "domain.yml")
	require.NoError(t, problems.Err())
	b := &bench{t: t, clock: newClock(), out: &collector{}, store: trackermemory.New(),
		runner: &runner{do: map[string]func(*tracker.Tracker) (*actions.Result, error){}}}
	cfg := Config{
		Store: b.store, Locks: lockmemory.New(), Actions: b.runner, Now: b.clock.Now, AfterFunc: b.clock.AfterFunc,
		Random: func() float64 { return 0 }, MaxActions: 10, Timers: timermemory.New(),
	}
	for _, f := range change {
		f(&cfg)
	}
	b.Processor = New(cfg)
	t.Cleanup(b.Close)
	b.model = NewModel(ModelSpec{
		ID: "m1", AssistantID: "a1", Domain: d, NLU: parser{}, Policies: plan{domain: d, next: next}, NLG: responses{},
	})
	b.SetModel(b.model)
	return b
}

// say sends a message of user u and returns the answers.
func (b *bench) say(text string) []string {
	b.t.Helper()
	require.NoError(b.t, b.Handle(b.t.Context(), &channels.UserMessage{
		Text: text, SenderID: "u", InputChannel: "rest", Output: b.out,
	}))
	return b.out.take()
}

// tracker returns what is stored of user u.
func (b *bench) tracker() *tracker.Tracker {
	b.t.Helper()
	conv, err := b.store.LoadAll(b.t.Context(), b.model.Trackers, "u")
	require.NoError(b.t, err)
	require.NotNil(b.t, conv.Tracker)
	return conv.Tracker
}

// advance moves the clock and waits for the reminders that this lets run.
func (b *bench) advance(d time.Duration) {
	b.clock.advance(d)
	b.Settle()
}

// line shows an event as a word or two.
func line(e tracker.Event) string {
	switch e := e.(type) {
	case *tracker.UserUttered:
		return "user " + e.Text
	case *tracker.ActionExecuted:
		if e.Name == "" {
			return "text " + e.ActionText
		}
		return e.Name
	case *tracker.BotUttered:
		return "bot " + e.Text
	case *tracker.SlotSet:
		return e.Key + "=" + value.Repr(e.Value)
	case *tracker.ActiveLoop:
		return "loop " + e.Name
	case *tracker.ActionExecutionRejected:
		return "rejected " + e.Name
	}
	return "<" + e.Type() + ">"
}

func lines(events []tracker.Event) []string {
	out := make([]string, len(events))
	for i, e := range events {
		out[i] = line(e)
	}
	return out
}

// after returns the lines of the events behind the last user message that says text.
func (b *bench) after(text string) []string {
	all := lines(b.tracker().Events())
	for i := len(all) - 1; i >= 0; i-- {
		if all[i] == "user "+text {
			return all[i+1:]
		}
	}
	b.t.Fatalf("no message %q in %q", text, all)
	return nil
}

// withAction returns a domain with one more action.
func withAction(domain, name string) string {
	return strings.Replace(domain, "actions: [", "actions: ["+name+", ", 1)
}
