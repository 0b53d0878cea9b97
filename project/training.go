package project

import "github.com/parleybot/parley/internal/value"

// NLUData is the NLU part of the training data (rasa/shared/nlu/training_data/training_data.py, 3.6.21).
type NLUData struct {
	// Examples are in the order of the files, without duplicates.
	Examples []Example
	// Synonyms are in the order in which their texts were first seen: the sections and what annotations imply.
	Synonyms []Synonym
	// Regexes are sorted by name and pattern.
	Regexes []Regex
	// Lookups are in the order of the files; each file has its own table of a name.
	Lookups []Lookup
	// Responses are the retrieval responses ("utter_faq/ask_name"), also merged into the domain.
	Responses []Response
	// Duplicates are examples that were left out because they are there twice.
	Duplicates []Example

	synonymIndex map[string]int
}

// Synonym says that entity text Text (case kept) means Value.
type Synonym struct {
	Text string
	// Value is Python's str() of the value.
	Value string
	Pos   Pos
}

// Example is one training message.
type Example struct {
	// Text is the message without entity markup; it may be empty.
	Text string
	// Intent is the intent without its response key, "" in JSON data without intent.
	Intent string
	// ResponseKey is "intent/key" for a retrieval intent, otherwise "".
	ResponseKey string
	Entities    []EntityAnnotation
	// Metadata is nil or a map with the keys "intent" (metadata of the whole intent) and "example".
	Metadata *value.Map
	// Action is set for a bot step of an end-to-end story instead of Intent.
	Action string
	Pos    Pos
}

// FullIntent is the intent with its response key, as NLU data and reports name it.
func (e Example) FullIntent() string {
	if e.ResponseKey != "" {
		return e.ResponseKey
	}
	return e.Intent
}

// EntityAnnotation is an annotated part of an example. Offsets count code points, end exclusive.
type EntityAnnotation struct {
	Start, End int
	Entity     string
	// Value is a string or number; in a message like `/greet{"name": ...}` any JSON value.
	Value any
	// Role and Group are "" when absent.
	Role  string
	Group string
}

// Regex is one pattern of the NLU data's `regex`.
type Regex struct {
	Name    string
	Pattern string
	Pos     Pos
}

// Lookup is a lookup table; a table read from a file is already expanded.
type Lookup struct {
	Name     string
	Elements []string
	Pos      Pos
}

// StepKind tells what a step of a story is.
type StepKind int

// The kinds of steps of rasa/shared/core/training_data/story_reader/yaml_story_reader.py.
const (
	// UserStep is `intent:` or `user:`: a UserUttered event, before which training inserts action_listen unless the
	// event before is one, and after which it inserts the SlotSet events of Domain.slots_for_entities.
	UserStep StepKind = iota
	// ActionStep is `action:`: an ActionExecuted event.
	ActionStep
	// BotStep is an end-to-end `bot:`: an ActionExecuted event with action_text instead of a name.
	BotStep
	// SlotStep is `slot_was_set:`: one SlotSet event for each of Slots, in order; none when Slots is empty.
	SlotStep
	// LoopStep is `active_loop:`: an ActiveLoop event.
	LoopStep
	// CheckpointStep is `checkpoint:`. Before the first event of a story it is one of the story's start checkpoints
	// (instead of STORY_START; several are alternatives), later it ends the part of the story before it and starts
	// the part behind it. The steps behind two checkpoints in a row continue both.
	CheckpointStep
	// OrStep is `or:`: the story is told once for each of Or. Rasa cuts the story there and joins the alternatives
	// in a checkpoint GENR_OR_<hash>.
	OrStep
	// EventStep is `action:` with the name of an event type, which Rasa takes for the event itself: Action is one of
	// undo, rewind, reset_slots, restart, pause, resume, session_started, export, followup, cancel_reminder,
	// loop_interrupted, form_validation, action_execution_rejected, agent, bot or user_featurization, and a
	// followup is to the action "followup". (`action: form` and `action: active_loop` are LoopSteps.)
	EventStep
)

// Story is one story or rule.
type Story struct {
	// Name may be empty or not unique.
	Name string
	Rule bool
	// Conditions are a rule's `condition` steps (SlotStep and LoopStep only). Their events come first.
	Conditions []Step
	// Steps is never empty in a story that was read, but may hold nothing that makes an event. Behind the conditions
	// of a rule and before its steps Rasa puts an ActionExecuted("...") unless ConversationStart is true, and
	// another one behind its steps when NoWaitForUserInput is true. An `action: ...` among the steps is that event, too.
	Steps []Step
	// ConversationStart is a rule's `conversation_start: true`.
	ConversationStart bool
	// NoWaitForUserInput is a rule's `wait_for_user_input: false`.
	NoWaitForUserInput bool
	Metadata           any
	Pos                Pos
}

// Step is one step of a story or rule. Which fields are set depends on Kind.
type Step struct {
	Kind StepKind
	Pos  Pos
	User *StoryMessage // UserStep
	// Action is the name of an ActionStep or EventStep and the text of a BotStep.
	Action string
	Slots  []StorySlot // SlotStep
	// Loop is the loop of a LoopStep, "" for null.
	Loop       string
	Checkpoint *StoryCheckpoint // CheckpointStep
	// Or are the alternatives of an OrStep, two or more: UserSteps, and SlotSteps with exactly one slot each.
	Or []Step
	// Comment is written behind `intent:`, `action:` or `bot:` by WriteStories; reading does not set it.
	Comment string
}

// StoryMessage is what the user says in a step. Rasa featurizes it by how it was written: `intent:` alone counts with
// its intent and entities, `user:` alone with its text only, and `user:` with `intent:` with text, intent and
// entities together, which no prediction by intent ever equals.
type StoryMessage struct {
	// Intent is the base intent, "" in an end-to-end step without `intent:`.
	Intent string
	// FullIntent is "intent/key" when the step names a retrieval intent, otherwise "".
	FullIntent string
	// HasIntent tells that `intent:` was written (it may be empty all the same).
	HasIntent bool
	// Text is the plain text of `user:` without entity markup, "" when absent.
	Text string
	// Entities are those of a `user:` step: marked up, or those of a text like `/greet{"name": "Ann"}` (which then
	// all span the JSON).
	Entities []EntityAnnotation
	// StepEntities are those of a step without `user:`, as Rasa's event has them: keys entity, value, role and group,
	// each left out when null; a bare name has the value "". WriteStories takes any entities of a tracker here.
	StepEntities []*value.Map
	// EntityComments are written by WriteStories behind the StepEntities of the same index.
	EntityComments []string
	// ListEntities has WriteStories write `entities` even when there are none; reading does not set it.
	ListEntities bool
	// TextFeaturized is UserUttered.use_text_for_featurization: true when only the text counts. Reading sets it when
	// there is a text and no intent.
	TextFeaturized bool
}

// StorySlot is one `slot_was_set` entry, a SlotSet event. A bare name (HasValue false) stands for a value that
// depends on the slot's type, see ValueIn. `name: null` is a SlotSet with None.
type StorySlot struct {
	Name     string
	Value    any
	HasValue bool
	Pos      Pos
}

// StoryCheckpoint is a named point where stories meet.
type StoryCheckpoint struct {
	Name string
	// Slots are the conditions of a start checkpoint: only trackers whose slots have these values pass. Names are
	// unique. Rasa ignores those of other checkpoints.
	Slots []StorySlot
}

// Stories are all stories and rules of a project: file by file, in each file the stories before the rules.
type Stories []Story
