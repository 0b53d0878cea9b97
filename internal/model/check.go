package model

import (
	"errors"
	"fmt"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue/policy"
	"github.com/parleybot/parley/project"
)

// ErrInvalidDomain is wrapped by the error of Train when the domain does not fit the policies (rasa's InvalidDomain).
var ErrInvalidDomain = errors.New("invalid domain")

// checkCore notes the warnings about the dialogue half of the project and returns what Rasa refuses to train.
func (t *trainer) checkCore() error {
	problems := policy.Check(t.p.Config, t.p.Domain, t.p.Stories)
	checkSlots(t.p.Domain, t.p.Stories, &problems)
	return t.note(problems)
}

// note keeps the warnings for the report and returns the errors.
func (t *trainer) note(problems project.Problems) error {
	var refused project.Problems
	invalid := false
	for _, p := range problems {
		if p.Severity == project.Error {
			refused = append(refused, p)
			invalid = invalid || p.InvalidDomain
		} else {
			t.report.Warnings = append(t.report.Warnings, p.String())
		}
	}
	if invalid {
		return fmt.Errorf("%w:\n%w", ErrInvalidDomain, refused)
	}
	return refused.Err()
}

// checkSlots finds slots that stories set and the domain does not have (rasa/model_training.py,
// _check_unresolved_slots).
func checkSlots(d *project.Domain, stories project.Stories, ps *project.Problems) {
	names := make([]string, len(d.Slots))
	for i := range d.Slots {
		names[i] = d.Slots[i].Name
	}
	check := func(slots []project.StorySlot) {
		for _, s := range slots {
			if _, ok := d.Slot(s.Name); ok {
				continue
			}
			hint := ""
			if near := component.Nearest(s.Name, names); near != "" {
				hint = fmt.Sprintf("; did you mean %q?", near)
			}
			ps.Errorf(s.Pos, "slot %q is not in the domain%s", s.Name, hint)
		}
	}
	for i := range stories {
		for _, steps := range [][]project.Step{stories[i].Conditions, stories[i].Steps} {
			for _, step := range steps {
				check(step.Slots)
				for _, alternative := range step.Or {
					check(alternative.Slots)
				}
			}
		}
	}
}

// EndToEnd reports whether stories have user messages that count by their text, or bot messages by theirs.
func EndToEnd(stories project.Stories) bool {
	for i := range stories {
		for _, step := range stories[i].Steps {
			if step.Kind == project.BotStep || step.User != nil && step.User.TextFeaturized {
				return true
			}
		}
	}
	return false
}
