package tracker

import (
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// Story returns the conversation as a story called name, for project.WriteStories: messages, actions, slots and loops,
// undone ones too (DialogueStateTracker.as_story).
func (t *Tracker) Story(name string) project.Story {
	w := storyWriter{
		story: project.Story{Name: name}, messages: make(map[*UserUttered]*project.StoryMessage),
		replayed: (&Factory{t.schema}).New(t.SenderID),
	}
	for _, e := range t.events {
		w.add(e)
		w.replayed.Update(e)
	}
	return w.story
}

// storyWriter collects the steps of a story.
type storyWriter struct {
	story    project.Story
	messages map[*UserUttered]*project.StoryMessage
	// replayed is the conversation so far. What policies found out about a message counts until the next action, and for
	// the message that is the latest at that time: after a rewind an earlier one.
	replayed *Tracker
}

// latest returns the message that policies can say something about, nil when there is none.
func (w *storyWriter) latest() *project.StoryMessage {
	if w.replayed.state.LatestAction != ActionListen {
		return nil
	}
	return w.messages[w.replayed.state.LatestMessage.original()]
}

func (w *storyWriter) add(e Event) {
	switch e := e.(type) {
	case *UserUttered:
		w.messages[e] = storyMessage(e)
		w.step(project.Step{Kind: project.UserStep, User: w.messages[e]})
	case *DefinePrevUserUtteredFeaturization:
		if m := w.latest(); m != nil {
			m.TextFeaturized = e.UseText
		}
	case *EntitiesAdded:
		if m := w.latest(); m != nil {
			m.StepEntities = append(m.StepEntities, entityMaps(e.Entities)...)
		}
	case *ActionExecuted:
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
