package project

import (
	"fmt"

	"github.com/parleybot/parley/internal/value"
)

// WriteOptions says how WriteStories writes.
type WriteOptions struct {
	// TestStory writes the text of every message, with its entities as markup, and no `entities`.
	TestStory bool
	// Appendable leaves out `version` and `stories:`, so that the text can be appended to a file of stories.
	Appendable bool
}

// WriteStories writes stories and rules as Rasa's YAMLStoryWriter does, byte for byte
// (rasa/shared/core/training_data/story_writer/yaml_story_writer.py, 3.6.21). GET /conversations/ID/story is one Story
// called like the sender, written with TestStory. Left out are, as there: messages without intent and text,
// action_listen, action_session_start and action_unlikely_intent unless they have a Comment, events that are no steps
// (EventStep), and the roles and groups of entities that are not written as markup. The error is a message whose
// entities cannot be written as markup.
func WriteStories(stories []Story, opts WriteOptions) ([]byte, error) {
	var plain, rules []any
	for _, s := range stories {
		doc, err := storyValue(s, opts)
		if err != nil {
			return nil, fmt.Errorf("write story %q: %w", s.Name, err)
		}
		if s.Rule {
			rules = append(rules, doc)
		} else {
			plain = append(plain, doc)
		}
	}
	if opts.Appendable && plain != nil {
		return WriteYAML(plain), nil
	}
	out := value.NewMap("version", quotedText(formatVersion))
	if plain != nil {
		out.Set("stories", plain)
	}
	if rules != nil {
		out.Set("rules", rules)
	}
	return WriteYAML(out), nil
}

func storyValue(s Story, opts WriteOptions) (*value.Map, error) {
	steps, err := stepValues(s.Steps, opts, s.Rule)
	if err != nil {
		return nil, err
	}
	if !s.Rule {
		return value.NewMap("story", s.Name, "steps", steps), nil
	}
	out := value.NewMap("rule", s.Name)
	conditions, err := stepValues(s.Conditions, opts, true)
	if err != nil {
		return nil, err
	}
	if len(conditions) > 0 {
		out.Set("condition", conditions)
	}
	if s.ConversationStart && len(s.Steps) > 0 && !isSnippet(s.Steps[0]) {
		out.Set("conversation_start", true)
	}
	if len(steps) > 0 {
		out.Set("steps", steps)
	}
	if s.NoWaitForUserInput || len(s.Steps) > 0 && isSnippet(s.Steps[len(s.Steps)-1]) {
		out.Set("wait_for_user_input", false)
	}
	return out, nil
}

// isSnippet reports whether s is the action "...", which stands for whatever came before or comes after a rule.
func isSnippet(s Step) bool { return s.Kind == ActionStep && s.Action == "..." }

// stepValues writes steps; each slot gets a step of its own.
func stepValues(steps []Step, opts WriteOptions, rule bool) ([]any, error) {
	out := []any{}
	for _, s := range steps {
		if !rule && isImplied(s) {
			continue
		}
		for _, one := range splitSlots(s) {
			v, err := stepValue(one, opts)
			if err != nil {
				return nil, err
			}
			if v.Len() > 0 {
				out = append(out, v)
			}
		}
	}
	return out, nil
}

// isImplied reports whether s is an action that stories do not show.
func isImplied(s Step) bool {
	switch s.Action {
	case "action_listen", "action_session_start", "action_unlikely_intent":
		return s.Kind == ActionStep && s.Comment == ""
	}
	return false
}

func splitSlots(s Step) []Step {
	if s.Kind != SlotStep {
		return []Step{s}
	}
	out := make([]Step, len(s.Slots))
	for i, slot := range s.Slots {
		out[i] = Step{Kind: SlotStep, Slots: []StorySlot{slot}}
	}
	return out
}

// stepValue writes one step; the map is empty when nothing is to be written.
func stepValue(s Step, opts WriteOptions) (*value.Map, error) {
	out := value.NewMap()
	switch s.Kind {
	case UserStep:
		return messageValue(s, opts)
	case ActionStep:
		if s.Action != "" && !isSnippet(s) {
			out.Set("action", withComment(s.Action, s.Comment))
		}
	case BotStep:
		if s.Action != "" {
			out.Set("bot", withComment(s.Action, s.Comment))
		}
	case SlotStep:
		out.Set("slot_was_set", slotValues(s.Slots))
	case LoopStep:
		var loop any
		if s.Loop != "" {
			loop = s.Loop
		}
		out.Set("active_loop", loop)
	case CheckpointStep:
		out.Set("checkpoint", s.Checkpoint.Name)
		if len(s.Checkpoint.Slots) > 0 {
			out.Set("slot_was_set", slotValues(s.Checkpoint.Slots))
		}
	case OrStep:
		alternatives, err := stepValues(s.Or, opts, true)
		if err != nil {
			return nil, err
		}
		out.Set("or", alternatives)
	}
	return out, nil
}

func slotValues(slots []StorySlot) []any {
	out := make([]any, len(slots))
	for i, s := range slots {
		if s.HasValue {
			out[i] = value.NewMap(s.Name, s.Value)
		} else {
			out[i] = s.Name
		}
	}
	return out
}

func withComment(v any, comment string) any {
	if comment == "" {
		return v
	}
	return commented{v, comment}
}

func messageValue(s Step, opts WriteOptions) (*value.Map, error) {
	m, out := s.User, value.NewMap()
	if m.Intent != "" && !m.TextFeaturized {
		name := m.Intent
		if m.FullIntent != "" {
			name = m.FullIntent
		}
		out.Set("intent", withComment(name, s.Comment))
	}
	entities := m.EntityMaps()
	if (len(entities) > 0 || m.ListEntities) && !opts.TestStory {
		out.Set("entities", entityValues(entities, m.EntityComments))
	}
	if m.Text != "" && (m.TextFeaturized || opts.TestStory) {
		text, err := formatMessage(m.Text, entities)
		if err != nil {
			return nil, err
		}
		out.Set("user", LiteralText(text))
	}
	return out, nil
}

func entityValues(entities []*value.Map, comments []string) []any {
	out := make([]any, len(entities))
	for i, e := range entities {
		v, hasValue := e.Get("value")
		if !hasValue {
			out[i] = e.Value("entity")
			continue
		}
		if i < len(comments) {
			v = withComment(v, comments[i])
		}
		out[i] = value.NewMap(value.Str(e.Value("entity")), v)
	}
	return out
}
