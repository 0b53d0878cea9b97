package project

import "github.com/parleybot/parley/internal/value"

// step reads one step: none when Rasa skips it.
func (r *storyReader) step(n *yamlNode) []Step {
	if n.Kind != yamlMap {
		return nil
	}
	switch {
	case n.has("intent") || n.has("user"):
		return r.userStep(n)
	case n.has("or"):
		return r.orStep(n)
	case n.has("action"):
		return r.actionStep(n)
	case n.has("bot"):
		text, _ := n.get("bot").str()
		if text == "" {
			r.ps.Warnf(n.At, "the bot says nothing in this step")
		}
		return []Step{{Kind: BotStep, Pos: n.At, Action: text}}
	case n.has("checkpoint"):
		return r.checkpointStep(n)
	case n.has("slot_was_set"):
		slots, _ := r.slots(n)
		return []Step{{Kind: SlotStep, Pos: n.At, Slots: slots}}
	case n.has("active_loop"):
		loop, _ := n.get("active_loop").str()
		return []Step{{Kind: LoopStep, Pos: n.At, Loop: loop}}
	}
	if len(n.Entries) == 0 || n.has("entities") {
		r.ps.Warnf(n.At, "this step has neither a message nor an action and is skipped")
	}
	return nil
}

// eventActions are the names of event types, which Rasa reads as the event when they stand as action
// (rasa/shared/core/events.py Event.from_story_string, 3.6.21).
var eventActions = map[string]StepKind{
	"undo": EventStep, "rewind": EventStep, "reset_slots": EventStep, "restart": EventStep, "pause": EventStep,
	"resume": EventStep, "session_started": EventStep, "export": EventStep, "followup": EventStep,
	"cancel_reminder": EventStep, "loop_interrupted": EventStep, "form_validation": EventStep,
	"action_execution_rejected": EventStep, "agent": EventStep, "bot": EventStep, "user_featurization": EventStep,
	"active_loop": LoopStep, "form": LoopStep,
}

// brokenEvents are the names of event types that cannot be made without details: Rasa fails.
var brokenEvents = map[string]bool{"slot": true, "user": true, "reminder": true, "entities": true}

func (r *storyReader) actionStep(n *yamlNode) []Step {
	node := n.get("action")
	name, isText := node.str()
	if !isText && !node.isNull() {
		return nil
	}
	if name == "" {
		r.ps.Warnf(n.At, "the action has no name; the step is skipped")
		return nil
	}
	if brokenEvents[name] {
		r.ps.Errorf(node.At, "%q is the name of an event, not of an action", name)
		return nil
	}
	step := Step{Kind: ActionStep, Pos: n.At, Action: name}
	switch kind, isEvent := eventActions[name]; {
	case isEvent && kind == LoopStep:
		step = Step{Kind: LoopStep, Pos: n.At, Loop: name}
	case isEvent:
		step.Kind = EventStep
	}
	if step.Kind != ActionStep {
		r.ps.Warnf(node.At, "%q is the name of an event; the step is that event and not an action", name)
	}
	return []Step{step}
}

// slots reads `slot_was_set`; false when an entry is neither a mapping nor a name, at which Rasa stops.
func (r *storyReader) slots(n *yamlNode) ([]StorySlot, bool) {
	list := n.get("slot_was_set")
	if list.isNull() {
		r.ps.Errorf(n.keyPos("slot_was_set"), "slot_was_set is empty; list the slots under it")
		return nil, false
	}
	var out []StorySlot
	for _, item := range items(list) {
		name, isText := item.str()
		switch {
		case item.Kind == yamlMap:
			for _, e := range item.Entries {
				out = append(out, StorySlot{Name: e.Key, Value: e.Val.value(), HasValue: true, Pos: e.KeyNode.At})
			}
		case isText && !item.Date:
			out = append(out, StorySlot{Name: name, Pos: item.At})
		default:
			r.ps.Warnf(item.At, "%s is no slot: write a name, or name and value; it and what follows in the list is skipped",
				value.Repr(item.value()))
			return out, false
		}
	}
	return out, true
}

func (r *storyReader) checkpointStep(n *yamlNode) []Step {
	cp := &StoryCheckpoint{}
	node := n.get("checkpoint")
	name, isText := node.str()
	if !isText && !node.isNull() {
		return nil
	}
	if cp.Name = name; name == "" {
		r.ps.Warnf(n.At, "the checkpoint has no name")
	}
	if n.has("slot_was_set") {
		slots, ok := r.slots(n)
		for _, s := range slots {
			if !s.HasValue {
				r.ps.Warnf(s.Pos, "slot %q of checkpoint %q has no value; the checkpoint is skipped", s.Name, cp.Name)
				return nil
			}
			cp.Slots = setCondition(cp.Slots, s)
		}
		if !ok {
			return nil
		}
	}
	return []Step{{Kind: CheckpointStep, Pos: n.At, Checkpoint: cp}}
}

// setCondition adds s; a slot that is there already gets the new value, as in Python's dict.
func setCondition(slots []StorySlot, s StorySlot) []StorySlot {
	for i := range slots {
		if slots[i].Name == s.Name {
			slots[i].Value = s.Value
			return slots
		}
	}
	return append(slots, s)
}

// orStep reads `or`. Every slot of a `slot_was_set` is an alternative of its own.
func (r *storyReader) orStep(n *yamlNode) []Step {
	list := n.get("or")
	if list.isNull() {
		r.ps.Errorf(n.keyPos("or"), "or is empty; list the alternatives under it")
		return nil
	}
	var alternatives []Step
	for _, item := range items(list) {
		switch {
		case item.Kind != yamlMap:
			return nil
		case item.has("intent"):
			alternatives = append(alternatives, r.userStep(item)...)
		case item.has("slot_was_set"):
			slots, ok := r.slots(item)
			if !ok {
				return nil
			}
			for _, s := range slots {
				alternatives = append(alternatives, Step{Kind: SlotStep, Pos: item.At, Slots: []StorySlot{s}})
			}
		default:
			r.ps.Warnf(item.At, "an alternative of or needs intent or slot_was_set; the whole or is skipped")
			return nil
		}
	}
	switch len(alternatives) {
	case 0:
		return nil
	case 1:
		return alternatives
	}
	return []Step{{Kind: OrStep, Pos: n.At, Or: alternatives}}
}
