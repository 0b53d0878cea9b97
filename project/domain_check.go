package project

import "slices"

// Check reports what Rasa's validator refuses in a domain by itself before training: forms that ask for slots that
// do not exist, mapping conditions on forms that do not exist or do not ask for the slot, and intents that trigger
// actions (rasa/validator.py verify_form_slots, verify_slot_mappings and verify_domain_validity, 3.6.21).
func (d *Domain) Check(ps *Problems) {
	var slots, forms []string
	for _, s := range d.Slots {
		slots = append(slots, s.Name)
	}
	for _, f := range d.Forms {
		forms = append(forms, f.Name)
		for i, name := range f.RequiredSlots {
			if _, ok := d.Slot(name); ok {
				continue
			}
			at := f.Pos
			if i < len(f.SlotPos) {
				at = f.SlotPos[i]
			}
			ps.Errorf(at, "form %q asks for slot %q, which the domain does not have%s", f.Name, name, didYouMean(name, slots))
		}
	}
	for _, s := range d.Slots {
		for _, m := range s.Mappings {
			d.checkConditions(s, m, forms, ps)
		}
	}
	for _, in := range d.Intents {
		if in.Triggers != "" {
			ps.Errorf(in.Pos, "intent %q triggers an action, which was the way of Rasa 1; write a rule instead", in.Name)
		}
	}
}

// checkConditions looks at the conditions of a mapping of slot s.
func (d *Domain) checkConditions(s Slot, m SlotMapping, forms []string, ps *Problems) {
	for _, c := range m.Conditions {
		if c.ActiveLoop == "" {
			continue
		}
		form, ok := d.Form(c.ActiveLoop)
		if !ok {
			ps.Errorf(m.Pos, "a mapping of slot %q has a condition on form %q, which the domain does not have%s", s.Name,
				c.ActiveLoop, didYouMean(c.ActiveLoop, forms))
			continue
		}
		if len(form.RequiredSlots) > 0 && !slices.Contains(form.RequiredSlots, s.Name) && m.Type != FromTriggerIntent {
			ps.Errorf(m.Pos, "a mapping of slot %q has a condition on form %q, whose required_slots lack the slot", s.Name,
				c.ActiveLoop)
		}
	}
}
