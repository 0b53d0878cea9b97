package validate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/parleybot/parley/project"
)

// unused looks for names of the domain that nothing uses. Rasa's check looks at intents and responses only.
func (c *checker) unused() {
	d := c.p.Domain
	for _, in := range d.Intents {
		if !in.Default && !c.uses.intents.has(in.Name) {
			c.add(hint, UnusedIntent, in.Pos, "intent %q is used in no story or rule", in.Name)
		}
	}
	c.unusedResponses()
	mapped, conditions := c.mapped()
	seen := c.annotatedNames()
	for _, e := range d.Entities {
		if !mapped[e.Name] && !seen[e.Name] && !c.uses.entities.has(e.Name) {
			c.add(hint, UnusedEntity, e.Pos, "entity %q is in no example, story or slot mapping", e.Name)
		}
	}
	for _, f := range d.Forms {
		if !c.uses.actions.has(f.Name) && !c.uses.loops.has(f.Name) {
			c.add(hint, UnusedForm, f.Pos, "form %q is used in no story or rule", f.Name)
		}
	}
	custom := c.customActions()
	for i, name := range d.UserActions {
		if slices.Contains(custom, name) && !c.uses.actions.has(name) && !c.calledByName(name, conditions) {
			c.add(hint, UnusedAction, d.UserActionPos[i], "action %q is used in no story, rule, form or slot mapping", name)
		}
	}
	if len(custom) == 0 { // else they may use any slot
		c.unusedSlots(conditions)
	}
}

// unusedResponses is the second half of verify_utterances_in_stories.
func (c *checker) unusedResponses() {
	all := make([]project.Response, 0, len(c.p.Domain.Responses)+len(c.p.NLU.Responses))
	for _, r := range c.p.Domain.Responses {
		if c.isAction(r.Name) {
			all = append(all, r)
		}
	}
	all = append(all, c.p.NLU.Responses...)
	reported := map[string]bool{}
	for _, r := range all {
		name := baseName(r.Name)
		if reported[name] || c.uses.actions.has(name) && strings.HasPrefix(name, "utter_") {
			continue
		}
		reported[name] = true
		c.add(hint, UnusedResponse, r.Pos, "response %q is used in no story or rule%s", name, c.onlyBy(name))
	}
}

// questions are the names by which a form finds what to ask for a slot with, in its order
// (rasa/core/actions/forms.py _name_of_utterance).
func questions(form, slot string) []string {
	return []string{
		"action_ask_" + form + "_" + slot, "utter_ask_" + form + "_" + slot, "action_ask_" + slot, "utter_ask_" + slot,
	}
}

// defaultResponses are what Rasa's own actions say (rasa/core/actions/action.py).
var defaultResponses = map[string]string{
	"utter_restart": "action_restart", "utter_back": "action_back", "utter_default": "action_default_fallback",
	"utter_ask_rephrase": "action_default_ask_rephrase",
}

// onlyBy returns a half-sentence about who uses the response called name all the same, "" for nobody.
func (c *checker) onlyBy(name string) string {
	if action := defaultResponses[name]; action != "" {
		return ", only by " + action
	}
	for _, f := range c.p.Domain.Forms {
		for _, slot := range f.RequiredSlots {
			if slices.Contains(questions(f.Name, slot), name) {
				return fmt.Sprintf(", only by form %q", f.Name)
			}
		}
	}
	return ""
}

// questions looks for slots that a form can never ask for.
func (c *checker) questions() {
	for _, f := range c.p.Domain.Forms {
		if c.isAction("validate_" + f.Name) {
			continue // it may decide what to ask
		}
		for i, slot := range f.RequiredSlots {
			_, known := c.p.Domain.Slot(slot)
			if !known || slices.ContainsFunc(questions(f.Name, slot), c.isAction) {
				continue
			}
			at := f.Pos
			if i < len(f.SlotPos) {
				at = f.SlotPos[i]
			}
			c.add(hint, MissingQuestion, at, "form %q has nothing to ask for slot %q with; add the response %q", f.Name, slot,
				"utter_ask_"+slot)
		}
	}
}

// mapped returns the entities that slot mappings name, and the slots and actions that mappings and forms name.
func (c *checker) mapped() (entities, others map[string]bool) {
	entities, others = map[string]bool{}, map[string]bool{}
	for _, s := range c.p.Domain.Slots {
		for _, m := range s.Mappings {
			entities[m.Entity] = true
			others[m.Action] = true
			for _, condition := range m.Conditions {
				others[condition.RequestedSlot] = true
			}
		}
	}
	for _, f := range c.p.Domain.Forms {
		others["validate_"+f.Name] = true
		for _, slot := range f.RequiredSlots {
			others[slot] = true
			for _, q := range questions(f.Name, slot) {
				others[q] = true
			}
		}
	}
	return entities, others
}

// annotatedNames are the entities of examples, regexes and lookup tables.
func (c *checker) annotatedNames() map[string]bool {
	out := map[string]bool{}
	for _, e := range c.p.NLU.Examples {
		for _, a := range e.Entities {
			out[a.Entity] = true
		}
	}
	for _, r := range c.p.NLU.Regexes {
		out[r.Name] = true
	}
	for _, l := range c.p.NLU.Lookups {
		out[l.Name] = true
	}
	return out
}

// calledByName reports whether Rasa runs an action because of its name or the configuration.
func (c *checker) calledByName(name string, others map[string]bool) bool {
	if others[name] || name == "action_validate_slot_mappings" {
		return true
	}
	for _, policy := range c.p.Config.Policies {
		if policy.Options.String("core_fallback_action_name") == name {
			return true
		}
	}
	return slices.Contains(project.DefaultActions(), name)
}

// unusedSlots looks for slots that change nothing: no form asks for them, no story or rule depends on them, and no
// response names them.
func (c *checker) unusedSlots(others map[string]bool) {
	said := map[string]bool{}
	for _, r := range c.p.Domain.Responses {
		for _, v := range r.Variations {
			for _, condition := range v.Conditions {
				said[condition.Name] = true
			}
			for _, s := range c.p.Domain.Slots {
				if v.Raw != nil && strings.Contains(textOf(v), "{"+s.Name) {
					said[s.Name] = true
				}
			}
		}
	}
	for _, s := range c.p.Domain.Slots {
		if !s.Default && !s.InfluenceConversation && !others[s.Name] && !said[s.Name] && !c.uses.slots.has(s.Name) {
			c.add(hint, UnusedSlot, s.Pos, "slot %q is used in no story, rule, form or response", s.Name)
		}
	}
}
