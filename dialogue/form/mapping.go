package form

import (
	"slices"

	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// mapping is a slot mapping prepared for use (rasa/shared/core/slot_mappings.py, 3.6.21).
type mapping struct {
	kind                project.MappingType
	intents, notIntents []string
	entity, role, group string
	value               any
	action              string
	conditions          []project.MappingCondition
	// key tells equal mappings of different slots.
	key string
}

func newMapping(m *project.SlotMapping) mapping {
	return mapping{
		kind: m.Type, intents: m.Intents, notIntents: m.NotIntents, entity: m.Entity, role: m.Role, group: m.Group,
		value: m.Value, action: m.Action, conditions: m.Conditions, key: value.CanonicalKey(m.Raw),
	}
}

// applies reports whether the mapping may fill slot in this turn.
func (m *mapping) applies(v *turnView, slot string) bool {
	return m.wantsIntent(v) && m.meetsConditions(v, slot) && !m.isAmbiguous(v, slot)
}

func (m *mapping) wantsIntent(v *turnView) bool {
	if len(m.intents) > 0 {
		return v.intent != "" && slices.Contains(m.intents, v.intent)
	}
	if v.intent == "" {
		return true
	}
	return !slices.Contains(m.notIntents, v.intent) && !m.ignores(v)
}

// ignores reports whether the active form ignores the intent; conditions on other loops only exempt the mapping.
func (m *mapping) ignores(v *turnView) bool {
	if v.form == nil || !slices.Contains(v.form.ignored, v.intent) {
		return false
	}
	return len(m.conditions) == 0 || m.hasLoop(v.loop)
}

func (m *mapping) hasLoop(loop string) bool {
	return slices.ContainsFunc(m.conditions, func(c project.MappingCondition) bool { return c.ActiveLoop == loop })
}

func (m *mapping) meetsConditions(v *turnView, slot string) bool {
	if len(m.conditions) == 0 || m.kind == project.FromTriggerIntent {
		return true
	}
	if v.rejected && v.requests(slot) {
		return false
	}
	for i := range m.conditions {
		c := &m.conditions[i]
		if c.ActiveLoop != v.loop {
			continue
		}
		if c.ActiveLoop == "" || c.RequestedSlot == "" || v.requests(c.RequestedSlot) {
			return true
		}
	}
	return false
}

// isAmbiguous reports whether, inside a form, the entity could fill several slots that the form did not ask for.
func (m *mapping) isAmbiguous(v *turnView, slot string) bool {
	return m.kind == project.FromEntity && v.form != nil && !v.requests(slot) &&
		slices.Contains(v.form.required, slot) && !v.form.unique[m.key]
}

// extract returns the value the mapping finds, false when it finds none. A slot that is no list gets the last of several
// entities.
func (m *mapping) extract(v *turnView, isList bool) (any, bool) {
	switch m.kind {
	case project.FromEntity:
		return m.entityValue(v, isList)
	case project.FromTriggerIntent:
		if v.loop == "" || len(m.conditions) > 0 && !m.hasLoop(v.loop) {
			return nil, false
		}
		return listed(m.value, isList), true
	case project.FromIntent:
		return listed(m.value, isList), true
	case project.FromText:
		if v.message.NoText {
			return listed(nil, isList), true
		}
		return listed(v.message.Text, isList), true
	}
	return nil, false
}

func listed(v any, isList bool) any {
	if isList {
		return []any{v}
	}
	return v
}

func (m *mapping) entityValue(v *turnView, isList bool) (any, bool) {
	if len(v.message.Entities) == 0 {
		return nil, false
	}
	var all []any
	var last any
	found := false
	for e := range v.t.LatestEntityValues(m.entity, m.role, m.group) {
		last, found = e, true
		if isList {
			all = append(all, e)
		}
	}
	if isList {
		return all, found
	}
	return last, found
}
