package nlu

import (
	"strings"
	"unicode/utf8"

	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// Domain is what NLU needs to know of the domain; *project.Domain has it.
type Domain interface {
	Intent(name string) (*project.Intent, bool)
	Entity(name string) (*project.Entity, bool)
}

// IntentMessages reads messages that name their intent: `/intent@0.8{"entity": "value"}`
// (rasa/nlu/classifiers/regex_message_handler.py, unpack_regex_message in
// rasa/shared/core/training_data/story_reader/yaml_story_reader.py). It may be used by several goroutines.
type IntentMessages struct {
	domain Domain
	// sure holds the data of the domain's intents with confidence 1, which nearly all messages have.
	sure map[string]*intentData
	// Warn is told what was left out of a message, nil for nobody.
	Warn func(problem, detail string)
}

// intentData is what parse data say of an intent.
type intentData struct {
	intent  *value.Map
	ranking []any
}

func newIntentData(name string, confidence float64) *intentData {
	m := value.NewMap("name", name, "confidence", confidence)
	return &intentData{intent: m, ranking: []any{m}}
}

// NewIntentMessages returns a reader that accepts the intents and entities of domain, or all when domain is nil.
func NewIntentMessages(domain Domain) *IntentMessages {
	h := &IntentMessages{domain: domain, sure: make(map[string]*intentData)}
	if d, ok := domain.(*project.Domain); ok && d != nil {
		for _, intent := range d.Intents {
			h.sure[intent.Name] = newIntentData(intent.Name, 1)
		}
	}
	return h
}

const intentMessageExtractor = "RegexMessageHandler"

// noEntities has no capacity, so that appending copies it.
var noEntities = []any{}

// Parse returns the parse data of a message that names its intent: text, intent, entities and intent_ranking. ok is
// false when text is no such message, or names an intent the domain does not have; it is then ordinary text. The
// values of the result are shared and must not be changed.
func (h *IntentMessages) Parse(text string) (data *value.Map, ok bool) {
	text = value.Strip(text)
	if len(text) < 2 || text[0] != '/' {
		return nil, false
	}
	parts := splitIntentMessage(text)
	if parts.name == "" {
		return nil, false
	}
	name := value.Strip(parts.name)
	known := h.sure[name]
	if known == nil && h.domain != nil {
		if _, ok := h.domain.Intent(name); !ok {
			h.warn("unknown intent in a message", name)
			return nil, false
		}
	}
	if parts.rest != "" {
		h.warn("ignoring the end of a message", parts.rest)
	}
	if confidence := h.confidence(parts.confidence); known == nil || confidence != 1 {
		known = newIntentData(name, confidence)
	}
	return value.NewMap("text", text, "intent", known.intent, "entities", h.entities(text, parts),
		"intent_ranking", known.ranking), true
}

type intentMessage struct {
	name       string
	confidence string // with the "@", or ""
	// entities is the JSON with its byte offsets in the message; "" when absent.
	entities   string
	start, end int
	rest       string
}

// splitIntentMessage matches `/(name: [^{@]+)(confidence: @[0-9.]+)?(entities: {.+})?(rest: .*)` by hand: this runs for
// each button a user presses. As in Python `.` is anything but a line feed.
func splitIntentMessage(text string) intentMessage {
	end := strings.IndexAny(text, "{@")
	if end < 0 {
		return intentMessage{name: text[1:]}
	}
	m := intentMessage{name: text[1:end]}
	rest := text[end:]
	if rest[0] == '@' {
		n := 1
		for n < len(rest) && (rest[n] == '.' || '0' <= rest[n] && rest[n] <= '9') {
			n++
		}
		if n > 1 {
			m.confidence, rest = rest[:n], rest[n:]
		}
	}
	line, _, _ := strings.Cut(rest, "\n")
	if strings.HasPrefix(line, "{") {
		if last := strings.LastIndexByte(line, '}'); last >= 2 {
			m.start = len(text) - len(rest)
			m.end = m.start + last + 1
			m.entities, line = line[:last+1], line[last+1:]
		}
	}
	m.rest = line
	return m
}

// confidence reads "@0.8". What is no number counts as 0, what is above 1 as 1.
func (h *IntentMessages) confidence(s string) float64 {
	if s == "" {
		return 1
	}
	f, err := value.ParseFloat(s[1:])
	switch {
	case err != nil:
		h.warn("reading the confidence of a message", s)
		return 0
	case f > 1:
		h.warn("limiting the confidence of a message", s)
		return 1
	}
	return f
}

func (h *IntentMessages) entities(text string, parts intentMessage) []any {
	if parts.entities == "" {
		return noEntities
	}
	list := noEntities
	decoded, err := value.DecodeString(parts.entities)
	object, isObject := decoded.(*value.Map)
	if err != nil || !isObject {
		h.warn("reading the entities of a message", parts.entities)
		return list
	}
	start := int64(utf8.RuneCountInString(text[:parts.start]))
	end := start + int64(utf8.RuneCountInString(parts.entities))
	for entity, v := range object.All() {
		if h.domain != nil {
			if _, known := h.domain.Entity(entity); !known {
				h.warn("unknown entity in a message", entity)
				continue
			}
		}
		values, isList := v.([]any)
		if !isList {
			values = []any{v}
		}
		for _, one := range values {
			list = append(list, value.NewMap("entity", entity, "value", one, "start", start, "end", end,
				"extractor", intentMessageExtractor))
		}
	}
	return list
}

func (h *IntentMessages) warn(problem, detail string) {
	if h.Warn != nil {
		h.Warn(problem, detail)
	}
}
