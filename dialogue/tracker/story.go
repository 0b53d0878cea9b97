package tracker

import (
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// Story returns the conversation as a story called name, for project.WriteStories: messages, actions, slots and loops,
// undone ones too (DialogueStateTracker.as_story).
func (t *Tracker) Story(name string) project.Story {
	w := storyWriter{story: project.Story{Name: name}}
	for _, e := range t.events {
		w.add(e)
	}
	return w.story
}

// storyWriter collects the steps of a story.
type storyWriter struct {
	story project.Story
	// message is the last one; what policies found out about it counts while listening is true, that is until the next
	// action.
	message   *project.StoryMessage
	listening bool
}

func (w *storyWriter) add(e Event) {
	switch e := e.(type) {
	case *UserUttered:
		w.message = storyMessage(e)
		w.step(project.Step{Kind: project.UserStep, User: w.message})
	case *DefinePrevUserUtteredFeaturization:
		if w.message != nil && w.listening {
			w.message.TextFeaturized = e.UseText
		}
	case *EntitiesAdded:
		if w.message != nil && w.listening {
			w.message.StepEntities = append(w.message.StepEntities, entityMaps(e.Entities)...)
		}
	case *ActionExecuted:
		w.listening = e.Name == ActionListen
		if e.Name != "" {
			w.step(project.Step{Kind: project.ActionStep, Action: e.Name})
		} else {
			w.step(project.Step{Kind: project.BotStep, Action: e.ActionText})
		}
	case *SlotSet:
		slot := project.StorySlot{Name: e.Key, Value: e.Value, HasValue: true}
		w.step(project.Step{Kind: project.SlotStep, Slots: []project.StorySlot{slot}})
	case *ActiveLoop:
		w.step(project.Step{Kind: project.LoopStep, Loop: e.Name})
	}
}

func (w *storyWriter) step(s project.Step) { w.story.Steps = append(w.story.Steps, s) }

func storyMessage(u *UserUttered) *project.StoryMessage {
	return &project.StoryMessage{
		Intent: u.IntentName(), FullIntent: u.FullRetrievalIntentName(), HasIntent: u.IntentName() != "",
		Text: u.Text, TextFeaturized: u.TextFeaturization == FeaturizeText, StepEntities: entityMaps(u.Entities),
	}
}

func entityMaps(entities []any) []*value.Map {
	out := make([]*value.Map, 0, len(entities))
	for _, e := range entities {
		if m, ok := e.(*value.Map); ok {
			out = append(out, m)
		}
	}
	return out
}
