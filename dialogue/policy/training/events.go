package training

import (
	"github.com/parleybot/parley/dialogue/policy/state"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// SnippetAction stands in rules for everything that may have happened before.
const SnippetAction = "..."

// filled is the value of a text slot that a story names without a value.
const filled = "filled"

// eventsOf returns the events of a step that is neither a checkpoint nor an `or`. In rules, what is set to null must not
// be set.
func eventsOf(d *project.Domain, s *project.Step, rule bool) []tracker.Event {
	switch s.Kind {
	case project.UserStep:
		return []tracker.Event{userEvent(s.User)}
	case project.ActionStep:
		return []tracker.Event{action(s.Action)}
	case project.BotStep:
		return []tracker.Event{&tracker.ActionExecuted{EmptyName: true, ActionText: s.Action, Confidence: tracker.NoConfidence}}
	case project.SlotStep:
		var out []tracker.Event
		for _, slot := range s.Slots {
			out = append(out, slotEvent(slot.Name, slotValue(d, slot), rule))
		}
		return out
	case project.LoopStep:
		name := s.Loop
		if name == "" && rule {
			name = state.ShouldNotBeSet
		}
		return []tracker.Event{&tracker.ActiveLoop{Name: name}}
	case project.EventStep:
		if e := eventCalled(s.Action); e != nil {
			return []tracker.Event{e}
		}
	}
	return nil
}

func action(name string) *tracker.ActionExecuted {
	return &tracker.ActionExecuted{Name: name, Confidence: tracker.NoConfidence}
}

func slotEvent(name string, v any, rule bool) *tracker.SlotSet {
	if v == nil && rule {
		v = state.ShouldNotBeSet
	}
	return &tracker.SlotSet{Key: name, Value: v}
}

// slotValue returns the value of an entry of `slot_was_set`.
func slotValue(d *project.Domain, s project.StorySlot) any {
	if s.HasValue {
		return s.Value
	}
	slot, ok := d.Slot(s.Name)
	switch {
	case !ok:
		return nil
	case slot.Type == project.SlotText:
		return filled
	case slot.Type == project.SlotList:
		return []any{filled}
	}
	return nil
}

func userEvent(m *project.StoryMessage) *tracker.UserUttered {
	intent := value.NewMap("name", nil)
	if m.HasIntent {
		intent = value.NewMap("name", m.Intent, "full_retrieval_intent_name", nil, "confidence", 1.0)
		if m.FullIntent != "" {
			intent.Set("full_retrieval_intent_name", m.FullIntent)
		}
	}
	entities := []any{}
	for _, e := range m.EntityMaps() {
		entities = append(entities, e)
	}
	u := tracker.NewUserUttered(m.Text, value.NewMap("intent", intent, "entities", entities), "", "", nil)
	u.NoText = m.Text == ""
	return u
}

// eventCalled returns the event that Rasa makes of `action: NAME` where NAME is a type of event.
func eventCalled(name string) tracker.Event {
	switch name {
	case tracker.TypeUndo:
		return &tracker.ActionReverted{}
	case tracker.TypeRewind:
		return &tracker.UserUtteranceReverted{}
	case tracker.TypeResetSlots:
		return &tracker.AllSlotsReset{}
	case tracker.TypeRestart:
		return &tracker.Restarted{}
	case tracker.TypePause:
		return &tracker.ConversationPaused{}
	case tracker.TypeResume:
		return &tracker.ConversationResumed{}
	case tracker.TypeSessionStarted:
		return &tracker.SessionStarted{}
	case tracker.TypeExport:
		return &tracker.StoryExported{}
	case tracker.TypeFollowup:
		return &tracker.FollowupAction{Name: name}
	case tracker.TypeCancelReminder:
		return &tracker.ReminderCancelled{Name: name}
	case tracker.TypeLoopInterrupted, tracker.TypeFormValidation:
		return &tracker.LoopInterrupted{}
	case tracker.TypeActionRejected:
		return &tracker.ActionExecutionRejected{Name: name, Confidence: tracker.NoConfidence}
	case tracker.TypeAgent:
		return &tracker.AgentUttered{NoText: true}
	case tracker.TypeBot:
		return &tracker.BotUttered{NoText: true}
	case tracker.TypeFeaturization:
		return &tracker.DefinePrevUserUtteredFeaturization{}
	}
	return nil
}

// slotsForEntities returns what the entities of a message set (Domain.slots_for_entities).
func slotsForEntities(d *project.Domain, entities []any, rule bool) []tracker.Event {
	if !d.StoreEntitiesAsSlots || len(entities) == 0 {
		return nil
	}
	var out []tracker.Event
	for i := range d.Slots {
		s := &d.Slots[i]
		var values []any
		for _, m := range s.Mappings {
			if m.Type != project.FromEntity || len(m.Conditions) > 0 && m.Conditions[0].ActiveLoop != "" {
				continue
			}
			for _, e := range entities {
				if e, ok := e.(*value.Map); ok && matches(e, &m) {
					values = append(values, e.Value("value"))
				}
			}
		}
		switch {
		case len(values) == 0:
		case s.Type == project.SlotList:
			out = append(out, slotEvent(s.Name, values, rule))
		default:
			out = append(out, slotEvent(s.Name, values[len(values)-1], rule))
		}
	}
	return out
}

func matches(entity *value.Map, m *project.SlotMapping) bool {
	return is(entity.Value("entity"), m.Entity) && is(entity.Value("role"), m.Role) && is(entity.Value("group"), m.Group)
}

func is(v any, want string) bool {
	if v == nil {
		return want == ""
	}
	return v == any(want) && want != ""
}
