package evaluate

import (
	"cmp"
	"context"
	"errors"
	"slices"

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

// StoryOptions say how test stories are played.
type StoryOptions struct {
	// EndToEnd compares intents and entities of the messages, too.
	EndToEnd bool
	// FailOnErrors stops at the first wrong prediction with a *WrongPredictionError.
	FailOnErrors bool
	// LastEvents, unless it is 0, has only so many last events of each story played. That is what Rasa's --max-stories
	// does (its generator takes the number for max_event_history, 3.6.21).
	LastEvents int
	// MaxActions is how many actions may follow a message. Default: 10.
	MaxActions int
	// InFileOrder plays the stories as they are written; otherwise the order is Rasa's, which sorts the numbers of
	// their parts as text.
	InFileOrder bool
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
	Name string
	// File is where it was written, the last part of it if there are several.
	File    string
	Actions []Action
	// IntentTargets and IntentPredictions are filled by end-to-end tests only.
	IntentTargets, IntentPredictions []string
	// Steps are the story with what was predicted instead behind what was expected.
	Steps []project.Step
	// Annotated has the messages that were tested, with the markup of the entities expected, by the index of their step:
	// a step shows only entities that have a counterpart.
	Annotated map[int]string
	// Failed is true when anything was predicted wrong, Warned when everything was right but action_unlikely_intent
	// came in between. Severity is how unlikely the intent was.
	Failed, Warned bool
	Severity       float64
	// Entities are those that policies predicted.
	Entities []EntityResult

	entityTargets, entityPredictions []annotated
}

// Written is the story as files of stories have it: without action_unlikely_intent, which nobody wrote
// (_filter_step_events).
func (s *Story) Written() project.Story {
	out := project.Story{Name: s.Name + " (" + s.File + ")"}
	for _, step := range s.Steps {
		if step.Action != actionUnlikelyIntent || step.Comment != "predicted: "+actionUnlikelyIntent {
			out.Steps = append(out.Steps, step)
		}
	}
	return out
}

// WrongPredictionError is the first wrong prediction of a story (WrongPredictionException).
type WrongPredictionError struct {
	// What is the sentence that Rasa begins with.
	What string
	// Story is the story up to there.
	Story project.Story
}

// Error returns the sentence and the story as YAML.
func (e *WrongPredictionError) Error() string {
	text, err := project.WriteStories([]project.Story{e.Story}, project.WriteOptions{})
	if err != nil {
		return e.What
	}
	return e.What + " Failed Story: \n\n" + string(text)
}

var errNoPolicies = errors.New("the model has no dialogue policies")

// Stories has the model predict every action of the stories, each time after what the story says happened before;
// rules are left out (_collect_story_predictions).
func Stories(ctx context.Context, e Engine, m *dialogue.Model, stories project.Stories, o StoryOptions) ([]Story, error) {
	trackers := training.Generate(m.Domain, stories, training.Options{Apart: true}).Trackers
	if o.InFileOrder {
		slices.SortStableFunc(trackers, func(a, b *training.Tracker) int { return cmp.Compare(line(a), line(b)) })
	}
	if o.MaxActions == 0 {
		o.MaxActions = 10
	}
	parser := &remembering{Parser: e, known: map[string]*value.Map{}}
	var out []Story
	for _, t := range trackers {
		if t.Rule {
			continue
		}
		r := runner{engine: e, parser: parser, model: m, options: o, story: Story{Name: t.Name, Annotated: map[int]string{}}}
		if n := len(t.Origins); n > 0 {
			r.story.File = t.Origins[n-1].Pos.File
		}
		events := t.Events()
		if o.LastEvents > 0 {
			events = events[max(0, len(events)-o.LastEvents):]
		}
		if err := r.run(ctx, events); err != nil {
			return nil, err
		}
		r.story.conclude()
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

// remembering parses each text once: stories say the same again and again. It is used by one goroutine.
type remembering struct {
	Parser
	known map[string]*value.Map
}

func (p *remembering) Parse(ctx context.Context, text string) (*value.Map, error) {
	if m := p.known[text]; m != nil {
		return m, nil
	}
	m, err := p.Parser.Parse(ctx, text)
	if err == nil {
		p.known[text] = m
	}
	return m, err
}

// conclude compares the story as a whole (EvaluationStore.check_prediction_target_mismatch).
func (s *Story) conclude() {
	s.Failed = !slices.Equal(s.IntentTargets, s.IntentPredictions) || differ(s.entityTargets, s.entityPredictions)
	for _, a := range s.Actions {
		s.Failed = s.Failed || a.Expected != a.Predicted
	}
	s.Warned = s.Warned && !s.Failed
}

// StoryMetrics are the metrics of all stories together, and the confusion of their actions.
func StoryMetrics(stories []Story) (Metrics, Matrix) {
	var targets, predictions, intentTargets, intentPredictions []string
	var entityTargets, entityPredictions []annotated
	for i := range stories {
		s := &stories[i]
		for _, a := range s.Actions {
			targets, predictions = append(targets, a.Expected), append(predictions, a.Predicted)
		}
		intentTargets = append(intentTargets, s.IntentTargets...)
		intentPredictions = append(intentPredictions, s.IntentPredictions...)
		entityTargets = append(entityTargets, s.entityTargets...)
		entityPredictions = append(entityPredictions, s.entityPredictions...)
	}
	matrix := Confusion(targets, predictions)
	alignedTargets, alignedPredictions := align(entityTargets, entityPredictions)
	targets = append(append(targets, intentTargets...), alignedTargets...)
	predictions = append(append(predictions, intentPredictions...), alignedPredictions...)
	return Compare(targets, predictions, ""), matrix
}

// StoryReport is Rasa's result for test stories (rasa.core.test.test).
func StoryReport(stories []Story, endToEnd bool) *value.Map {
	actions := []any{}
	for i := range stories {
		for _, a := range stories[i].Actions {
			var policyName any
			if a.Policy != "" {
				policyName = a.Policy
			}
			actions = append(actions, value.NewMap("action", a.Expected, "predicted", a.Predicted, "policy", policyName, "confidence", a.Confidence))
		}
	}
	m, _ := StoryMetrics(stories)
	// in_training_data_fraction looks for policy names as Rasa 2 had them, of which there are none.
	return value.NewMap("report", m.Report, "precision", m.Precision, "f1", m.F1, "accuracy", m.Accuracy, "actions", actions,
		"in_training_data_fraction", 0.0, "is_end_to_end_evaluation", endToEnd)
}
