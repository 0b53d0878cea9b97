package project

// ValueIn returns the value that the slot of a step stands for in a project with domain d: the written one, and for
// a bare name "filled" for a text slot, ["filled"] for a list slot and nil for any other slot
// (yaml_story_reader.py _slot_default_value, 3.6.21). A categorical, bool or float slot by its bare name is therefore
// a slot that is not set.
func (s StorySlot) ValueIn(d *Domain) any {
	if s.HasValue {
		return s.Value
	}
	slot, ok := d.Slot(s.Name)
	switch {
	case !ok:
		return nil
	case slot.Type == SlotText:
		return "filled"
	case slot.Type == SlotList:
		return []any{"filled"}
	}
	return nil
}

// CheckStories reports what Rasa's reader finds in stories only because it knows the domain: intents that are not in
// it (warnings), slots named without value that are not in it (errors), and slots named without value whose type
// needs one (warnings).
func CheckStories(stories Stories, d *Domain, ps *Problems) {
	c := storyChecker{domain: d, ps: ps, bare: map[string]bool{}}
	for _, s := range stories {
		c.steps(s.Conditions)
		c.steps(s.Steps)
	}
}

type storyChecker struct {
	domain *Domain
	ps     *Problems
	// bare are the slots whose missing value was reported already.
	bare map[string]bool
}

func (c *storyChecker) steps(steps []Step) {
	for _, s := range steps {
		switch s.Kind {
		case UserStep:
			c.message(s)
		case SlotStep:
			c.slots(s.Slots)
		case OrStep:
			c.steps(s.Or)
		}
	}
}

func (c *storyChecker) message(s Step) {
	if !s.User.HasIntent {
		return
	}
	if _, ok := c.domain.Intent(s.User.Intent); ok {
		return
	}
	var known []string
	for _, i := range c.domain.Intents {
		if !i.Default {
			known = append(known, i.Name)
		}
	}
	c.ps.Warnf(s.Pos, "intent %q is not in the domain%s", s.User.Intent, didYouMean(s.User.Intent, known))
}

func (c *storyChecker) slots(slots []StorySlot) {
	for _, s := range slots {
		if s.HasValue {
			continue
		}
		slot, ok := c.domain.Slot(s.Name)
		switch {
		case !ok:
			known := make([]string, len(c.domain.Slots))
			for i := range c.domain.Slots {
				known[i] = c.domain.Slots[i].Name
			}
			c.ps.Errorf(s.Pos, "slot %q is not in the domain%s", s.Name, didYouMean(s.Name, known))
		case !c.bare[s.Name] && slot.InfluenceConversation && slot.Type != SlotAny && s.ValueIn(c.domain) == nil:
			c.bare[s.Name] = true
			c.ps.Warnf(s.Pos, "slot %q of type %s needs a value here; without one it counts as not set", s.Name, slot.Type)
		}
	}
}
