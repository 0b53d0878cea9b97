package project

import (
	"errors"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/parleybot/parley/internal/value"
)

// userStep reads a step with `intent` or `user`.
func (r *storyReader) userStep(n *yamlNode) []Step {
	m := &StoryMessage{HasIntent: n.has("intent")}
	if !r.intent(n, m) {
		return nil
	}
	if n.has("user") {
		node := n.get("user")
		written, ok := node.str()
		if node.isNull() {
			r.ps.Errorf(n.keyPos("user"), "user is empty; write what the user says")
		}
		if !ok {
			return nil
		}
		m.Text, m.Entities = r.text(written, node)
	} else if n.has("entities") {
		if n.get("entities").isNull() {
			r.ps.Errorf(n.keyPos("entities"), "entities is empty; list the entities or remove the key")
		}
		m.StepEntities = r.entities(n.get("entities"))
	}
	m.TextFeaturized = m.Text != "" && m.Intent == ""
	return []Step{{Kind: UserStep, Pos: n.At, User: m}}
}

// intent reads the intent of a step; false when it is no text or has too many parts.
func (r *storyReader) intent(n *yamlNode, m *StoryMessage) bool {
	node := n.get("intent")
	if node == nil {
		return true
	}
	name, isText := node.str()
	if !isText && !node.isNull() {
		return false
	}
	if name = value.Strip(name); name == "" {
		r.ps.Warnf(n.keyPos("intent"), "the intent is empty")
	}
	if strings.HasPrefix(name, "/") {
		r.ps.Warnf(node.At, "intent %q need not begin with /", name)
		name = name[1:]
	}
	base, key, err := splitIntent(name)
	if err != nil {
		r.ps.Errorf(node.At, "%v", err)
		return false
	}
	m.Intent = base
	if key == "" {
		return true
	}
	m.FullIntent = name
	if !r.test {
		r.ps.Warnf(node.At, "%q is a full retrieval intent; stories and rules use %q only", name, base)
	}
	return true
}

// splitIntent splits "faq/ask_name" into "faq" and "ask_name"
// (rasa/shared/nlu/training_data/message.py separate_intent_response_key, 3.6.21).
func splitIntent(name string) (base, key string, err error) {
	base, key, _ = strings.Cut(name, "/")
	if strings.Contains(key, "/") {
		return "", "", errors.New("intent " + name + " has more than one /")
	}
	return base, key, nil
}

// text reads the text of `user`.
func (r *storyReader) text(written string, node *yamlNode) (string, []EntityAnnotation) {
	plain, entities, err := parseMarkup(value.Strip(written))
	if err != nil {
		r.ps.Errorf(node.At, "%v", err)
		return "", nil
	}
	if strings.HasPrefix(plain, "/") {
		entities = r.slashEntities(plain, node.At)
	}
	return plain, entities
}

// slashMessage is the pattern of messages that name their intent: /intent@confidence{entities}.
var slashMessage = regexp.MustCompile(`^/([^{@]+)(@[0-9.]+)?(\{.+\})?(.*)`)

// slashEntities returns the entities of a text like `/greet{"name": "Ann"}`; each item of a list is an entity.
func (r *storyReader) slashEntities(text string, at Pos) []EntityAnnotation {
	text = value.Strip(text)
	m := slashMessage.FindStringSubmatchIndex(text)
	if m == nil {
		return nil
	}
	if rest := text[m[8]:m[9]]; rest != "" {
		r.ps.Warnf(at, "%q is not understood behind the intent of %q", rest, text)
	}
	if m[6] < 0 {
		return nil
	}
	fields, err := value.DecodeObject([]byte(text[m[6]:m[7]]))
	if err != nil {
		r.ps.Warnf(at, "the entities of %q are no JSON object and are left out: %v", text, err)
		return nil
	}
	start := utf8.RuneCountInString(text[:m[6]])
	end := start + utf8.RuneCountInString(text[m[6]:m[7]])
	var out []EntityAnnotation
	for name, v := range fields.All() {
		values, isList := v.([]any)
		if !isList {
			values = []any{v}
		}
		for _, one := range values {
			out = append(out, EntityAnnotation{Start: start, End: end, Entity: name, Value: one})
		}
	}
	return out
}

// entities reads the `entities` of a step without `user`.
func (r *storyReader) entities(list *yamlNode) []*value.Map {
	var out []*value.Map
	for _, item := range items(list) {
		name, isText := item.str()
		switch {
		case item.Kind == yamlMap:
			out = append(out, r.entity(item))
		case isText && !item.Date:
			out = append(out, value.NewMap("entity", name, "value", ""))
		case item.isNull():
			r.ps.Warnf(item.At, "the entity has no name")
			out = append(out, value.NewMap("entity", nil, "value", ""))
		}
	}
	return out
}

// entity reads `- city: Bern` with its role and group. The last key that is neither is the entity.
func (r *storyReader) entity(n *yamlNode) *value.Map {
	var name, val, role, group any
	for _, e := range n.Entries {
		switch e.Key {
		case "role":
			role = e.Val.value()
		case "group":
			group = e.Val.value()
		default:
			name, val = e.Key, e.Val.value()
		}
	}
	if name == nil {
		r.ps.Warnf(n.At, "the entity has no name")
	}
	out := value.NewMap()
	for key, v := range value.NewMap("entity", name, "value", val, "role", role, "group", group).All() {
		if v != nil {
			out.Set(key, v)
		}
	}
	return out
}

// EntityMaps returns the entities of the message as Rasa's UserUttered holds them.
func (m *StoryMessage) EntityMaps() []*value.Map {
	if len(m.Entities) == 0 {
		return m.StepEntities
	}
	out := make([]*value.Map, len(m.Entities))
	for i, e := range m.Entities {
		out[i] = e.Map()
	}
	return out
}

// Map returns the entity as Rasa holds it in a message: start, end, value, entity and what there is of role and
// group.
func (e EntityAnnotation) Map() *value.Map {
	m := value.NewMap("start", int64(e.Start), "end", int64(e.End), "value", e.Value, "entity", e.Entity)
	if e.Role != "" {
		m.Set("role", e.Role)
	}
	if e.Group != "" {
		m.Set("group", e.Group)
	}
	return m
}
