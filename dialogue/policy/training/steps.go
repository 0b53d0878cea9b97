package training

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

const (
	storyStart      = "STORY_START"
	generatedPrefix = "GENR_"
)

// checkpoint is a point where parts of stories meet.
type checkpoint struct {
	name string
	// conditions must hold for a conversation to pass; Rasa looks at those of start checkpoints only.
	conditions []project.StorySlot
}

// step is a part of a story between two checkpoints (StoryStep).
type step struct {
	// id sorts steps in the order in which they were made, by Rasa's text order: "10_" before "1_".
	id   string
	name string
	pos  project.Pos
	rule bool
	// starts is shared by the copies that an `or` makes, and cutting a cycle changes it for all of them, as in Rasa.
	starts *[]checkpoint
	ends   []checkpoint
	events []tracker.Event
}

// reader cuts stories into steps (StoryStepBuilder).
type reader struct {
	domain *project.Domain
	steps  []*step
	count  int

	// The story that is being read.
	story       *project.Story
	checkpoints []checkpoint
	done        []*step
	current     []*step
}

// stepsOf returns the steps of all stories.
func stepsOf(d *project.Domain, stories project.Stories) []*step {
	r := &reader{domain: d}
	for i := range stories {
		r.read(&stories[i])
	}
	return r.steps
}

func (r *reader) read(s *project.Story) {
	r.story, r.checkpoints, r.done, r.current = s, nil, nil, nil
	for i := range s.Conditions {
		r.step(&s.Conditions[i])
	}
	if s.Rule && !s.ConversationStart {
		r.add(action(SnippetAction))
	}
	for i := range s.Steps {
		r.step(&s.Steps[i])
	}
	if s.Rule && s.NoWaitForUserInput {
		r.add(action(SnippetAction))
	}
	r.steps = append(r.steps, r.done...)
	r.steps = append(r.steps, r.current...)
}

func (r *reader) step(s *project.Step) {
	switch s.Kind {
	case project.CheckpointStep:
		r.checkpoint(s.Checkpoint)
	case project.OrStep:
		var alternatives []tracker.Event
		for i := range s.Or {
			alternatives = append(alternatives, eventsOf(r.domain, &s.Or[i], r.story.Rule)...)
		}
		r.either(alternatives)
	default:
		for _, e := range eventsOf(r.domain, s, r.story.Rule) {
			r.add(e)
		}
	}
}

func (r *reader) add(e tracker.Event) {
	r.ensureCurrent()
	for _, s := range r.current {
		s.events = append(s.events, e)
	}
}

// either makes a copy of the current steps for each event and ends them all in one checkpoint.
func (r *reader) either(events []tracker.Event) {
	switch len(events) {
	case 0:
		return
	case 1:
		r.add(events[0])
		return
	}
	r.ensureCurrent()
	end := []checkpoint{{name: r.nameOfOr(events)}}
	var updated []*step
	for _, s := range r.current {
		for _, e := range events {
			c := r.copyOf(s)
			c.events = append(c.events, e)
			c.ends = end
			updated = append(updated, c)
		}
	}
	r.current = updated
}

func (r *reader) checkpoint(c *project.StoryCheckpoint) {
	if len(r.current) == 0 {
		r.checkpoints = append(r.checkpoints, checkpoint{c.Name, c.Slots})
		return
	}
	end := []checkpoint{{name: c.Name}}
	var more []*step
	for _, s := range r.current {
		if len(s.ends) > 0 {
			s = r.copyOf(s)
			more = append(more, s)
		}
		s.ends = end
	}
	r.current = append(r.current, more...)
}

// ensureCurrent puts steps that reached a checkpoint away and begins the next one when none is left.
func (r *reader) ensureCurrent() {
	var open []*step
	for _, s := range r.current {
		if len(s.ends) > 0 {
			r.done = append(r.done, s)
		} else {
			open = append(open, s)
		}
	}
	if len(open) == 0 {
		starts := r.nextStarts()
		if len(starts) == 0 {
			starts = []checkpoint{{name: storyStart}}
		}
		open = []*step{r.fresh(&step{starts: &starts, name: r.story.Name, rule: r.story.Rule, pos: r.story.Pos})}
	}
	r.current = open
}

func (r *reader) nextStarts() []checkpoint {
	if len(r.current) == 0 {
		return r.checkpoints
	}
	var starts []checkpoint
	for _, s := range r.current {
		for _, end := range s.ends {
			if !hasName(starts, end.name) {
				starts = append(starts, checkpoint{name: end.name})
			}
		}
	}
	return starts
}

func hasName(list []checkpoint, name string) bool {
	return slices.ContainsFunc(list, func(c checkpoint) bool { return c.name == name })
}

func (r *reader) fresh(s *step) *step {
	r.count++
	s.id = fmt.Sprintf("%d_", r.count)
	return s
}

func (r *reader) copyOf(s *step) *step {
	c := *s
	c.events = slices.Clone(s.events)
	return r.fresh(&c)
}

// nameOfOr names the checkpoint behind an `or` by what led to it, so that stories that say the same up to there meet.
func (r *reader) nameOfOr(alternatives []tracker.Event) string {
	var starts, past []string
	for _, s := range r.current {
		for _, c := range *s.starts {
			if !slices.Contains(starts, c.name) {
				starts = append(starts, c.name)
			}
		}
		for _, e := range s.events {
			past = append(past, describe(e))
		}
	}
	slices.Sort(starts)
	var choices []string
	for _, e := range alternatives {
		choices = append(choices, describe(e))
	}
	slices.Sort(choices)
	id := strings.Join([]string{
		r.story.Name, strings.Join(past, "@@@"), strings.Join(starts, "@@@"), strings.Join(choices, "@@@"),
	}, "_<>_")
	sum := md5.Sum([]byte(id))
	return generatedPrefix + "OR_" + hex.EncodeToString(sum[:])[:5]
}

// describe tells events apart as far as the str() of Rasa's events does.
func describe(e tracker.Event) string {
	switch e := e.(type) {
	case *tracker.ActionExecuted:
		if e.Name != "" {
			return e.Name
		}
		return e.ActionText
	case *tracker.UserUttered:
		return fmt.Sprintf("UserUttered(text: %s, intent: %s, entities: %s, use_text_for_featurization: %d)",
			e.Text, e.IntentName(), value.Encode(e.Entities, value.JSON), e.TextFeaturization)
	}
	m := tracker.AsMap(e)
	m.Delete("timestamp")
	return string(value.Encode(m, value.JSON))
}
