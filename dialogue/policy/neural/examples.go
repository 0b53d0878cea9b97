package neural

import (
	"slices"
	"strconv"

	"github.com/parleybot/parley/dialogue/policy/state"
	"github.com/parleybot/parley/dialogue/policy/training"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/project"
)

const actionUnlikelyIntent = "action_unlikely_intent"

// Example is a piece of a conversation to learn from: what was seen, the oldest first, and what followed.
type Example struct {
	States []state.State
	// Labels are actions (one, or one after each state) or all the intents that followed the states in some conversation.
	Labels []string
	// Text is the message before the action with the entities annotated in it; nil when it does not count by its text.
	Texts []*tracker.UserUttered
}

// examiner cuts conversations into examples (rasa/core/featurizers/tracker_featurizers.py).
type examiner struct {
	maxHistory int
	data       *training.Data
	seen       map[string]bool
	examples   []Example
	// byStates finds the example with given states, for several labels each.
	byStates map[string]int
}

// ActionExamples returns the examples from which TEDPolicy learns: one for each action of each story, those that are the
// same once; with whole, one for each story.
func ActionExamples(data *training.Data, maxHistory int, whole bool) []Example {
	x := &examiner{maxHistory: maxHistory, data: data, seen: map[string]bool{}}
	for _, tr := range data.Trackers {
		switch {
		case tr.Rule:
		case whole:
			x.story(tr)
		default:
			x.actions(tr)
		}
	}
	return x.examples
}

// IntentExamples returns the examples from which UnexpecTEDIntentPolicy learns: one for all messages of users after the
// same states. Stories with messages or actions that count by their text are left out.
func IntentExamples(data *training.Data, maxHistory int) []Example {
	x := &examiner{maxHistory: maxHistory, data: data, byStates: map[string]int{}}
	for _, tr := range data.Trackers {
		if !tr.Rule && !countsByText(tr) {
			x.intents(tr)
		}
	}
	return x.examples
}

func countsByText(tr *training.Tracker) bool {
	return slices.ContainsFunc(tr.Applied(), func(e tracker.Event) bool {
		switch e := e.(type) {
		case *tracker.UserUttered:
			return e.IntentName() == ""
		case *tracker.ActionExecuted:
			return e.Name == "" && !e.EmptyName
		}
		return false
	})
}

// statesOf returns the states of a conversation without those after action_unlikely_intent.
func statesOf(tr *training.Tracker) []state.State {
	all := tr.States()
	out := make([]state.State, 0, len(all))
	for _, s := range all {
		if s.Prev.Name != actionUnlikelyIntent || s.Prev.IsText {
			out = append(out, *s)
		}
	}
	return out
}

// lastOf returns the last max states, all of them when it is 0.
func (x *examiner) lastOf(states []state.State) []state.State {
	if x.maxHistory > 0 && len(states) > x.maxHistory {
		return states[len(states)-x.maxHistory:]
	}
	return states
}

func (x *examiner) actions(tr *training.Tracker) {
	states := statesOf(tr)
	n := 0
	var text *tracker.UserUttered
	for _, e := range tr.Applied() {
		switch e := e.(type) {
		case *tracker.UserUttered:
			text = byText(e)
		case *tracker.ActionExecuted:
			if e.Name == actionUnlikelyIntent {
				continue
			}
			n++
			if x.data.Unpredictable(e) {
				continue
			}
			seen := x.lastOf(states[:min(n, len(states))])
			label := actionOf(e)
			if key := string(state.AppendList(nil, seen)) + "\x00" + label; !x.seen[key] {
				x.seen[key] = true
				x.examples = append(x.examples, newExample(seen, []string{label}, []*tracker.UserUttered{text}))
			}
			text = nil
		}
	}
}

// story makes one example of a whole conversation.
func (x *examiner) story(tr *training.Tracker) {
	states := statesOf(tr)
	var labels []string
	var texts []*tracker.UserUttered
	var text *tracker.UserUttered
	for _, e := range tr.Applied() {
		switch e := e.(type) {
		case *tracker.UserUttered:
			text = byText(e)
		case *tracker.ActionExecuted:
			switch {
			case e.Name == actionUnlikelyIntent:
				continue
			case x.data.Unpredictable(e):
				states = states[1:]
			default:
				labels, texts = append(labels, actionOf(e)), append(texts, text)
			}
			text = nil
		}
	}
	n := min(len(labels), len(states))
	if n > 0 {
		x.examples = append(x.examples, newExample(states[:n], labels[:n], texts[:n]))
	}
}

func (x *examiner) intents(tr *training.Tracker) {
	states := statesOf(tr)
	n := 0
	for _, e := range tr.Applied() {
		switch e := e.(type) {
		case *tracker.ActionExecuted:
			if e.Name != actionUnlikelyIntent {
				n++
			}
		case *tracker.UserUttered:
			seen := x.lastOf(states[:min(n, len(states))])
			key := string(state.AppendList(nil, seen))
			at, known := x.byStates[key]
			if !known {
				at = len(x.examples)
				x.byStates[key] = at
				x.examples = append(x.examples, newExample(seen, nil, nil))
			}
			if labels := &x.examples[at].Labels; !slices.Contains(*labels, e.IntentName()) {
				*labels = append(*labels, e.IntentName())
			}
		}
	}
}

func newExample(states []state.State, labels []string, texts []*tracker.UserUttered) Example {
	e := Example{States: make([]state.State, len(states)), Labels: labels, Texts: texts}
	for i, s := range states {
		e.States[i] = s.WithoutTextIfIntent()
	}
	return e
}

// byText returns u when it counts by its text.
func byText(u *tracker.UserUttered) *tracker.UserUttered {
	if u.Text != "" && u.IntentName() == "" {
		return u
	}
	return nil
}

func actionOf(e *tracker.ActionExecuted) string {
	if e.Name != "" {
		return e.Name
	}
	return e.ActionText
}

// tablesOf numbers the names of a domain (SingleStateFeaturizer.prepare_for_training).
func tablesOf(d *project.Domain) Tables {
	var t Tables
	for a := range t {
		t[a] = map[string]int{}
	}
	add := func(a Attribute, name string) {
		if _, known := t[a][name]; !known {
			t[a][name] = len(t[a])
		}
	}
	for i := range d.Intents {
		add(Intent, d.Intents[i].Name)
	}
	for _, name := range d.ActionNames() {
		add(ActionName, name)
	}
	for i := range d.Entities {
		e := &d.Entities[i]
		add(Entities, e.Name)
		for _, part := range slices.Concat(e.Roles, e.Groups) {
			add(Entities, e.Name+"#"+part)
		}
	}
	featurizer := state.NewFeaturizer(d)
	for i := range d.Slots {
		for j := range slotNumbers(featurizer, &d.Slots[i]) {
			add(Slots, d.Slots[i].Name+"_"+strconv.Itoa(j))
		}
	}
	for i := range d.Forms {
		add(ActiveLoop, d.Forms[i].Name)
	}
	return t
}

// slotNumbers returns how many numbers the feature of a slot has.
func slotNumbers(f *state.Featurizer, s *project.Slot) int {
	switch {
	case !f.HasFeatures(s.Name):
		return 0
	case s.Type == project.SlotBool, s.Type == project.SlotFloat:
		return 2
	case s.Type == project.SlotCategorical:
		return len(s.Values)
	}
	return 1
}
