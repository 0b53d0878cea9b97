package server

import (
	"errors"
	"fmt"
	"math"
	"math/big"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/pyre"
	"github.com/parleybot/parley/internal/value"
)

// The checks of Rasa's schema of events (rasa/shared/utils/schemas/events.py, 3.6.21). As with JSON schema a check of
// an object's key passes what is no object and what lacks the key.
type (
	check  func(v any) error
	fields map[string]check
)

func (f fields) check(m *value.Map) error {
	for key, v := range m.All() {
		if c := f[key]; c != nil {
			if err := c(v); err != nil {
				return fmt.Errorf("%q: %w", key, err)
			}
		}
	}
	return nil
}

func oneOf(want string, types ...func(v any) bool) check {
	return func(v any) error {
		for _, is := range types {
			if is(v) {
				return nil
			}
		}
		return fmt.Errorf("%s is not %s", value.Repr(v), want)
	}
}

func isNull(v any) bool   { return v == nil }
func isString(v any) bool { _, ok := v.(string); return ok }
func isObject(v any) bool { _, ok := v.(*value.Map); return ok }
func isBool(v any) bool   { _, ok := v.(bool); return ok }

func isInteger(v any) bool {
	switch v := v.(type) {
	case int64, *big.Int:
		return true
	case float64:
		return v == math.Trunc(v) && !math.IsInf(v, 0)
	}
	return false
}

func isNumber(v any) bool {
	_, float := v.(float64)
	return float || isInteger(v)
}

var (
	isText       = oneOf("a text", isString)
	textOrNull   = oneOf("a text or null", isString, isNull)
	number       = oneOf("a number", isNumber)
	numberOrNull = oneOf("a number or null", isNumber, isNull)
	integer      = oneOf("an integer", isInteger)
	boolean      = oneOf("true or false", isBool)
	objectOrNull = oneOf("an object or null", isObject, isNull)
)

func object(f fields) check {
	return func(v any) error {
		m, ok := v.(*value.Map)
		if !ok {
			return fmt.Errorf("%s is not an object", value.Repr(v))
		}
		return f.check(m)
	}
}

func list(item check) check {
	return func(v any) error {
		items, ok := v.([]any)
		if !ok {
			return fmt.Errorf("%s is not a list", value.Repr(v))
		}
		for i, v := range items {
			if err := item(v); err != nil {
				return fmt.Errorf("item %d: %w", i+1, err)
			}
		}
		return nil
	}
}

func requiring(keys []string, c check) check {
	return func(v any) error {
		if err := c(v); err != nil {
			return err
		}
		m, _ := v.(*value.Map)
		for _, key := range keys {
			if !m.Has(key) {
				return fmt.Errorf("%q is missing", key)
			}
		}
		return nil
	}
}

var (
	entitiesSchema = list(requiring([]string{"entity", "value"}, object(fields{
		"start": integer, "end": integer, "entity": isText, "confidence": number,
		"extractor": textOrNull, "role": textOrNull, "group": textOrNull,
	})))
	intentSchema    = object(fields{"name": isText, "confidence": number})
	responsesSchema = list(object(fields{"text": isText}))
	selectorSchema  = object(fields{
		"response": object(fields{
			"responses": responsesSchema, "response_templates": responsesSchema, "confidence": number,
			"intent_response_key": isText, "utter_action": isText, "template_name": isText,
		}),
		"ranking": list(object(fields{"id": number, "confidence": number, "intent_response_key": isText})),
	})
)

// eventSchemas has the events that are looked into.
var eventSchemas = map[string]check{
	tracker.TypeUser: object(fields{
		"text": textOrNull, "input_channel": textOrNull, "message_id": textOrNull,
		"parse_data": object(fields{
			"text": textOrNull, "intent_ranking": list(intentSchema), "intent": intentSchema, "entities": entitiesSchema,
			"response_selector": checkSelectors,
		}),
	}),
	tracker.TypeAction: object(fields{
		"policy": textOrNull, "confidence": numberOrNull, "name": textOrNull, "hide_rule_turn": boolean, "action_text": textOrNull,
	}),
	tracker.TypeSlot:     requiring([]string{"name", "value"}, object(fields{"name": isText})),
	tracker.TypeEntities: requiring([]string{"entities"}, object(fields{"entities": entitiesSchema})),
}

// otherEvents are known and not looked into.
var otherEvents = map[string]bool{
	tracker.TypeFeaturization: true, tracker.TypeCancelReminder: true, tracker.TypeReminder: true, tracker.TypeActionRejected: true,
	tracker.TypeFormValidation: true, tracker.TypeLoopInterrupted: true, tracker.TypeForm: true, tracker.TypeActiveLoop: true,
	tracker.TypeResetSlots: true, tracker.TypeResume: true, tracker.TypePause: true, tracker.TypeFollowup: true,
	tracker.TypeExport: true, tracker.TypeRestart: true, tracker.TypeUndo: true, tracker.TypeRewind: true,
	tracker.TypeBot: true, tracker.TypeSessionStarted: true, tracker.TypeAgent: true,
}

var anyEvent = requiring([]string{"event"}, object(fields{"event": isText, "timestamp": numberOrNull, "metadata": objectOrNull}))

// checkEvent returns what is wrong with an event.
func checkEvent(v any) error {
	if err := anyEvent(v); err != nil {
		return err
	}
	m, _ := v.(*value.Map)
	name := m.String("event")
	if c := eventSchemas[name]; c != nil {
		return c(v)
	}
	if !otherEvents[name] {
		return fmt.Errorf("event %q is not known", name)
	}
	return nil
}

// checkSelectors is an exclusive or in Rasa: either all_retrieval_intents is a list (or absent), or every key is a
// selector, but not both. An empty object is both.
func checkSelectors(v any) error {
	m, ok := v.(*value.Map)
	if !ok {
		return fmt.Errorf("%s is not an object", value.Repr(v))
	}
	intents, given := m.Get("all_retrieval_intents")
	_, isList := intents.([]any)
	listed := isList || !given
	var problem error
	for key, v := range m.All() {
		if problem == nil && hasWordOrSlash(key) {
			problem = selectorSchema(v)
		}
	}
	switch {
	case listed && problem == nil:
		return errors.New("it has no selectors beside its retrieval intents")
	case !listed && problem != nil:
		return problem
	}
	return nil
}

func hasWordOrSlash(s string) bool {
	for _, r := range s {
		if r == '/' || pyre.IsWord(r) {
			return true
		}
	}
	return false
}
