package evaluate

import (
	"context"
	"strings"

	"github.com/parleybot/parley/dialogue"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

const (
	actionUnlikelyIntent = "action_unlikely_intent"
	// tripped is what Rasa says instead of an action when too many follow each other.
	tripped      = "circuit breaker tripped"
	wrongAction  = "Model predicted a wrong action."
	wrongMessage = "NLU model predicted a wrong intent or entities."
)

// runner plays one story (_predict_tracker_actions).
type runner struct {
	engine  Engine
	parser  Parser
	model   *dialogue.Model
	options StoryOptions
	tracker *tracker.Tracker
	story   Story
}

func (r *runner) run(ctx context.Context, events []tracker.Event) error {
	r.tracker = r.model.Trackers.New(r.story.Name)
	for i, e := range events {
		var err error
		switch e := e.(type) {
		case *tracker.ActionExecuted:
			if i == 0 {
				r.told(e, stepOf(e, ""))
				continue
			}
			err = r.action(ctx, e)
		case *tracker.UserUttered:
			if i == 0 || !r.options.EndToEnd {
				r.told(e, messageStep(e, "", nil))
				continue
			}
			err = r.message(ctx, e)
		case *tracker.SlotSet:
			slot := project.StorySlot{Name: e.Key, Value: e.Value, HasValue: true}
			r.told(e, &project.Step{Kind: project.SlotStep, Slots: []project.StorySlot{slot}})
		case *tracker.ActiveLoop:
			r.told(e, &project.Step{Kind: project.LoopStep, Loop: e.Name})
		default:
			r.tracker.Update(e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// told adds an event to the conversation and a step to the story that is reported.
func (r *runner) told(e tracker.Event, step *project.Step) {
	r.tracker.Update(e)
	r.story.Steps = append(r.story.Steps, *step)
}

func stepOf(e *tracker.ActionExecuted, comment string) *project.Step {
	if e.Name == "" {
		return &project.Step{Kind: project.BotStep, Action: e.ActionText, Comment: comment}
	}
	return &project.Step{Kind: project.ActionStep, Action: e.Name, Comment: comment}
}

// action predicts the next action and goes on as if the expected one had run (_collect_action_executed_predictions).
func (r *runner) action(ctx context.Context, e *tracker.ActionExecuted) error {
	expected := e.Name
	if expected == "" {
		expected = e.ActionText
	}
	found, err := r.predictTwice(ctx, expected)
	if err != nil {
		return err
	}
	unlikely := found.Predicted == actionUnlikelyIntent && expected != actionUnlikelyIntent
	if unlikely {
		r.story.Warned = true
		r.story.Severity = max(r.story.Severity, found.severity)
		r.execute(e, &tracker.ActionExecuted{Name: actionUnlikelyIntent, ActionText: e.ActionText}, found, "predicted: "+actionUnlikelyIntent)
		if found, err = r.predictTwice(ctx, expected); err != nil {
			return err
		}
	}
	if found.entities != nil {
		r.story.Entities = append(r.story.Entities, *found.entities)
	}
	r.story.Actions = append(r.story.Actions, found.Action)
	switch {
	case found.Predicted != expected:
		comment := "predicted: " + found.Predicted
		if unlikely {
			comment += " after " + actionUnlikelyIntent
		}
		if found.Predicted == actionUnlikelyIntent {
			r.story.Warned = true
		}
		r.execute(e, &tracker.ActionExecuted{Name: e.Name, ActionText: e.ActionText, EmptyName: e.EmptyName}, found, comment)
		if r.options.FailOnErrors && found.Predicted != actionUnlikelyIntent {
			return r.failed(wrongAction)
		}
	case unlikely:
		r.execute(e, &tracker.ActionExecuted{Name: found.Predicted}, found, "predicted: "+actionUnlikelyIntent)
	default:
		r.execute(e, &tracker.ActionExecuted{Name: found.Predicted}, found, "")
	}
	return nil
}

// execute adds done, with what is known of the prediction, in place of the story's event e.
func (r *runner) execute(e, done *tracker.ActionExecuted, found predicted, comment string) {
	done.Base, done.Policy, done.Confidence = e.Base, found.Policy, found.Confidence
	r.told(done, stepOf(done, comment))
}

func (r *runner) failed(what string) error {
	return &WrongPredictionError{What: what, Story: project.Story{Name: r.story.Name, Steps: r.story.Steps}}
}

// predicted is an Action with what else the prediction brought.
type predicted struct {
	Action
	entities *EntityResult
	severity float64
}

// predictTwice predicts an action. If a form is active and would go on where the story does not, it predicts again as
// if the form had been rejected: nobody runs forms here, and that the story goes on otherwise means that this one would
// have been (_run_action_prediction).
func (r *runner) predictTwice(ctx context.Context, expected string) (predicted, error) {
	if r.limitReached() {
		return predicted{Action: Action{Expected: expected, Predicted: tripped}}, nil
	}
	found, next, err := r.predict(ctx, expected)
	if err != nil {
		return found, err
	}
	if found.entities, err = r.policyEntities(ctx, next.Events); err != nil {
		return found, err
	}
	if found.Policy == "" || found.Predicted == expected || !r.isActiveForm(found.Predicted) {
		return found, nil
	}
	r.tracker.Update(&tracker.ActionExecutionRejected{Name: found.Predicted, Confidence: tracker.NoConfidence})
	if r.limitReached() {
		return predicted{Action: Action{Expected: expected, Predicted: tripped}}, nil
	}
	again, _, err := r.predict(ctx, expected)
	again.entities = found.entities
	return again, err
}

// limitReached reports whether too many actions follow each other (MessageProcessor.is_action_limit_reached).
func (r *runner) limitReached() bool {
	n := 0
	events := r.tracker.Events()
	for i := len(events) - 1; i >= 0; i-- {
		if a, ok := events[i].(*tracker.ActionExecuted); ok {
			if a.Name == tracker.ActionListen || a.Name == tracker.ActionSessionStart {
				break
			}
			n++
		}
	}
	return n >= r.options.MaxActions && r.tracker.State().LatestAction != tracker.ActionListen
}

func (r *runner) isActiveForm(name string) bool {
	loop := r.tracker.State().Loop
	_, isForm := r.model.Domain.Form(name)
	return loop != nil && loop.Name == name && isForm
}

func (r *runner) predict(ctx context.Context, expected string) (predicted, *dialogue.NextAction, error) {
	next, err := r.engine.PredictWithTracker(ctx, r.tracker.SenderID, r.tracker.Events(), tracker.EventsNone)
	if err != nil {
		return predicted{}, nil, err
	}
	if next == nil || len(next.Scores) == 0 {
		return predicted{}, nil, errNoPolicies
	}
	best := next.Scores[0]
	for _, s := range next.Scores {
		if s.Score > best.Score {
			best = s
		}
	}
	a := Action{Expected: expected, Predicted: best.Action, Policy: next.Policy, Confidence: next.Confidence}
	if a.Predicted != expected {
		a.Predicted = r.fullRetrievalName(a.Predicted)
	}
	severity, _ := next.Metadata.Map("query_intent").Value("severity").(float64)
	return predicted{Action: a, severity: severity}, next, nil
}

// fullRetrievalName is the name of a retrieval action with the response that the selector chose, and that of any other
// action (_get_predicted_action_name).
func (r *runner) fullRetrievalName(action string) string {
	parts := strings.SplitN(action, "utter_", 3)
	if len(parts) < 2 || parts[0] != "" {
		return action
	}
	key := parts[1]
	if intent, ok := r.model.Domain.Intent(key); !ok || !intent.IsRetrieval {
		return action
	}
	selectors := r.tracker.State().LatestMessage.ParseData.Map("response_selector")
	if !selectors.Has(key) {
		key = "default"
	}
	if full := selectors.Map(key).Map("response").String("utter_action"); full != "" {
		return full
	}
	return action
}

// policyEntities returns the entities of the latest message, when it is what the story said last, as policies predicted
// them (_get_e2e_entity_evaluation_result); nil when there is nothing to compare.
func (r *runner) policyEntities(ctx context.Context, events []tracker.Event) (*EntityResult, error) {
	u := r.lastSaid()
	if u == nil || u.Text == "" {
		return nil, nil
	}
	out := &EntityResult{Text: u.Text, Targets: u.Entities, Predictions: []any{}}
	if out.Targets == nil {
		out.Targets = []any{}
	}
	for _, e := range events {
		if added, ok := e.(*tracker.EntitiesAdded); ok {
			out.Predictions = append(out.Predictions, added.Entities...)
		}
	}
	if len(out.Targets)+len(out.Predictions) == 0 {
		return nil, nil
	}
	parse, err := r.parser.Parse(ctx, u.Text)
	if err != nil {
		return nil, err
	}
	out.Tokens = tokensOf(parse)
	return out, nil
}

// lastSaid returns the message that the conversation ends in, apart from the slots it set.
func (r *runner) lastSaid() *tracker.UserUttered {
	events := r.tracker.Events()
	if len(events) == 0 {
		return nil
	}
	switch e := events[len(events)-1].(type) {
	case *tracker.UserUttered:
		return e
	case *tracker.SlotSet:
	default:
		return nil
	}
	applied := r.tracker.AppliedEvents()
	for i := len(applied) - 1; i >= 0; i-- {
		switch e := applied[i].(type) {
		case *tracker.UserUttered:
			return e
		case *tracker.ActionExecuted:
			return nil
		}
	}
	return nil
}

// message compares what the model understands of a message with what the story says
// (_collect_user_uttered_predictions).
func (r *runner) message(ctx context.Context, u *tracker.UserUttered) error {
	parse := u.ParseData
	if u.Text != "" {
		var err error
		if parse, err = r.parser.Parse(ctx, u.Text); err != nil {
			return err
		}
	}
	target, found := goldIntent(u), parse.Map("intent").String("name")
	if target != found {
		found = fullRetrievalIntent(parse)
	}
	wanted, got := cleaned(u.Text, u.Entities), cleaned(u.Text, parse.List("entities"))
	targets, predictions := annotations(u.Text, wanted), annotations(u.Text, got)
	r.story.IntentTargets = append(r.story.IntentTargets, target)
	r.story.IntentPredictions = append(r.story.IntentPredictions, found)
	r.story.entityTargets = append(r.story.entityTargets, targets...)
	r.story.entityPredictions = append(r.story.entityPredictions, predictions...)
	r.story.Annotated[len(r.story.Steps)] = annotate(u.Text, wanted)
	if target == found && !differ(targets, predictions) {
		r.told(understood(u, parse), messageStep(u, "", nil))
		return nil
	}
	step := messageStep(misunderstood(u, target, wanted), wrongComment(u.Text, target, found, wanted, got), got)
	r.told(misunderstood(u, target, wanted), step)
	if r.options.FailOnErrors {
		return r.failed(wrongMessage)
	}
	return nil
}

func goldIntent(u *tracker.UserUttered) string {
	if full := u.FullRetrievalIntentName(); full != "" {
		return full
	}
	return u.IntentName()
}

// fullRetrievalIntent is the predicted intent with the key that the response selector chose
// (_get_full_retrieval_intent).
func fullRetrievalIntent(parse *value.Map) string {
	base := parse.Map("intent").String("name")
	selectors := parse.Map("response_selector")
	retrieval := false
	for _, name := range selectors.List("all_retrieval_intents") {
		retrieval = retrieval || value.Equal(name, base)
	}
	if !retrieval {
		return base
	}
	key := base
	if selectors.Has("default") {
		key = "default"
	}
	if full := selectors.Map(key).Map("response").String("intent_response_key"); full != "" {
		return full
	}
	return base
}
