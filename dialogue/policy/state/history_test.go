package state

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

const domainYAML = `
version: "3.1"
intents: [greet, {order: {use_entities: [dish]}}, {chat: {use_entities: []}}]
entities: [dish, {city: {roles: [from, to]}}, side]
slots:
  name: {type: text, mappings: [{type: custom}]}
  vegan: {type: bool, mappings: [{type: custom}]}
  size: {type: categorical, values: [small, Large], mappings: [{type: custom}]}
  guests: {type: float, min_value: 0, max_value: 10, mappings: [{type: custom}]}
  dishes: {type: list, mappings: [{type: custom}]}
  note: {type: any, mappings: [{type: custom}]}
  quiet: {type: text, influence_conversation: false, mappings: [{type: custom}]}
  level: {type: categorical, values: [low, high], initial_value: low, mappings: [{type: custom}]}
forms:
  order_form: {required_slots: [name]}
  other_form: {required_slots: [size]}
actions: [action_a, action_b, action_unlikely_intent]
`

func testDomain(t testing.TB) *project.Domain {
	t.Helper()
	d, ps := project.ParseDomain([]byte(domainYAML), "domain.yml")
	if ps.HasErrors() {
		t.Fatal(ps)
	}
	return d
}

// reference computes what a History computes as Rasa does: from all events, anew each time.
type reference struct {
	f       *Featurizer
	factory *tracker.Factory
	only    RuleOnly
}

type prior struct {
	state *tracker.State
	hide  bool
}

// priors are the states of generate_all_prior_trackers.
func (r *reference) priors(applied []tracker.Event) []prior {
	var out []prior
	var last *tracker.Applied
	initial := r.factory.New("").Initial()
	tr := r.factory.FromEvents("", applied)
	var nodes []*tracker.Applied
	for a := tr.Applied(); a != nil; a = a.Prev {
		nodes = append(nodes, a)
	}
	slices.Reverse(nodes)
	at := func() *tracker.State {
		if last == nil {
			return initial
		}
		return last.State
	}
	for _, a := range nodes {
		if x, ok := a.Event.(*tracker.ActionExecuted); ok {
			out = append(out, prior{at(), x.HideRuleTurn})
		}
		last = a
	}
	return append(out, prior{at(), false})
}

func (r *reference) plain(applied []tracker.Event) []State {
	var out []State
	for _, p := range r.priors(applied) {
		out = append(out, r.f.Of(p.state, false))
	}
	return out
}

// hidden is states_for_tracker_history with ignore_rule_only_turns, then the removal of action_unlikely_intent.
func (r *reference) hidden(applied []tracker.Event) []State {
	var states []State
	var lastAction Action
	wasHidden := false
	for _, p := range r.priors(applied) {
		if !wasHidden {
			lastAction = prevAction(p.state)
		}
		if p.state.Followup == "" && p.state.LatestAction != p.state.LoopName() {
			wasHidden = p.hide
		}
		if wasHidden {
			continue
		}
		s := r.f.Of(p.state, false)
		s.Slots = slices.DeleteFunc(slices.Clone(s.Slots), func(x Slot) bool { return slices.Contains(r.only.Slots, x.Name) })
		if slices.Contains(r.only.Loops, s.Loop) {
			s.Loop = ""
		}
		if len(states) > 0 && !s.Prev.IsListen() {
			s.User = states[len(states)-1].User
		}
		if lastAction.Name != "" {
			s.Prev = lastAction
		}
		states = append(states, s)
	}
	return slices.DeleteFunc(states, func(s State) bool { return s.Prev == Action{Name: actionUnlikelyIntent} })
}

// key is the key of the states to predict from.
func (r *reference) key(applied []tracker.Event, maxHistory int) uint64 {
	states := r.hidden(applied)
	var hashes []uint64
	for i, s := range states {
		if i == len(states)-1 && s.Prev.IsListen() && s.User != nil {
			u := *s.User
			u.Text = ""
			s.User = &u
		}
		s = s.WithoutTextIfIntent()
		hashes = append(hashes, s.Hash())
	}
	return KeyOf(hashes, maxHistory)
}

// truncated are the keys that AugmentedMemoizationPolicy looks up.
func (r *reference) truncated(applied []tracker.Event, maxHistory int) []uint64 {
	from, actions := 0, 0
	for i := len(applied) - 1; i >= 0 && maxHistory > 0; i-- {
		if a, ok := applied[i].(*tracker.ActionExecuted); ok {
			if actions++; actions > maxHistory && a.Name == tracker.ActionListen {
				from = i
				break
			}
		}
	}
	var out []uint64
	for i := from; i < len(applied); i++ {
		if _, ok := applied[i].(*tracker.ActionExecuted); ok {
			out = append(out, r.key(applied[i:], maxHistory))
		}
	}
	return out
}

var texts = []string{"", "hello", "a \"quoted\" text"}

