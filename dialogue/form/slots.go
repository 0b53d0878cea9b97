package form

import (
	"context"
	"errors"
	"slices"

	"github.com/parleybot/parley/actions"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

const validateSlotMappings = "action_validate_slot_mappings"

// unmapped are the slots that are never filled by mappings (DEFAULT_SLOT_NAMES).
var unmapped = []string{
	RequestedSlot, "session_started_metadata", "knowledge_base_listed_objects", "knowledge_base_last_object",
	"knowledge_base_last_object_type",
}

// Slots fills slots by the mappings of a domain. It is immutable.
type Slots struct {
	slots     []mappedSlot
	forms     map[string]*formTable
	validated bool
	requested int // index of requested_slot, -1 without forms
}

type mappedSlot struct {
	name     string
	index    int
	isList   bool
	mappings []mapping
}

// formTable is what extraction needs to know of a form.
type formTable struct {
	required []string
	ignored  []string
	unique   map[string]bool // by mapping.key
}

// NewSlots prepares the mappings of d. Mappings that name unknown entities or intents are left out, as Rasa skips them.
func NewSlots(d *project.Domain) *Slots {
	s := &Slots{forms: make(map[string]*formTable, len(d.Forms)), validated: d.IsUserAction(validateSlotMappings), requested: -1}
	if i, ok := d.SlotIndex(RequestedSlot); ok {
		s.requested = i
	}
	for i := range d.Forms {
		f := &d.Forms[i]
		s.forms[f.Name] = &formTable{f.RequiredSlots, f.IgnoredIntents, uniqueMappings(d, f)}
	}
	for i := range d.Slots {
		slot := &d.Slots[i]
		if slices.Contains(unmapped, slot.Name) {
			continue
		}
		ms := mappedSlot{name: slot.Name, index: i, isList: slot.Type == project.SlotList}
		for j := range slot.Mappings {
			if m := &slot.Mappings[j]; isValid(d, m) {
				ms.mappings = append(ms.mappings, newMapping(m))
			}
		}
		if len(ms.mappings) > 0 {
			s.slots = append(s.slots, ms)
		}
	}
	return s
}

// isValid reports whether the intents and the entity of a mapping exist.
func isValid(d *project.Domain, m *project.SlotMapping) bool {
	switch m.Type {
	case project.FromEntity:
		_, ok := d.Entity(m.Entity)
		return ok
	case project.FromIntent:
		for _, name := range m.Intents {
			if _, ok := d.Intent(name); !ok && name != "" {
				return false
			}
		}
	}
	return true
}

// uniqueMappings returns the keys of the from_entity mappings that only one slot of the form has.
func uniqueMappings(d *project.Domain, f *project.Form) map[string]bool {
	unique := make(map[string]bool)
	seen := make(map[string]bool)
	for _, name := range f.RequiredSlots {
		slot, ok := d.Slot(name)
		if !ok {
			continue
		}
		for i := range slot.Mappings {
			if m := &slot.Mappings[i]; m.Type == project.FromEntity {
				key := value.CanonicalKey(m.Raw)
				unique[key] = !seen[key]
				seen[key] = true
			}
		}
	}
	return unique
}

// turnView is what mappings look at, read once for all of them.
type turnView struct {
	t         *tracker.Tracker
	message   *tracker.UserUttered
	intent    string
	loop      string
	rejected  bool
	requested any
	form      *formTable
}

func (s *Slots) view(t *tracker.Tracker) turnView {
	state := t.State()
	v := turnView{t: t, message: state.LatestMessage, intent: state.LatestMessage.IntentName(), loop: state.LoopName()}
	if state.Loop != nil {
		v.rejected = state.Loop.Rejected
		v.form = s.forms[v.loop]
	}
	if s.requested >= 0 {
		v.requested = state.Slots[s.requested].Value
	}
	return v
}

func (v *turnView) requests(slot string) bool {
	name, ok := v.requested.(string)
	return ok && name == slot
}

// Extract returns the SlotSets that follow from the latest user message, and what action_validate_slot_mappings made of
// them (ActionExtractSlots.run). An extraction action that cannot be reached or refuses extracts nothing; any other
// failure, such as an answer that makes no sense, is returned.
func (s *Slots) Extract(ctx context.Context, h Host, t *tracker.Tracker) ([]tracker.Event, error) {
	view := s.view(t)
	var events []tracker.Event
	var ran []string
	for i := range s.slots {
		slot := &s.slots[i]
		for j := range slot.mappings {
			m := &slot.mappings[j]
			if !m.applies(&view, slot.name) {
				continue
			}
			if m.kind == project.Custom {
				if m.action == "" || slices.Contains(ran, m.action) {
					continue
				}
				ran = append(ran, m.action)
				more, err := runExtraction(ctx, h, m.action, t)
				if err != nil {
					return nil, err
				}
				events = append(events, more...)
				continue
			}
			if v, ok := m.extract(&view, slot.isList); ok && (v != nil || t.State().Slots[slot.index].Value != nil) {
				events = append(events, slotSet(h, slot.name, v))
				break
			}
		}
	}
	return s.validate(ctx, h, events, t)
}

// runExtraction runs a custom action and returns its SlotSets and bot messages.
func runExtraction(ctx context.Context, h Host, name string, t *tracker.Tracker) ([]tracker.Event, error) {
	copied := t.Snapshot()
	copied.Stamp(nil)
	events, err := h.RunCustom(ctx, name, copied)
	switch {
	case err == nil:
	case ctx.Err() == nil && (errors.Is(err, actions.ErrRejected) || errors.Is(err, actions.ErrUnavailable)):
		h.WarnNotFilled(ctx, name, err)
		return nil, nil
	default:
		return nil, err
	}
	return slices.DeleteFunc(events, func(e tracker.Event) bool {
		switch e.(type) {
		case *tracker.SlotSet, *tracker.BotUttered:
			return false
		}
		return true
	}), nil
}

// validate has the project's action_validate_slot_mappings look at the extracted values. A slot it says nothing about
// keeps its value. Messages of the extraction actions are dropped either way.
func (s *Slots) validate(ctx context.Context, h Host, events []tracker.Event, t *tracker.Tracker) ([]tracker.Event, error) {
	extracted := slotSets(events)
	if !s.validated {
		return extracted, nil
	}
	validated, err := runExtraction(ctx, h, validateSlotMappings, branch(t, extracted...))
	if err != nil {
		return nil, err
	}
	return append(validated, withoutKeysOf(extracted, validated)...), nil
}
