package tracker

import (
	"math"

	"github.com/parleybot/parley/internal/value"
)

// Event is something that happened in a conversation. Events are immutable once they are in a tracker. The
// implementations are the exported structs of this package, one for each event class of rasa/shared/core/events.py.
type Event interface {
	// Type is the event's name in JSON: "user", "action", "slot", ...
	Type() string
	// Meta returns what every event has. It is filled before the event enters a tracker and not changed afterwards.
	Meta() *Base
	// fields adds what Rasa's as_dict has beyond event, timestamp and metadata.
	fields(m *value.Map)
	// apply changes s, a private copy of the tracker's state, as Rasa's apply_to does.
	apply(s *State, d *schema)
}

// Base is what every event has.
type Base struct {
	// Timestamp is in seconds since 1970.
	Timestamp float64
	// Metadata may be shared between events; whoever wants another one replaces it.
	Metadata *value.Map
}

// Meta returns b itself.
func (b *Base) Meta() *Base { return b }

// NoConfidence marks a missing confidence (null in JSON).
var NoConfidence = math.NaN()

// UserUttered is a message of the user. Create it with NewUserUttered.
type UserUttered struct {
	Base
	// Text is the message; NoText is true where Rasa has None.
	Text   string
	NoText bool
	// ParseData is the NLU result as it is stored and sent: text, intent, entities, message_id, metadata and whatever
	// the pipeline added.
	ParseData *value.Map
	// Intent and Entities are those of ParseData; policies may have added entities (EntitiesAdded).
	Intent   *value.Map
	Entities []any
	// InputChannel and MessageID are "" where Rasa has None.
	InputChannel string
	MessageID    string
	// TextFeaturization is Rasa's use_text_for_featurization.
	TextFeaturization Featurization

	// origin is the event that this one is a changed copy of, nil for an event of the conversation itself.
	origin *UserUttered
}

// Featurization tells whether a user message counts by its text or by its intent.
type Featurization uint8

// The values of use_text_for_featurization: None, True and False.
const (
	FeaturizeBoth Featurization = iota
	FeaturizeText
	FeaturizeIntent
)

// DefinePrevUserUtteredFeaturization tells by what the last user message was featurized when a policy predicted.
type DefinePrevUserUtteredFeaturization struct {
	Base
	UseText bool
	// Unknown is true where Rasa has None.
	Unknown bool
}

// EntitiesAdded holds entities that a policy found in the last user message.
type EntitiesAdded struct {
	Base
	Entities []any
}

// BotUttered is a message of the bot.
type BotUttered struct {
	Base
	Text   string
	NoText bool
	Data   *value.Map
}

// SlotSet sets a slot.
type SlotSet struct {
	Base
	Key   string
	Value any
}

// Restarted resets the conversation.
type Restarted struct{ Base }

// UserUtteranceReverted takes the last user message and all that followed it back.
type UserUtteranceReverted struct{ Base }

// AllSlotsReset sets all slots to their initial values.
type AllSlotsReset struct{ Base }

// ReminderScheduled asks for an intent to be triggered later.
type ReminderScheduled struct {
	Base
	Intent string
	// Entities is what was given, usually a list or nil.
	Entities any
	// DateTime is ISO 8601 as Python's isoformat prints it.
	DateTime          string
	Name              string
	KillOnUserMessage bool
}

// ReminderCancelled cancels the reminders that match; empty fields match every reminder. As in Rasa 3.6.21 its JSON
// form carries none of its fields.
type ReminderCancelled struct {
	Base
	Name     string
	Intent   string
	Entities any
}

// ActionReverted takes the last action and all that followed it back.
type ActionReverted struct{ Base }

// StoryExported asks for the conversation to be written as a story to Path.
type StoryExported struct {
	Base
	Path string
}

// FollowupAction names the action to run next.
type FollowupAction struct {
	Base
	Name string
}

// ConversationPaused silences the bot.
type ConversationPaused struct{ Base }

// ConversationResumed ends ConversationPaused.
type ConversationResumed struct{ Base }

