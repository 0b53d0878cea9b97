package project

import "github.com/parleybot/parley/internal/value"

// NLUData is the NLU part of the training data (rasa/shared/nlu/training_data/training_data.py, 3.6.21).
type NLUData struct {
	Examples []Example
	// Synonyms maps an entity's text (case kept) to its value.
	Synonyms map[string]string
	Regexes  []Regex
	Lookups  []Lookup
	// Responses are the retrieval responses ("faq/ask_name"), also merged into the domain.
	Responses []Response
}

// Example is one training message.
type Example struct {
	Text string
	// Intent is the intent without its response key.
	Intent string
	// ResponseKey is "intent/key" for a retrieval intent, otherwise "".
	ResponseKey string
	Entities    []EntityAnnotation
	Metadata    any
	// Action is set for a bot step of an end-to-end story instead of Intent.
	Action string
	Pos    Pos
}

// EntityAnnotation is an annotated part of an example. Offsets count code points, end exclusive.
type EntityAnnotation struct {
	Start, End int
	Entity     string
	Value      any
	Role       string
	Group      string
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
	// UserStep is `intent:` or `user:`.
	UserStep StepKind = iota
	// ActionStep is `action:`.
	ActionStep
	// BotStep is an end-to-end `bot:`.
	BotStep
	// SlotStep is `slot_was_set:`.
	SlotStep
	// LoopStep is `active_loop:`.
	LoopStep
	// CheckpointStep is `checkpoint:`.
	CheckpointStep
	// OrStep is `or:`.
	OrStep
)

// Story is one story or rule.
type Story struct {
	Name string
	Rule bool
	// Conditions are a rule's `condition` steps (SlotStep and LoopStep only).
	Conditions []Step
	Steps      []Step
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
	// Action is the name of an ActionStep and the text of a BotStep.
	Action string
	Slots  []StorySlot // SlotStep
	// Loop is the loop of a LoopStep, "" for null.
	Loop       string
	Checkpoint *StoryCheckpoint // CheckpointStep
	// Or are the alternatives of an OrStep: UserSteps or SlotSteps.
	Or []Step
}

// StoryMessage is what the user says in a step.
type StoryMessage struct {
	// Intent is the base intent, "" in an end-to-end step without `intent:`.
	Intent string
	// FullIntent is "intent/key" when the step names a retrieval intent, otherwise "".
	FullIntent string
	// Text is the plain text of `user:` without entity markup, "" when absent.
	Text     string
	Entities []EntityAnnotation
	// EntityOrder keeps entities of an `intent:` step without offsets, as written: name, value, role, group.
	StepEntities []*value.Map
}

// StorySlot is one `slot_was_set` entry. HasValue is false for a bare slot name (any value: see NOTES of the
// featurizer for what Rasa makes of it).
type StorySlot struct {
	Name     string
	Value    any
	HasValue bool
}

// StoryCheckpoint is a named point where stories meet.
type StoryCheckpoint struct {
	Name string
	// Slots are the conditions of a start checkpoint.
	Slots []StorySlot
}

// Stories are all stories and rules of a project, in the order of the files.
type Stories []Story
