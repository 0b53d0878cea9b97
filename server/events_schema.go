package server

import (
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
)

// eventsSchema is the JSON schema that Rasa holds events against before it reads them
// (rasa/shared/utils/schemas/events.py, 3.6.21). Its order counts: it decides which of several mistakes is told.
var eventsSchema = list(value.NewMap(
	"type", "object",
	"properties", value.NewMap("event", ofType("string"), "timestamp", ofType("number", "null"), "metadata", ofType("object", "null")),
	"required", []any{"event"},
	"oneOf", eventSchemas(),
))

func eventSchemas() []any {
	text, textOrNull := ofType("string"), ofType("string", "null")
	parse := object("text", textOrNull, "intent_ranking", list(intentSchema), "intent", intentSchema,
		"entities", entitiesSchema, "response_selector", selectorsSchema)
	schemas := []any{
		eventSchema(tracker.TypeUser, nil, "text", textOrNull, "input_channel", textOrNull, "message_id", textOrNull, "parse_data", parse),
		eventSchema(tracker.TypeAction, nil, "policy", textOrNull, "confidence", ofType("number", "null"), "name", textOrNull,
			"hide_rule_turn", ofType("boolean"), "action_text", textOrNull),
		eventSchema(tracker.TypeSlot, []any{"name", "value"}, "name", text, "value", &value.Map{}),
		eventSchema(tracker.TypeEntities, []any{"entities"}, "entities", entitiesSchema),
	}
	// These are known and not looked into.
	for _, name := range []string{
		tracker.TypeFeaturization, tracker.TypeCancelReminder, tracker.TypeReminder, tracker.TypeActionRejected,
		tracker.TypeFormValidation, tracker.TypeLoopInterrupted, tracker.TypeForm, tracker.TypeActiveLoop, tracker.TypeResetSlots,
		tracker.TypeResume, tracker.TypePause, tracker.TypeFollowup, tracker.TypeExport, tracker.TypeRestart, tracker.TypeUndo,
		tracker.TypeRewind, tracker.TypeBot, tracker.TypeSessionStarted, tracker.TypeAgent,
	} {
		schemas = append(schemas, eventSchema(name, nil))
	}
	return schemas
}

// eventSchema is the schema of one event: its name, its fields and those it must have.
func eventSchema(name string, required []any, fields ...any) *value.Map {
	s := value.NewMap("properties", value.NewMap(append([]any{"event", value.NewMap("const", name)}, fields...)...))
	if required != nil {
		s.Set("required", required)
	}
	return s
}

var (
	intentSchema   = object("name", ofType("string"), "confidence", ofType("number"))
	entitiesSchema = list(object(
		"start", ofType("integer"), "end", ofType("integer"), "entity", ofType("string"), "confidence", ofType("number"),
		"extractor", ofType("string", "null"), "value", &value.Map{}, "role", ofType("string", "null"), "group", ofType("string", "null"),
	).Set("required", []any{"entity", "value"}))
	// selectorsSchema is an exclusive or: either all_retrieval_intents is a list (or absent), or every key is a selector.
	selectorsSchema = value.NewMap("type", "object", "oneOf", []any{
		value.NewMap("properties", value.NewMap("all_retrieval_intents", ofType("array"))),
		value.NewMap("patternProperties", value.NewMap(`[\w/]`, selectorSchema())),
	})
)

func selectorSchema() *value.Map {
	text, number := ofType("string"), ofType("number")
	texts := list(object("text", text))
	return object(
		"response", object("responses", texts, "response_templates", texts, "confidence", number,
			"intent_response_key", text, "utter_action", text, "template_name", text),
		"ranking", list(object("id", number, "confidence", number, "intent_response_key", text)),
	)
}

// ofType is the schema of a value of one of the types.
func ofType(names ...string) *value.Map {
	if len(names) == 1 {
		return value.NewMap("type", names[0])
	}
	return value.NewMap("type", value.Strings(names))
}

func object(properties ...any) *value.Map {
	return value.NewMap("type", "object", "properties", value.NewMap(properties...))
}

func list(items *value.Map) *value.Map { return value.NewMap("type", "array", "items", items) }
