package tracker

import (
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// The action and intent names that the tracker itself knows.
const (
	ActionListen       = "action_listen"
	ActionSessionStart = "action_session_start"
)

// State is the conversation at one point. A State that can be reached from a tracker is immutable and may be shared
// by goroutines; the next event makes a new one.
type State struct {
	// Slots holds the values in the order of Domain.Slots.
	Slots []SlotValue
	// Followup is the action to run next, "" when policies decide. A new conversation has action_listen.
	Followup string
	// LatestAction is the name (or, with LatestActionIsText, the end-to-end text) of the last action, "" before any.
	LatestAction string
	// LatestMessage is never nil; IsEmpty tells that there was none.
	LatestMessage *UserUttered
	// LatestBot is nil before the bot said anything.
	LatestBot *BotUttered
	// Loop is nil when no loop is active.
	Loop               *Loop
	LatestActionIsText bool
	Paused             bool
}

// SlotValue is the value of one slot.
type SlotValue struct {
	Value any
	// Set is false while the slot has its initial value (Rasa's has_been_set).
	Set bool
}

// Loop is an active loop.
type Loop struct {
	Name        string
	Interrupted bool
	Rejected    bool
	// Trigger is the parse data of the message that started the loop.
	Trigger *value.Map
}

// LoopName returns the name of the active loop, "" when there is none.
func (s *State) LoopName() string {
	if s.Loop == nil {
		return ""
	}
	return s.Loop.Name
}

// sameState reports whether two states are equal, taking values for equal only when they are the same ones.
func sameState(a, b *State) bool {
	if len(a.Slots) != len(b.Slots) || len(a.Slots) > 0 && &a.Slots[0] != &b.Slots[0] {
		return false
	}
	sameLoop := a.Loop == b.Loop || a.Loop != nil && b.Loop != nil && *a.Loop == *b.Loop
	return sameLoop && a.Followup == b.Followup && a.Paused == b.Paused && a.LatestAction == b.LatestAction &&
		a.LatestActionIsText == b.LatestActionIsText && a.LatestMessage == b.LatestMessage && a.LatestBot == b.LatestBot
}

// schema is what applying events needs to know of the domain.
type schema struct {
	domain  *project.Domain
	initial *State
}

// newSchema returns the schema of a domain.
func newSchema(d *project.Domain) *schema {
	slots := make([]SlotValue, len(d.Slots))
	for i := range d.Slots {
		slots[i].Value = coerce(d.Slots[i].Type, d.Slots[i].InitialValue)
	}
	return &schema{d, &State{Slots: slots, Followup: ActionListen, LatestMessage: emptyUser}}
}

// coerce makes a list slot hold a list, as the setter of Rasa's ListSlot does.
func coerce(t project.SlotType, v any) any {
	if t != project.SlotList || !value.Truthy(v) {
		return v
	}
	if _, ok := v.([]any); ok {
		return v
	}
	return []any{v}
}

func (e *UserUttered) apply(s *State, _ *schema) {
	s.LatestMessage = e
	s.Followup = ""
}

func (e *DefinePrevUserUtteredFeaturization) apply(s *State, _ *schema) {
	if s.LatestAction != ActionListen {
		return // belongs only to the last user message, which always follows action_listen
	}
	m := s.LatestMessage.changed()
	m.TextFeaturization = FeaturizeIntent
	if e.UseText {
		m.TextFeaturization = FeaturizeText
	}
	s.LatestMessage = m
}

func (e *EntitiesAdded) apply(s *State, _ *schema) {
	if s.LatestAction != ActionListen {
		return // belongs only to the last user message, which always follows action_listen
	}
	m := s.LatestMessage.changed()
	m.Entities = append([]any(nil), m.Entities...)
	for _, added := range e.Entities {
		if !contains(m.Entities, added) {
			m.Entities = append(m.Entities, added)
		}
	}
	s.LatestMessage = m
}

func contains(list []any, v any) bool {
	for _, x := range list {
		if value.Equal(x, v) {
			return true
		}
	}
	return false
}

func (e *BotUttered) apply(s *State, _ *schema) { s.LatestBot = e }

func (e *SlotSet) apply(s *State, d *schema) {
	i, ok := d.domain.SlotIndex(e.Key)
	if !ok {
		return // Rasa logs an error and goes on; the processor does the logging
	}
	s.Slots = append([]SlotValue(nil), s.Slots...)
	s.Slots[i] = SlotValue{coerce(d.domain.Slots[i].Type, e.Value), true}
}

func (*Restarted) apply(s *State, d *schema) {
	*s = *d.initial
	s.Followup = ActionSessionStart
}

func (*AllSlotsReset) apply(s *State, d *schema)       { s.Slots = d.initial.Slots }
func (e *FollowupAction) apply(s *State, _ *schema)    { s.Followup = e.Name }
func (*ConversationPaused) apply(s *State, _ *schema)  { s.Paused = true }
func (*ConversationResumed) apply(s *State, _ *schema) { s.Paused = false }

func (e *ActionExecuted) apply(s *State, _ *schema) {
	s.LatestAction, s.LatestActionIsText = e.Name, false
	if e.Name == "" {
		s.LatestAction, s.LatestActionIsText = e.ActionText, true
	}
	s.Followup = ""
	if s.Loop == nil {
		return
	}
	rejected := s.Loop.Rejected && e.Name != s.Loop.Name
	if s.Loop.Interrupted || rejected != s.Loop.Rejected {
		s.Loop = &Loop{s.Loop.Name, false, rejected, s.Loop.Trigger}
	}
}

func (e *ActiveLoop) apply(s *State, _ *schema) {
	s.Loop = nil
	if e.Name != "" {
		s.Loop = &Loop{Name: e.Name, Trigger: s.LatestMessage.shownData()}
	}
}

func (e *LoopInterrupted) apply(s *State, _ *schema) {
	if s.Loop != nil {
		s.Loop = &Loop{s.Loop.Name, e.IsInterrupted, s.Loop.Rejected, s.Loop.Trigger}
	}
}

func (e *ActionExecutionRejected) apply(s *State, _ *schema) {
	if s.Loop != nil && s.Loop.Name == e.Name {
		s.Loop = &Loop{s.Loop.Name, s.Loop.Interrupted, true, s.Loop.Trigger}
	}
}

// Undoing and starting anew are done by the tracker, which knows the earlier states.
func (*SessionStarted) apply(*State, *schema)        {}
func (*UserUtteranceReverted) apply(*State, *schema) {}
func (*ActionReverted) apply(*State, *schema)        {}

// These are noted only.
func (*ReminderScheduled) apply(*State, *schema) {}
func (*ReminderCancelled) apply(*State, *schema) {}
func (*StoryExported) apply(*State, *schema)     {}
func (*AgentUttered) apply(*State, *schema)      {}