// ActionExecuted tells that an action ran.
type ActionExecuted struct {
	Base
	// Name is "" for an end-to-end action, which has ActionText instead.
	Name       string
	ActionText string
	// Policy is "" where Rasa has None.
	Policy string
	// Confidence is NoConfidence where Rasa has None.
	Confidence float64
	// EmptyName is true for end-to-end actions of stories, where Rasa's name is "" and not None: unlike those of real
	// conversations they count as an unhappy path inside a loop.
	EmptyName bool
	// HideRuleTurn hides the turn from policies that learn from stories.
	HideRuleTurn bool
}

// AgentUttered is a message of a human agent.
type AgentUttered struct {
	Base
	Text   string
	NoText bool
	Data   any
}

// ActiveLoop starts the loop Name, or ends the running one when Name is "". The legacy event "form" is read as this.
type ActiveLoop struct {
	Base
	Name string
}

// LoopInterrupted tells a loop whether it runs after an unhappy path. The legacy event "form_validation" is read as
// this.
type LoopInterrupted struct {
	Base
	IsInterrupted bool
}

// ActionExecutionRejected tells that a predicted action refused to run.
type ActionExecutionRejected struct {
	Base
	Name       string
	Policy     string
	Confidence float64
}

// SessionStarted begins a session.
type SessionStarted struct{ Base }

// The names of the events in JSON.
const (
	TypeUser             = "user"
	TypeFeaturization    = "user_featurization"
	TypeEntities         = "entities"
	TypeBot              = "bot"
	TypeSlot             = "slot"
	TypeRestart          = "restart"
	TypeRewind           = "rewind"
	TypeResetSlots       = "reset_slots"
	TypeReminder         = "reminder"
	TypeCancelReminder   = "cancel_reminder"
	TypeUndo             = "undo"
	TypeExport           = "export"
	TypeFollowup         = "followup"
	TypePause            = "pause"
	TypeResume           = "resume"
	TypeAction           = "action"
	TypeAgent            = "agent"
	TypeActiveLoop       = "active_loop"
	TypeForm             = "form"
	TypeLoopInterrupted  = "loop_interrupted"
	TypeFormValidation   = "form_validation"
	TypeActionRejected   = "action_execution_rejected"
	TypeSessionStarted   = "session_started"
	externalPrefix       = "EXTERNAL: "
	metadataExternalFlag = "is_external"
)

// Type returns "user".
func (*UserUttered) Type() string { return TypeUser }

// Type returns "user_featurization".
func (*DefinePrevUserUtteredFeaturization) Type() string { return TypeFeaturization }

// Type returns "entities".
func (*EntitiesAdded) Type() string { return TypeEntities }

// Type returns "bot".
func (*BotUttered) Type() string { return TypeBot }

// Type returns "slot".
func (*SlotSet) Type() string { return TypeSlot }

// Type returns "restart".
func (*Restarted) Type() string { return TypeRestart }

// Type returns "rewind".
func (*UserUtteranceReverted) Type() string { return TypeRewind }

// Type returns "reset_slots".
func (*AllSlotsReset) Type() string { return TypeResetSlots }

// Type returns "reminder".
func (*ReminderScheduled) Type() string { return TypeReminder }

// Type returns "cancel_reminder".
func (*ReminderCancelled) Type() string { return TypeCancelReminder }

// Type returns "undo".
func (*ActionReverted) Type() string { return TypeUndo }

// Type returns "export".
func (*StoryExported) Type() string { return TypeExport }

// Type returns "followup".
func (*FollowupAction) Type() string { return TypeFollowup }

// Type returns "pause".
func (*ConversationPaused) Type() string { return TypePause }

// Type returns "resume".
func (*ConversationResumed) Type() string { return TypeResume }

// Type returns "action".
func (*ActionExecuted) Type() string { return TypeAction }

// Type returns "agent".
func (*AgentUttered) Type() string { return TypeAgent }

// Type returns "active_loop".
func (*ActiveLoop) Type() string { return TypeActiveLoop }

// Type returns "loop_interrupted".
func (*LoopInterrupted) Type() string { return TypeLoopInterrupted }

// Type returns "action_execution_rejected".
func (*ActionExecutionRejected) Type() string { return TypeActionRejected }

// Type returns "session_started".
func (*SessionStarted) Type() string { return TypeSessionStarted }
