package validate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/parleybot/parley/dialogue/policy/training"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// stories looks for names in stories and rules that the domain does not have (verify_utterances_in_stories,
// verify_actions_in_stories_rules, verify_forms_in_stories_rules of rasa/validator.py; other actions, slots and
// entities are not looked at there).
func (c *checker) stories() {
	d := c.p.Domain
	utterances := c.utterances()
	for _, u := range c.uses.actions.order {
		c.action(u, utterances)
	}
	for _, u := range c.uses.loops.order {
		if _, ok := d.ActionIndex(u.name); !ok {
			c.add(fails, UnknownForm, u.pos, "form %q of %q is not in the domain%s", u.name, u.story,
				didYouMean(u.name, c.formNames()))
		}
	}
	for _, u := range c.uses.slots.order {
		if _, ok := d.Slot(u.name); !ok {
			c.add(mistake, UnknownSlot, u.pos, "slot %q of %q is not in the domain%s", u.name, u.story,
				didYouMean(u.name, c.slotNames()))
		}
	}
	for _, u := range c.uses.entities.order {
		if _, ok := d.Entity(u.name); !ok {
			c.add(mistake, UnknownEntity, u.pos, "entity %q of %q is not in the domain%s", u.name, u.story,
				didYouMean(u.name, c.entityNames()))
		}
	}
	c.duplicates()
}

func (c *checker) action(u use, utterances map[string]bool) {
	d := c.p.Domain
	_, known := d.ActionIndex(u.name)
	switch {
	case u.name == "" || u.name == training.SnippetAction:
	case strings.HasPrefix(u.name, "utter_"):
		if !utterances[u.name] {
			c.add(failsOnWarnings, UnknownResponse, u.pos, "action %q of %q has no response in the domain%s", u.name, u.story,
				didYouMean(u.name, keys(utterances)))
		}
	case known:
	case strings.HasPrefix(u.name, "action_"):
		c.add(fails, UnknownAction, u.pos, "action %q of %q is not in the domain%s", u.name, u.story,
			didYouMean(u.name, d.ActionNames()))
	default:
		c.add(mistake, UnknownAction, u.pos, "action %q of %q is not in the domain%s", u.name, u.story,
			didYouMean(u.name, d.ActionNames()))
	}
}

// utterances are the responses that are actions, those of retrieval intents under the name of their action
// (_gather_utterance_actions).
func (c *checker) utterances() map[string]bool {
	out := map[string]bool{}
	for i := range c.p.Domain.Responses {
		if name := c.p.Domain.Responses[i].Name; c.isAction(name) {
			out[baseName(name)] = true
		}
	}
	for i := range c.p.NLU.Responses {
		out[baseName(c.p.NLU.Responses[i].Name)] = true
	}
	return out
}

func (c *checker) isAction(name string) bool {
	_, ok := c.p.Domain.ActionIndex(name)
	return ok
}

// baseName is a name without its response key.
func baseName(name string) string {
	base, _, _ := strings.Cut(name, "/")
	return base
}

// slots looks at categories, and at the values that stories give to slots.
func (c *checker) slots() {
	for _, s := range c.p.Domain.Slots {
		if s.Type == project.SlotCategorical && len(s.Values) < 2 {
			c.add(hint, SlotValue, s.Pos, "categorical slot %q lists no values", s.Name)
		}
	}
	for _, s := range c.uses.values {
		slot, ok := c.p.Domain.Slot(s.Name)
		if !ok || slot.Type != project.SlotCategorical || len(slot.Values) < 2 || !s.HasValue || s.Value == nil {
			continue
		}
		text := strings.ToLower(value.Str(s.Value))
		if !slices.Contains(slot.Values, text) {
			c.add(hint, SlotValue, s.Pos, "slot %q has no value %q and takes it for any other%s", s.Name, value.Str(s.Value),
				didYouMean(text, slot.Values))
		}
	}
}

// duplicates looks for stories and rules that are told twice or share a name.
func (c *checker) duplicates() {
	type key struct {
		rule bool
		text string
	}
	byName, byText := map[key]*project.Story{}, map[key]*project.Story{}
	for i := range c.p.Stories {
		s := &c.p.Stories[i]
		kind := "story"
		if s.Rule {
			kind = "rule"
		}
		text := key{s.Rule, contents(s)}
		name := key{s.Rule, s.Name}
		switch {
		case byText[text] != nil:
			c.add(hint, DuplicateStory, s.Pos, "%s %q says the same as %q in %s", kind, s.Name, byText[text].Name, byText[text].Pos)
		case byName[name] != nil && s.Name != "":
			c.add(hint, DuplicateStory, s.Pos, "%s %q has the name of the one in %s", kind, s.Name, byName[name].Pos)
		}
		if byName[name] == nil {
			byName[name] = s
		}
		if byText[text] == nil {
			byText[text] = s
		}
	}
}

// contents is all that s says, without its name.
func contents(s *project.Story) string {
	nameless := *s
	nameless.Name = ""
	text, err := project.WriteStories([]project.Story{nameless}, project.WriteOptions{})
	if err != nil {
		return fmt.Sprint(s.Pos) // cannot be written, so nothing equals it
	}
	return string(text)
}

// storyConflicts looks for stories that go on differently from the same point (verify_story_structure), and for
// checkpoints that lead nowhere.
func (c *checker) storyConflicts() {
	conflicts, warnings := training.FindConflicts(c.p.Domain, c.p.Stories, c.MaxHistory)
	for _, found := range conflicts {
		var branches []string
		for _, b := range found.Branches {
			branches = append(branches, fmt.Sprintf("%s in %s", b.Action, told(b.Stories)))
		}
		c.add(failsOnWarnings, StoryConflict, found.Pos(), "stories go on differently after %s %q: %s", found.Kind, found.Name,
			strings.Join(branches, "; "))
	}
	for _, w := range warnings {
		c.add(mistake, Checkpoint, w.Pos, "%s", w.What)
	}
}

// told names at most three stories.
func told(stories []*training.Tracker) string {
	var out []string
	for _, t := range stories {
		if source := t.Source(); !slices.Contains(out, source) {
			out = append(out, source)
		}
	}
	if n := len(out); n > 3 {
		return fmt.Sprintf("%s and %d other stories", strings.Join(out[:2], ", "), n-2)
	}
	return strings.Join(out, ", ")
}

func keys(set map[string]bool) []string {
	var out []string
	for name := range set {
		out = append(out, name)
	}
	return out
}
