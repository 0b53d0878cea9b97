package evaluate

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/parleybot/parley/dialogue"
	"github.com/parleybot/parley/dialogue/policy/training"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// Engine predicts actions and understands messages; *dialogue.Processor is one.
type Engine interface {
	Parser
	// PredictWithTracker predicts the action that follows events; nil for a model without policies.
	PredictWithTracker(ctx context.Context, senderID string, events []tracker.Event, v tracker.Verbosity) (*dialogue.NextAction, error)
}

// Action is what was expected and predicted at one point of a story.
type Action struct {
	Expected, Predicted string
	// Policy is "" where Rasa has None.
	Policy     string
	Confidence float64
}

// Story is how one test story went.
type Story struct {
	Name    string
	Actions []Action
	// IntentTargets and IntentPredictions are filled by end-to-end tests only.
	IntentTargets, IntentPredictions []string

	entityTargets, entityPredictions []annotated
}

var errNoPolicies = errors.New("the model has no dialogue policies")

// Stories has the model predict every action of the stories, each time after what the story says happened before;
// rules are left out. endToEnd compares intents and entities of the messages, too (_collect_story_predictions).
func Stories(ctx context.Context, e Engine, m *dialogue.Model, stories project.Stories, endToEnd bool) ([]Story, error) {
	trackers := training.Generate(m.Domain, stories, training.Options{}).Trackers
	// Training orders conversations by how their parts hang together; reports follow the file.
	slices.SortStableFunc(trackers, func(a, b *training.Tracker) int { return cmp.Compare(line(a), line(b)) })
	var out []Story
	for _, t := range trackers {
		if t.Rule {
			continue
		}
		r := runner{engine: e, model: m, endToEnd: endToEnd, story: Story{Name: t.Name}}
		if err := r.run(ctx, t.Events()); err != nil {
			return nil, err
		}
		out = append(out, r.story)
	}
	return out, nil
}

// line is where the first story of a conversation was written.
func line(t *training.Tracker) int {
	if len(t.Origins) == 0 {
		return 0
	}
	return t.Origins[0].Pos.Line
}

// runner plays one story.
type runner struct {
	engine   Engine
	model    *dialogue.Model
	endToEnd bool
	tracker  *tracker.Tracker
	story    Story
}

func (r *runner) run(ctx context.Context, events []tracker.Event) error {
	r.tracker = r.model.Trackers.New("default")
	for i, e := range events {
		switch e := e.(type) {
		case *tracker.ActionExecuted:
			if i == 0 {
				break
			}
			if err := r.action(ctx, e); err != nil {
				return err
			}
			continue
		case *tracker.UserUttered:
			if r.endToEnd && i > 0 {
				if err := r.message(ctx, e); err != nil {
					return err
				}
			}
		}
		r.tracker.Update(e)
	}
	return nil
}

// action predicts the next action and goes on as if the expected one had run.
func (r *runner) action(ctx context.Context, e *tracker.ActionExecuted) error {
	expected := e.Name
	if expected == "" {
		expected = e.ActionText
	}
	found, err := r.predict(ctx, expected)
	if err != nil {
		return err
	}
	if found.Policy != "" && found.Predicted != expected && r.isActiveForm(found.Predicted) {
		// Nobody runs the form here: that the story goes on otherwise means that it would have been rejected.
		r.tracker.Update(&tracker.ActionExecutionRejected{Name: found.Predicted, Confidence: tracker.NoConfidence})
		if found, err = r.predict(ctx, expected); err != nil {
			return err
		}
	}
	r.story.Actions = append(r.story.Actions, found)
	done := *e
	done.Policy, done.Confidence = found.Policy, found.Confidence
	r.tracker.Update(&done)
	return nil
}

func (r *runner) isActiveForm(name string) bool {
	loop := r.tracker.State().Loop
	_, isForm := r.model.Domain.Form(name)
	return loop != nil && loop.Name == name && isForm
}

func (r *runner) predict(ctx context.Context, expected string) (Action, error) {
	next, err := r.engine.PredictWithTracker(ctx, r.tracker.SenderID, r.tracker.Events(), tracker.EventsNone)
	if err != nil {
		return Action{}, err
	}
	if next == nil || len(next.Scores) == 0 {
		return Action{}, errNoPolicies
	}
	best := next.Scores[0]
	for _, s := range next.Scores {
		if s.Score > best.Score {
			best = s
		}
	}
	a := Action{Expected: expected, Predicted: best.Action, Policy: next.Policy, Confidence: next.Confidence}
	if strings.HasPrefix(expected, a.Predicted+"/") {
		a.Predicted = r.fullRetrievalName(a.Predicted)
	}
	return a, nil
}

// fullRetrievalName is the name of a retrieval action with the response that the selector chose.
func (r *runner) fullRetrievalName(action string) string {
	selectors := r.tracker.State().LatestMessage.ParseData.Map("response_selector")
	key := strings.TrimPrefix(action, "utter_")
	if !selectors.Has(key) {
		key = "default"
	}
	if full := selectors.Map(key).Map("response").String("intent_response_key"); full != "" {
		return "utter_" + full
	}
	return action
}

// message compares what the model understands of a message with what the story says.
func (r *runner) message(ctx context.Context, u *tracker.UserUttered) error {
	parse := u.ParseData
	if u.Text != "" {
		var err error
		if parse, err = r.engine.Parse(ctx, u.Text); err != nil {
			return err
		}
	}
	target := u.FullRetrievalIntentName()
	if target == "" {
		target = u.IntentName()
	}
	predicted := parse.Map("intent").String("name")
	if target != predicted {
		if full := parse.Map("intent").String("full_retrieval_intent_name"); full != "" {
			predicted = full
		}
	}
	r.story.IntentTargets = append(r.story.IntentTargets, target)
	r.story.IntentPredictions = append(r.story.IntentPredictions, predicted)
	r.story.entityTargets = append(r.story.entityTargets, annotations(u.Text, u.Entities)...)
	r.story.entityPredictions = append(r.story.entityPredictions, annotations(u.Text, parse.List("entities"))...)
	return nil
}

// StoryReport is Rasa's result for test stories (rasa.core.test.test).
func StoryReport(stories []Story, endToEnd bool) *value.Map {
	var targets, predictions, intentTargets, intentPredictions []string
	var entityTargets, entityPredictions []annotated
	actions := []any{}
	for i := range stories {
		s := &stories[i]
		for _, a := range s.Actions {
			targets, predictions = append(targets, a.Expected), append(predictions, a.Predicted)
			var policyName any
			if a.Policy != "" {
				policyName = a.Policy
			}
			actions = append(actions, value.NewMap("action", a.Expected, "predicted", a.Predicted, "policy", policyName, "confidence", a.Confidence))
		}
		intentTargets = append(intentTargets, s.IntentTargets...)
		intentPredictions = append(intentPredictions, s.IntentPredictions...)
		entityTargets = append(entityTargets, s.entityTargets...)
		entityPredictions = append(entityPredictions, s.entityPredictions...)
	}
	alignedTargets, alignedPredictions := align(entityTargets, entityPredictions)
	targets = append(append(targets, intentTargets...), alignedTargets...)
	predictions = append(append(predictions, intentPredictions...), alignedPredictions...)
	m := Compare(targets, predictions, "")
	// in_training_data_fraction looks for policy names as Rasa 2 had them, of which there are none.
	return value.NewMap("report", m.Report, "precision", m.Precision, "f1", m.F1, "accuracy", m.Accuracy, "actions", actions,
		"in_training_data_fraction", 0.0, "is_end_to_end_evaluation", endToEnd)
}
