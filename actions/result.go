package actions

import (
	"fmt"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/endpoint"
	"github.com/parleybot/parley/internal/value"
)

// The shapes of an answer: RemoteAction.action_response_format_spec of rasa/core/actions/action.py and
// rasa/shared/utils/schemas/events.py, 3.6.21.
var (
	textShape    = &endpoint.Shape{Types: []string{"string"}}
	numberShape  = &endpoint.Shape{Types: []string{"number"}}
	integerShape = &endpoint.Shape{Types: []string{"integer"}}
	objectShape  = &endpoint.Shape{Types: []string{"object"}}
	listShape    = &endpoint.Shape{Types: []string{"array"}}
	maybeText    = &endpoint.Shape{Types: []string{"string", "null"}}
	maybeNumber  = &endpoint.Shape{Types: []string{"number", "null"}}

	answerShape = &endpoint.Shape{Types: []string{"object"}, Fields: []endpoint.Field{
		{Name: "events", Shape: &endpoint.Shape{Types: []string{"array"}, Items: eventShape}},
		{Name: "responses", Shape: &endpoint.Shape{Types: []string{"array"}, Items: objectShape}},
	}}

	eventShape = &endpoint.Shape{
		Types: []string{"object"}, Required: []string{"event"},
		Fields: []endpoint.Field{
			{Name: "event", Shape: textShape},
			{Name: "timestamp", Shape: maybeNumber},
			{Name: "metadata", Shape: &endpoint.Shape{Types: []string{"object", "null"}}},
		},
		By: "event", Cases: eventShapes(),
	}

	entitiesShape = &endpoint.Shape{Types: []string{"array"}, Items: &endpoint.Shape{
		Types: []string{"object"}, Required: []string{"entity", "value"},
		Fields: []endpoint.Field{
			{Name: "start", Shape: integerShape}, {Name: "end", Shape: integerShape},
			{Name: "entity", Shape: textShape}, {Name: "confidence", Shape: numberShape},
			{Name: "extractor", Shape: maybeText}, {Name: "role", Shape: maybeText}, {Name: "group", Shape: maybeText},
		},
	}}

	intentShape = &endpoint.Shape{Types: []string{"object"}, Fields: []endpoint.Field{
		{Name: "name", Shape: textShape}, {Name: "confidence", Shape: numberShape},
	}}
)

// eventShapes returns the shape of each event that an action may return, by name.
func eventShapes() map[string]*endpoint.Shape {
	shapes := map[string]*endpoint.Shape{
		tracker.TypeUser: userShape(),
		tracker.TypeAction: {Fields: []endpoint.Field{
			{Name: "policy", Shape: maybeText}, {Name: "confidence", Shape: maybeNumber}, {Name: "name", Shape: maybeText},
			{Name: "hide_rule_turn", Shape: &endpoint.Shape{Types: []string{"boolean"}}}, {Name: "action_text", Shape: maybeText},
		}},
		tracker.TypeSlot:     {Required: []string{"name", "value"}, Fields: []endpoint.Field{{Name: "name", Shape: textShape}}},
		tracker.TypeEntities: {Required: []string{"entities"}, Fields: []endpoint.Field{{Name: "entities", Shape: entitiesShape}}},
	}
	for _, name := range []string{
		tracker.TypeFeaturization, tracker.TypeCancelReminder, tracker.TypeReminder, tracker.TypeActionRejected,
		tracker.TypeFormValidation, tracker.TypeLoopInterrupted, tracker.TypeForm, tracker.TypeActiveLoop,
		tracker.TypeResetSlots, tracker.TypeResume, tracker.TypePause, tracker.TypeFollowup, tracker.TypeExport,
		tracker.TypeRestart, tracker.TypeUndo, tracker.TypeRewind, tracker.TypeBot, tracker.TypeSessionStarted,
		tracker.TypeAgent,
	} {
		shapes[name] = &endpoint.Shape{}
	}
	return shapes
}

func userShape() *endpoint.Shape {
	answers := &endpoint.Shape{Types: []string{"array"}, Items: &endpoint.Shape{
		Types: []string{"object"}, Fields: []endpoint.Field{{Name: "text", Shape: textShape}},
	}}
	selector := &endpoint.Shape{Types: []string{"object"}, Fields: []endpoint.Field{
		{Name: "response", Shape: &endpoint.Shape{Types: []string{"object"}, Fields: []endpoint.Field{
			{Name: "responses", Shape: answers}, {Name: "response_templates", Shape: answers},
			{Name: "confidence", Shape: numberShape}, {Name: "intent_response_key", Shape: textShape},
			{Name: "utter_action", Shape: textShape}, {Name: "template_name", Shape: textShape},
		}}},
		{Name: "ranking", Shape: &endpoint.Shape{Types: []string{"array"}, Items: &endpoint.Shape{
			Types: []string{"object"}, Fields: []endpoint.Field{
				{Name: "id", Shape: numberShape}, {Name: "confidence", Shape: numberShape},
				{Name: "intent_response_key", Shape: textShape},
			},
		}}},
	}}
	// Exactly one of the two fits only if all_retrieval_intents is there: so it is in Rasa.
	selectors := &endpoint.Shape{Types: []string{"object"}, OneOf: []*endpoint.Shape{
		{Fields: []endpoint.Field{{Name: "all_retrieval_intents", Shape: listShape}}},
		{Word: selector},
	}}
	parse := &endpoint.Shape{Types: []string{"object"}, Fields: []endpoint.Field{
		{Name: "text", Shape: maybeText},
		{Name: "intent_ranking", Shape: &endpoint.Shape{Types: []string{"array"}, Items: intentShape}},
		{Name: "intent", Shape: intentShape}, {Name: "entities", Shape: entitiesShape},
		{Name: "response_selector", Shape: selectors},
	}}
	return &endpoint.Shape{Fields: []endpoint.Field{
		{Name: "text", Shape: maybeText}, {Name: "input_channel", Shape: maybeText},
		{Name: "message_id", Shape: maybeText}, {Name: "parse_data", Shape: parse},
	}}
}

// parseResult reads what the server answered with status 200. One event that is not as it should be loses them all.
func parseResult(answer any) (*Result, error) {
	if err := answerShape.Check(answer); err != nil {
		return nil, err
	}
	m := answer.(*value.Map)
	result := &Result{}
	for i, item := range m.List("events") {
		e, err := tracker.EventFromMap(item.(*value.Map))
		if err != nil {
			return nil, fmt.Errorf("events[%d]: %w", i, err)
		}
		if e != nil {
			result.Events = append(result.Events, e)
		}
	}
	for _, item := range m.List("responses") {
		result.Responses = append(result.Responses, item.(*value.Map))
	}
	return result, nil
}
