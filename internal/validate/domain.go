package validate

import (
	"slices"
	"strings"

	"github.com/parleybot/parley/dialogue/nlg"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// loaded takes over what reading the files found, sorted by what it means for the exit code. Among it are the intents
// of stories that the domain does not have (verify_intents_in_stories).
func (c *checker) loaded() {
	var stories, nlu project.Problems
	project.CheckStories(c.p.Stories, c.p.Domain, &stories)
	c.p.NLU.Check(func(name string) bool { _, ok := c.p.Domain.Response(name); return ok }, &nlu)
	ofStories, ofNLU := setOf(stories), setOf(nlu)
	for _, p := range c.p.Problems {
		switch {
		case ofStories[p] && c.p.Domain.IsEmpty(): // follows from that
		case ofStories[p] && c.uses.messages[p.Pos]:
			c.add(failsOnWarnings, UnknownIntent, p.Pos, "%s", p.What)
		case ofStories[p]:
			c.add(hint, SlotValue, p.Pos, "%s", p.What)
		case ofNLU[p]:
			c.add(hint, FewExamples, p.Pos, "%s", p.What)
		case p.Pos.File == c.p.Config.File && p.Pos.File != "":
			c.add(hint, Config, p.Pos, "%s", p.What)
		default:
			c.add(mistake, Suspicious, p.Pos, "%s", p.What)
		}
	}
}

func setOf(ps project.Problems) map[project.Problem]bool {
	out := make(map[project.Problem]bool, len(ps))
	for _, p := range ps {
		out[p] = true
	}
	return out
}

// domain is what Rasa refuses in the domain alone (verify_domain_validity, verify_form_slots, verify_slot_mappings).
func (c *checker) domain() {
	var ps project.Problems
	c.p.Domain.Check(&ps)
	for _, p := range ps {
		c.add(fails, InvalidDomain, p.Pos, "%s", p.What)
	}
}

// names looks for names inside the domain that it does not have, where Rasa does not look.
func (c *checker) names() {
	d := c.p.Domain
	for i := range d.Slots {
		for _, m := range d.Slots[i].Mappings {
			c.mapping(&d.Slots[i], m)
		}
	}
	for _, f := range d.Forms {
		for _, name := range f.IgnoredIntents {
			c.intent(f.Pos, name, "form %q ignores", f.Name)
		}
	}
	for i := range d.Responses {
		for _, v := range d.Responses[i].Variations {
			c.variation(d.Responses[i].Name, v)
		}
	}
}

func (c *checker) mapping(s *project.Slot, m project.SlotMapping) {
	d := c.p.Domain
	for _, name := range slices.Concat(m.Intents, m.NotIntents) {
		c.intent(m.Pos, name, "a mapping of slot %q names", s.Name)
	}
	if m.Type == project.FromEntity {
		entity, ok := d.Entity(m.Entity)
		switch {
		case !ok:
			c.add(mistake, UnknownEntity, m.Pos, "a mapping of slot %q names entity %q, which is not in the domain%s", s.Name,
				m.Entity, didYouMean(m.Entity, c.entityNames()))
		case m.Role != "" && !slices.Contains(entity.Roles, m.Role):
			c.add(mistake, UnknownEntity, m.Pos, "a mapping of slot %q names role %q, which entity %q does not have%s", s.Name,
				m.Role, m.Entity, didYouMean(m.Role, entity.Roles))
		case m.Group != "" && !slices.Contains(entity.Groups, m.Group):
			c.add(mistake, UnknownEntity, m.Pos, "a mapping of slot %q names group %q, which entity %q does not have%s", s.Name,
				m.Group, m.Entity, didYouMean(m.Group, entity.Groups))
		}
	}
	if m.Type == project.Custom && m.Action != "" && !c.isAction(m.Action) {
		c.add(mistake, UnknownAction, m.Pos, "a mapping of slot %q names action %q, which is not in the domain%s", s.Name, m.Action,
			didYouMean(m.Action, d.UserActions))
	}
	for _, condition := range m.Conditions {
		if name := condition.RequestedSlot; name != "" {
			if _, ok := d.Slot(name); !ok {
				c.add(mistake, UnknownSlot, m.Pos, "a mapping of slot %q has a condition on requested slot %q, which is not in the domain%s",
					s.Name, name, didYouMean(name, c.slotNames()))
			}
		}
	}
}

// intent reports an intent that the domain does not have.
func (c *checker) intent(at project.Pos, name, where, who string) {
	if _, ok := c.p.Domain.Intent(name); !ok {
		c.add(mistake, UnknownIntent, at, where+" intent %q, which is not in the domain%s", who, name, didYouMean(name, c.intentNames()))
	}
}

func (c *checker) variation(response string, v project.Variation) {
	for _, condition := range v.Conditions {
		if _, ok := c.p.Domain.Slot(condition.Name); !ok {
			c.add(mistake, UnknownSlot, v.Pos, "a condition of response %q names slot %q, which is not in the domain%s", response,
				condition.Name, didYouMean(condition.Name, c.slotNames()))
		}
	}
	for _, b := range v.Fields.List("buttons") {
		button, ok := b.(*value.Map)
		if !ok {
			continue
		}
		payload := button.String("payload")
		if !strings.HasPrefix(payload, "/") {
			continue
		}
		name := payload[1:]
		if i := strings.IndexAny(name, "{@ \n"); i >= 0 {
			name = name[:i]
		}
		if !strings.ContainsAny(name, "{}") && name != "" {
			c.intent(v.Pos, baseName(name), "a button of response %q sends", response)
		}
	}
}

// responses looks for placeholders that nothing fills in.
func (c *checker) responses() {
	l := mistake
	if len(c.customActions()) > 0 {
		l = hint // they may give the values
	}
	for _, p := range nlg.Check(c.p.Domain) {
		c.add(l, Placeholder, p.Pos, "%s", p.What)
	}
}

// customActions are the actions of the domain that are no responses: an action server runs them.
func (c *checker) customActions() []string {
	var out []string
	for _, name := range c.p.Domain.UserActions {
		if _, ok := c.p.Domain.Response(name); !ok && !strings.HasPrefix(name, "utter_") {
			out = append(out, name)
		}
	}
	return out
}
