package replay

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/parleybot/parley/actions"
	"github.com/parleybot/parley/dialogue/policy"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// oracle answers for the parts around the dialogue engine out of recordings: it parses messages and predicts actions as
// Rasa did, so that the engine can be checked alone.
type oracle struct {
	domain *project.Domain
	parses map[string]*value.Map // by text

	mu      sync.Mutex
	planned map[string][]policy.Prediction // by sender_id
}

// rejected marks predictions whose action was rejected.
const rejected = -1

func newOracle(d *project.Domain, conversations []*Conversation) *oracle {
	o := &oracle{domain: d, parses: make(map[string]*value.Map), planned: make(map[string][]policy.Prediction)}
	for _, c := range conversations {
		var seen []any
		for _, t := range c.Turns {
			fresh := t.List("events")
			if reset, _ := t.Value("reset").(bool); reset {
				fresh = fresh[overlap(seen, fresh):]
				seen = t.List("events")
			} else {
				seen = append(seen[:len(seen):len(seen)], fresh...)
			}
			if path := t.Map("api").String("path"); !strings.Contains(path, "/events") && !strings.Contains(path, "/execute") {
				o.learn(c.SenderID, fresh, t.Map("send").String("message"))
			}
		}
	}
	return o
}

// overlap returns how many events at the beginning of now are the end of before.
func overlap(before, now []any) int {
	for n := min(len(before), len(now)); n > 0; n-- {
		if Differ(before[len(before)-n:], now[:n], "", 0) == nil {
			return n
		}
	}
	return 0
}

func (o *oracle) learn(sender string, events []any, text string) {
	var pending []tracker.Event
	for _, item := range events {
		m, _ := item.(*value.Map)
		switch m.String("event") {
		case tracker.TypeUser:
			if said := m.String("text"); said == value.Strip(text) && o.parses[said] == nil {
				parse := m.Map("parse_data").Clone()
				parse.Delete("metadata")
				o.parses[said] = parse
			}
		case tracker.TypeFeaturization, tracker.TypeLoopInterrupted:
			e, err := tracker.EventFromMap(m)
			if err != nil {
				panic(err)
			}
			pending = append(pending, e)
			continue
		case tracker.TypeAction:
			// Others were followups, or come from an action server.
			if strings.HasSuffix(m.String("policy"), "Policy") {
				o.plan(sender, m, pending)
			}
		case tracker.TypeActionRejected:
			o.plan(sender, m, nil)
			o.planned[sender][len(o.planned[sender])-1].Priority = rejected
		}
		pending = nil
	}
}

func (o *oracle) plan(sender string, m *value.Map, events []tracker.Event) {
	name := m.String("name")
	if name == "" {
		name = m.String("action_text")
	}
	confidence, _ := value.ToFloat(m.Value("confidence"))
	hide, _ := m.Value("hide_rule_turn").(bool)
	p := policy.Prediction{Policy: m.String("policy"), Events: events, HideRuleTurn: hide,
		Probabilities: make([]float64, len(o.domain.ActionNames()))}
	if i, ok := o.domain.ActionIndex(name); ok {
		if confidence == 0 { // action_listen, because nothing was predicted
			confidence = 1e-300
		}
		p.Probabilities[i] = confidence
	}
	o.planned[sender] = append(o.planned[sender], p)
}

// Parse implements dialogue.Parser.
func (o *oracle) Parse(_ context.Context, text string) (*value.Map, error) {
	if p := o.parses[text]; p != nil {
		return p.Clone(), nil
	}
	return nil, fmt.Errorf("nothing recorded for text %q", text)
}

// Predict implements dialogue.Predictor.
func (o *oracle) Predict(_ context.Context, t *tracker.Tracker) (policy.Prediction, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	left := o.planned[t.SenderID]
	if len(left) == 0 {
		return policy.Prediction{}, errors.New("more predictions asked than recorded")
	}
	o.planned[t.SenderID] = left[1:]
	p := left[0]
	if p.Priority == rejected && t.State().LatestAction == tracker.ActionListen {
		// Rejected predictions are not logged, but the action saw this.
		p.Events = []tracker.Event{&tracker.DefinePrevUserUtteredFeaturization{}}
	}
	return p, nil
}

// runner asks the stub as the action client would.
type runner struct{ stub *Stub }

// Run implements dialogue.ActionRunner.
func (r runner) Run(_ context.Context, name string, t *tracker.Tracker) (*actions.Result, error) {
	request := value.NewMap("next_action", name, "sender_id", t.SenderID, "tracker", t.CurrentState(tracker.EventsAll),
		"version", "3.6.21")
	status, response := r.stub.Answer(request)
	answer, _ := response.(*value.Map)
	switch {
	case status == http.StatusBadRequest && answer.Has("action_name"):
		return nil, actions.ErrRejected
	case status != http.StatusOK:
		return nil, actions.ErrUnavailable
	}
	result := &actions.Result{}
	for _, item := range answer.List("events") {
		m, _ := item.(*value.Map)
		if !m.Has("event") {
			continue
		}
		e, err := tracker.EventFromMap(m)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", actions.ErrInvalidResponse, err)
		}
		result.Events = append(result.Events, e)
	}
	for _, item := range answer.List("responses") {
		m, _ := item.(*value.Map)
		result.Responses = append(result.Responses, m.Clone())
	}
	return result, nil
}