// randomEvent makes one of the events that matter for states, most often those of an ordinary conversation.
func randomEvent(r *rand.Rand) tracker.Event {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	switch r.IntN(22) {
	case 0, 1, 2, 3, 4:
		return &tracker.ActionExecuted{Name: "action_listen", HideRuleTurn: r.IntN(3) == 0}
	case 5, 6, 7:
		return &tracker.ActionExecuted{
			Name: pick("action_a", "action_b", "order_form", "other_form", "action_unlikely_intent"), HideRuleTurn: r.IntN(2) == 0,
		}
	case 8:
		return &tracker.ActionExecuted{ActionText: "as you like", HideRuleTurn: r.IntN(4) == 0}
	case 9, 10, 11, 12:
		return randomMessage(r)
	case 13, 14:
		values := []any{nil, "Large", "x", true, int64(1), 2.5, "7", ShouldNotBeSet, []any{}, []any{"a"}, "true", "low"}
		return &tracker.SlotSet{
			Key: pick("name", "vegan", "size", "guests", "dishes", "note", "quiet", "level"), Value: values[r.IntN(len(values))],
		}
	case 15:
		return &tracker.ActiveLoop{Name: pick("", "order_form", "other_form")}
	case 16:
		return &tracker.DefinePrevUserUtteredFeaturization{UseText: r.IntN(3) == 0}
	case 17:
		return &tracker.ActionExecutionRejected{Name: pick("order_form", "action_a")}
	case 18:
		return &tracker.FollowupAction{Name: "action_a"}
	case 19:
		return &tracker.BotUttered{Text: "hi"}
	case 20:
		return &tracker.LoopInterrupted{IsInterrupted: true}
	}
	switch r.IntN(12) {
	case 0:
		return &tracker.Restarted{}
	case 1:
		return &tracker.SessionStarted{}
	case 2, 3:
		return &tracker.AllSlotsReset{}
	case 4, 5, 6:
		return &tracker.ActionReverted{}
	}
	return &tracker.UserUtteranceReverted{}
}

func randomMessage(r *rand.Rand) tracker.Event {
	intents := []any{"greet", "order", "chat", "unheard", nil}
	var entities []any
	for range r.IntN(3) {
		e := value.NewMap("entity", []any{"dish", "city", "side"}[r.IntN(3)], "value", "x")
		if r.IntN(3) == 0 {
			e.Set("role", "from")
		}
		entities = append(entities, e)
	}
	parse := value.NewMap("intent", value.NewMap("name", intents[r.IntN(len(intents))]), "entities", entities)
	return tracker.NewUserUttered(texts[r.IntN(len(texts))], parse, "", "", nil)
}

// TestHistoryEqualsReplay tells random conversations and compares what was computed along the way with what Rasa's way
// of computing gives.
func TestHistoryEqualsReplay(t *testing.T) {
	d := testDomain(t)
	f := NewFeaturizer(d)
	for seed := range uint64(150) {
		compareConversation(t, d, f, seed, 60)
	}
	compareConversation(t, d, f, 4711, 1500) // long enough for memos to be cleared and lists to be cut
}

func compareConversation(t *testing.T, d *project.Domain, f *Featurizer, seed uint64, length int) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	only := RuleOnly{}
	if seed%2 == 0 {
		only = RuleOnly{Slots: []string{"size", "vegan"}, Loops: []string{"other_form"}}
	}
	ref := &reference{f, tracker.NewFactory(d), only}
	h := NewHistory(f, only, 5)
	tr := ref.factory.New("x")
	for i := range length {
		e := randomEvent(r)
		tr.Update(e)
		if _, ok := e.(*tracker.UserUttered); ok && r.IntN(8) == 0 {
			tr.Update(&tracker.EntitiesAdded{Entities: []any{value.NewMap("entity", "side", "value", "rice")}})
		}
		if r.IntN(3) > 0 || length > 100 && r.IntN(20) > 0 {
			continue
		}
		if r.IntN(4) == 0 {
			tr = tr.Fork()
		}
		applied := tr.AppliedEvents()
		where := fmt.Sprintf("seed %d, event %d", seed, i)
		for _, n := range []int{0, 1, 2, 5} {
			if got, want := h.Sequence(tr).Key(n), ref.key(applied, n); got != want {
				t.Fatalf("%s: key of %d states differs from that of %s", where, n, AppendList(nil, ref.hidden(applied)))
			}
			var keys []uint64
			h.RecallTruncated(tr, n, 1<<30, func(key uint64) bool { keys = append(keys, key); return false })
			if want := ref.truncated(applied, n); length < 100 && !slices.Equal(keys, want) {
				t.Fatalf("%s: %d truncated keys differ from the %d wanted (max_history %d)", where, len(keys), len(want), n)
			}
		}
		comparePlain(t, h, tr, ref.plain(applied), where)
	}
}

func comparePlain(t *testing.T, h *History, tr *tracker.Tracker, want []State, where string) {
	t.Helper()
	c := h.Now(tr)
	for i := len(want) - 1; i >= 0; i-- {
		if got := c.State(); !got.Equal(&want[i]) {
			t.Fatalf("%s: state %d is %s, want %s", where, i, got.Append(nil), want[i].Append(nil))
		}
		if more := c.Back(); more != (i > 0) {
			t.Fatalf("%s: going back from state %d gives %v", where, i, more)
		}
	}
}
