package server

import (
	"crypto/rand"
	"fmt"

	"github.com/labstack/echo/v4"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/internal/value"
)

// emulation returns what turns parse data into the form of another service, chosen by the parameter emulation_mode
// (rasa/nlu/emulators, 3.6.21).
func emulation(c echo.Context) (func(*value.Map) (*value.Map, error), error) {
	mode, ok := channels.Query(c, "emulation_mode")
	if !ok {
		return func(m *value.Map) (*value.Map, error) { return m, nil }, nil
	}
	switch value.Lower(mode) {
	case "wit":
		return asWit, nil
	case "luis":
		return asLUIS, nil
	case "dialogflow":
		return asDialogflow, nil
	}
	return nil, badParameter("emulation_mode", "query",
		"Invalid parameter value for 'emulation_mode'. Should be one of 'WIT', 'LUIS', 'DIALOGFLOW'.")
}

// entity is one entity of parse data.
type entity struct {
	*value.Map
	kind       string
	start, end int64
	placed     bool
}

func entities(parse *value.Map) []entity {
	list := parse.List("entities")
	out := make([]entity, len(list))
	for i, item := range list {
		m, _ := item.(*value.Map)
		start, hasStart := m.Value("start").(int64)
		end, hasEnd := m.Value("end").(int64)
		out[i] = entity{m, value.Str(m.Value("entity")), start, end, hasStart && hasEnd}
	}
	return out
}

// role returns the entity's role, or otherwise when it has none.
func (e entity) role(otherwise any) any {
	if role, ok := e.Get("role"); ok {
		return role
	}
	return otherwise
}

// asWit is the form of wit.ai: entities by kind and role.
func asWit(parse *value.Map) (*value.Map, error) {
	text := []rune(parse.String("text"))
	found := &value.Map{}
	for _, e := range entities(parse) {
		if !e.placed {
			return nil, fmt.Errorf("entity %q has no place in the text", e.kind)
		}
		confidence := e.Value("confidence_entity")
		if !value.Truthy(confidence) {
			confidence = int64(1)
		}
		end := min(max(e.end, 0), int64(len(text)))
		body := string(text[min(max(e.start, 0), end):end])
		role := e.role(e.kind)
		key := e.kind + ":" + value.Str(role)
		found.Set(key, append(found.List(key), value.NewMap("confidence", confidence, "name", e.kind, "value", e.Value("value"),
			"body", body, "start", e.start, "end", e.end, "role", role, "entities", []any{})))
	}
	return value.NewMap("text", parse.Value("text"), "intents", []any{parse.Value("intent")}, "entities", found), nil
}

// asLUIS is the form of LUIS: the last entity of each role or kind.
func asLUIS(parse *value.Map) (*value.Map, error) {
	instances := &value.Map{}
	found := value.NewMap("$instance", instances)
	for _, e := range entities(parse) {
		key := value.Str(e.role(e.kind))
		found.Set(key, []any{e.Value("value")})
		var length any
		if e.placed {
			length = e.end - e.start
		}
		instances.Set(key, []any{value.NewMap("role", e.Value("role"), "type", e.kind, "text", e.Value("value"),
			"startIndex", e.Value("start"), "length", length, "score", e.Value("confidence"), "modelType", e.Value("extractor"))})
	}
	top := parse.Map("intent")
	ranking := parse.List("intent_ranking")
	if len(ranking) == 0 && top.Len() > 0 {
		ranking = []any{top}
	}
	intents := &value.Map{}
	for _, item := range ranking {
		m, _ := item.(*value.Map)
		intents.Set(jsonKey(m.Value("name")), value.NewMap("score", m.Value("confidence")))
	}
	return value.NewMap("query", parse.Value("text"), "prediction", value.NewMap("normalizedQuery", parse.Value("text"),
		"topIntent", top.Value("name"), "intents", intents, "entities", found)), nil
}

// jsonKey is a dictionary's key as JSON writes it: None becomes null.
func jsonKey(v any) string {
	if v == nil {
		return "null"
	}
	return value.Str(v)
}

// asDialogflow is the form of Dialogflow: values by kind of entity.
func asDialogflow(parse *value.Map) (*value.Map, error) {
	parameters := &value.Map{}
	for _, e := range entities(parse) {
		parameters.Set(e.kind, append(parameters.List(e.kind), e.Value("value")))
	}
	intent := parse.Map("intent")
	name := intent.Value("name")
	return value.NewMap("responseId", newUUID(), "queryResult", value.NewMap(
		"queryText", parse.Value("text"), "action", name, "parameters", parameters,
		"fulfillmentText", "", "fulfillmentMessages", []any{}, "outputContexts", []any{},
		"intent", value.NewMap("name", name, "displayName", name),
		"intentDetectionConfidence", intent.Value("confidence"))), nil
}

// newUUID returns a random UUID (version 4) with dashes.
func newUUID() string {
	var raw [16]byte
	// rand.Read of crypto/rand never fails.
	_, _ = rand.Read(raw[:])
	raw[6], raw[8] = raw[6]&0x0f|0x40, raw[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", raw[:4], raw[4:6], raw[6:8], raw[8:10], raw[10:])
}
