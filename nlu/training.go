package nlu

import (
	"cmp"
	"slices"
	"strings"

	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// TrainingData is what components learn from (rasa/shared/nlu/training_data/training_data.py).
type TrainingData struct {
	// Examples are all messages without repetition: the default actions, the NLU examples in the order of the files,
	// and what stories say (E2EImporter in rasa/shared/importers/importer.py).
	Examples []*Message
	// Synonyms are in the order in which they were first seen.
	Synonyms []project.Synonym
	// Regexes are sorted by name and pattern.
	Regexes []project.Regex
	Lookups []project.Lookup
	// Responses are those of retrieval intents.
	Responses []project.Response
}

// defaultActionNames is DEFAULT_ACTION_NAMES of rasa/shared/core/constants.py: each is a training message.
var defaultActionNames = []string{
	"action_listen", "action_restart", "action_session_start", "action_default_fallback", "action_deactivate_loop",
	"action_revert_fallback_events", "action_default_ask_affirmation", "action_default_ask_rephrase",
	"action_two_stage_fallback", "action_unlikely_intent", "action_back", "...", "action_extract_slots",
}

// NewTrainingData collects the training data of a project. stories may be nil.
func NewTrainingData(data *project.NLUData, stories project.Stories) *TrainingData {
	t := &TrainingData{Synonyms: data.Synonyms, Regexes: slices.Clone(data.Regexes), Lookups: data.Lookups, Responses: data.Responses}
	slices.SortStableFunc(t.Regexes, func(a, b project.Regex) int {
		return cmp.Compare(a.Name+"+"+a.Pattern, b.Name+"+"+b.Pattern)
	})
	seen := make(map[string]bool, len(data.Examples))
	add := func(m *Message) {
		if key := m.identity(); !seen[key] {
			seen[key] = true
			t.Examples = append(t.Examples, m)
		}
	}
	for _, name := range defaultActionNames {
		add(actionMessage(ActionName, name))
	}
	responses := responseTexts(data.Responses)
	for i := range data.Examples {
		add(exampleMessage(&data.Examples[i], responses))
	}
	for _, m := range storyMessages(stories) {
		add(m)
	}
	return t
}

func exampleMessage(e *project.Example, responses map[string]string) *Message {
	m := &Message{Annotations: e.Entities}
	if e.Action != "" {
		m.Set(ActionText, e.Action)
		return m
	}
	m.Set(Text, e.Text)
	if e.Intent != "" {
		m.Set(Intent, value.Strip(e.Intent))
	}
	if e.ResponseKey != "" {
		m.Set(IntentResponseKey, e.ResponseKey)
		if text, ok := responses[e.ResponseKey]; ok {
			m.Set(Response, value.Strip(text))
		}
	}
	if e.Metadata != nil {
		m.metadataKey = value.CanonicalKey(e.Metadata)
	}
	return m
}

// responseTexts returns the training label of each retrieval response: its last text, or its name when it has none
// (TrainingData._fill_response_phrases).
func responseTexts(responses []project.Response) map[string]string {
	texts := make(map[string]string, len(responses))
	for _, r := range responses {
		key := strings.TrimPrefix(r.Name, "utter_")
		text := "utter_" + key
		for _, v := range r.Variations {
			if s := v.Fields.String("text"); s != "" {
				text = s
			}
		}
		texts[key] = text
	}
	return texts
}

func storyMessages(stories project.Stories) []*Message {
	var actions, users []*Message
	var walk func(steps []project.Step)
	walk = func(steps []project.Step) {
		for i := range steps {
			switch s := &steps[i]; s.Kind {
			case project.ActionStep:
				actions = append(actions, actionMessage(ActionName, s.Action))
			case project.BotStep:
				actions = append(actions, actionMessage(ActionText, s.Action))
			case project.UserStep:
				users = append(users, userMessage(s.User))
			case project.OrStep:
				walk(s.Or)
			}
		}
	}
	for i := range stories {
		walk(stories[i].Steps)
	}
	byValue := func(first, second Attribute) func(a, b *Message) int {
		return func(a, b *Message) int {
			return cmp.Compare(cmp.Or(a.Value(first), a.Value(second)), cmp.Or(b.Value(first), b.Value(second)))
		}
	}
	slices.SortStableFunc(actions, byValue(ActionName, ActionText))
	slices.SortStableFunc(users, byValue(Intent, Text))
	return append(actions, users...)
}

func actionMessage(a Attribute, v string) *Message {
	m := &Message{}
	m.Set(a, v)
	return m
}

func userMessage(u *project.StoryMessage) *Message {
	m := &Message{}
	if u == nil {
		return m
	}
	if u.Intent == "" || u.Text != "" {
		m.Set(Text, u.Text)
		m.Annotations = u.Entities
	}
	if u.Intent != "" {
		m.Set(Intent, u.Intent)
	}
	return m
}

// identity distinguishes messages as Message.fingerprint does.
func (m *Message) identity() string {
	var b strings.Builder
	for a, v := range m.values {
		if m.has[a] {
			b.WriteByte(byte('0' + a))
			b.WriteString(v)
		}
		b.WriteByte(0)
	}
	for _, e := range m.Annotations {
		b.Write(value.Encode([]any{int64(e.Start), int64(e.End), e.Entity, e.Value, e.Role, e.Group}, value.Compact))
	}
	b.WriteByte(0)
	b.WriteString(m.metadataKey)
	return b.String()
}

// IntentExamples returns the NLU examples that have an intent.
func (t *TrainingData) IntentExamples() []*Message {
	return t.where(func(m *Message) bool { return !m.FromCore() && m.Value(Intent) != "" })
}

// EntityExamples returns the NLU examples that have annotated entities.
func (t *TrainingData) EntityExamples() []*Message {
	return t.where(func(m *Message) bool { return !m.FromCore() && len(m.Annotations) > 0 })
}

func (t *TrainingData) where(keep func(*Message) bool) []*Message {
	var out []*Message
	for _, m := range t.Examples {
		if keep(m) {
			out = append(out, m)
		}
	}
	return out
}

// EntityTypes returns the entities annotated in NLU examples.
func (t *TrainingData) EntityTypes() map[string]bool {
	types := make(map[string]bool)
	for _, m := range t.EntityExamples() {
		for _, e := range m.Annotations {
			types[e.Entity] = true
		}
	}
	return types
}
