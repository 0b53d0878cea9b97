package evaluate

import (
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// understood is the event of a message that the model understands as the story says (EndToEndUserUtterance).
func understood(u *tracker.UserUttered, parse *value.Map) *tracker.UserUttered {
	kept := value.NewMap("intent", u.Intent, "entities", u.Entities)
	if v, ok := parse.Get("response_selector"); ok {
		kept.Set("response_selector", v)
	}
	return again(u, kept)
}

// misunderstood is the event of a message that the model does not understand as the story says
// (WronglyClassifiedUserUtterance).
func misunderstood(u *tracker.UserUttered, target string, entities []any) *tracker.UserUttered {
	var name any
	if target != "" {
		name = target
	}
	return again(u, value.NewMap("intent", value.NewMap("name", name), "entities", entities))
}

func again(u *tracker.UserUttered, parse *value.Map) *tracker.UserUttered {
	out := tracker.NewUserUttered(u.Text, parse, u.InputChannel, u.MessageID, u.Metadata)
	out.NoText, out.Timestamp = u.NoText, u.Timestamp
	return out
}

// cleaned keeps of entities what is compared (_clean_entity_results).
func cleaned(text string, entities []any) []any {
	out := make([]any, 0, len(entities))
	for _, item := range entities {
		e, ok := item.(*value.Map)
		if !ok {
			continue
		}
		kept := &value.Map{}
		if text != "" {
			kept.Set("text", text)
		} else {
			kept.Set("text", nil)
		}
		for _, key := range []string{"start", "end", "entity", "value"} {
			v, ok := e.Get(key)
			if !ok {
				continue
			}
			if key == "value" && e.Has("extractor") {
				// What was predicted may be a number, what is annotated is a text.
				v = value.Str(v)
			}
			kept.Set(key, v)
		}
		out = append(out, kept)
	}
	return out
}

// messageStep is a message as files of stories show it. For one that was misunderstood, found are the entities
// predicted; only expected entities that begin where one of them does are shown then, once for each.
func messageStep(u *tracker.UserUttered, comment string, found []any) *project.Step {
	m := &project.StoryMessage{
		Intent: u.IntentName(), FullIntent: u.FullRetrievalIntentName(), HasIntent: u.IntentName() != "",
		Text: u.Text, TextFeaturized: u.TextFeaturization == tracker.FeaturizeText, ListEntities: found != nil && len(u.Entities) > 0,
	}
	for _, item := range u.Entities {
		e, ok := item.(*value.Map)
		if !ok {
			continue
		}
		if found == nil || !e.Has("value") {
			m.StepEntities, m.EntityComments = append(m.StepEntities, e), append(m.EntityComments, "")
			continue
		}
		for _, item := range found {
			p, _ := item.(*value.Map)
			if !value.Equal(p.Value("start"), e.Value("start")) {
				continue
			}
			note := ""
			if !value.Equal(p.Value("entity"), e.Value("entity")) {
				note = "predicted: " + value.Str(p.Value("entity")) + ": " + value.Str(p.Value("value"))
			}
			m.StepEntities, m.EntityComments = append(m.StepEntities, e), append(m.EntityComments, note)
		}
	}
	return &project.Step{Kind: project.UserStep, User: m, Comment: comment}
}

// wrongComment tells what was understood instead. It is left out where the intent is right and an entity is shown, which
// has a comment of its own.
func wrongComment(text, target, found string, wanted, got []any) string {
	shown := false
	for _, item := range wanted {
		w, _ := item.(*value.Map)
		for _, item := range got {
			p, _ := item.(*value.Map)
			shown = shown || value.Equal(w.Value("start"), p.Value("start"))
		}
	}
	if target == found && shown {
		return ""
	}
	if found == "" {
		found = "None"
	}
	return "predicted: " + found + ": " + annotate(text, got)
}

// annotate returns text with the markup of entities.
func annotate(text string, entities []any) string {
	var list []*value.Map
	for _, item := range entities {
		if e, ok := item.(*value.Map); ok {
			list = append(list, e)
		}
	}
	message, err := project.FormatMessage(text, list)
	if err != nil {
		return text
	}
	return message
}
