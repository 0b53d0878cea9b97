package validate

import "github.com/parleybot/parley/project"

// Code is a short, stable name for a kind of finding.
type Code string

// The kinds of findings. Their order is that of the checks.
const (
	InvalidFile        Code = "invalid-file"
	Suspicious         Code = "suspicious"
	EmptyDomain        Code = "empty-domain"
	InvalidDomain      Code = "invalid-domain"
	UnknownIntent      Code = "unknown-intent"
	UnknownEntity      Code = "unknown-entity"
	UnknownSlot        Code = "unknown-slot"
	UnknownForm        Code = "unknown-form"
	UnknownAction      Code = "unknown-action"
	UnknownResponse    Code = "unknown-response"
	UnusedIntent       Code = "unused-intent"
	UnusedEntity       Code = "unused-entity"
	UnusedSlot         Code = "unused-slot"
	UnusedForm         Code = "unused-form"
	UnusedAction       Code = "unused-action"
	UnusedResponse     Code = "unused-response"
	NoExamples         Code = "no-examples"
	FewExamples        Code = "few-examples"
	AmbiguousExample   Code = "ambiguous-example"
	DuplicateExample   Code = "duplicate-example"
	Annotation         Code = "annotation"
	InvalidRegex       Code = "invalid-regex"
	StoryConflict      Code = "story-conflict"
	RuleConflict       Code = "rule-conflict"
	Checkpoint         Code = "checkpoint"
	DuplicateStory     Code = "duplicate-story"
	SlotValue          Code = "slot-value"
	MissingQuestion    Code = "missing-question"
	Placeholder        Code = "placeholder"
	Config             Code = "config"
	MissingConfig      Code = "missing-config"
	InvalidPipeline    Code = "invalid-pipeline"
	SuspiciousPipeline Code = "suspicious-pipeline"
	InvalidPolicies    Code = "invalid-policies"
	SuspiciousPolicies Code = "suspicious-policies"
)

// level tells when findings of a kind are errors.
type level int

const (
	// hint is never an error: training works, and Rasa's check passes with --fail-on-warnings, too.
	hint level = iota
	// mistake is what Rasa's check passes over although training or the bot cannot work as written.
	mistake
	// failsOnWarnings makes Rasa's check fail with --fail-on-warnings.
	failsOnWarnings
	// fails makes Rasa's check fail.
	fails
)

// severity returns what findings of the level are under the options.
func (l level) severity(o Options) project.Severity {
	switch {
	case l == fails, l == failsOnWarnings && (o.FailOnWarnings || o.Strict), l == mistake && o.Strict:
		return project.Error
	}
	return project.Warning
}
