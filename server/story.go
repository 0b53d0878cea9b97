package server

import (
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// story is GET /conversations/ID/story: the last session, or all, as test stories.
func (s *Server) story(c echo.Context, id string) error {
	text, err := s.testStoriesOf(c, id)
	if err != nil {
		return unexpected(conversationError, err)
	}
	return channels.WriteText(c, http.StatusOK, channels.TypeText, text)
}

func (s *Server) testStoriesOf(c echo.Context, id string) (string, error) {
	ctx := c.Request().Context()
	var sessions []*tracker.Tracker
	if channels.QueryBool(c, "all_sessions", false) {
		all, err := s.cfg.Processor.Sessions(ctx, id)
		if err != nil {
			return "", err
		}
		sessions = all
	} else {
		last, err := s.cfg.Processor.Tracker(ctx, id)
		if err != nil {
			return "", err
		}
		sessions = []*tracker.Tracker{last}
	}
	if end, ok := until(c); ok {
		before := sessions[:0:0]
		for _, t := range sessions {
			if t = t.Before(end); len(t.Events()) > 0 {
				before = append(before, t)
			}
		}
		sessions = before
	}
	return writeStories(id, sessions)
}

// writeStories writes sessions as test stories (YAMLStoryWriter.dumps of Rasa with is_test_story).
func writeStories(id string, sessions []*tracker.Tracker) (string, error) {
	const version = "version: \"3.1\"\n"
	if len(sessions) == 0 {
		return version, nil
	}
	stories := make([]any, len(sessions))
	for i, t := range sessions {
		name := id
		if len(sessions) > 1 {
			name = fmt.Sprintf("%s, story %d", id, i+1)
		}
		steps := []any{}
		for _, e := range t.Events() {
			step, err := storyStep(e)
			if err != nil {
				return "", err
			}
			if step.Len() > 0 {
				steps = append(steps, step)
			}
		}
		stories[i] = value.NewMap("story", name, "steps", steps)
	}
	return version + string(project.WriteYAML(value.NewMap("stories", stories))), nil
}

// storyStep returns the step for an event, nil when stories do not show it.
func storyStep(e tracker.Event) (*value.Map, error) {
	switch e := e.(type) {
	case *tracker.UserUttered:
		return userStep(e)
	case *tracker.ActionExecuted:
		switch e.Name {
		case "action_listen", tracker.ActionSessionStart, "action_unlikely_intent":
			return nil, nil
		case "":
			return value.NewMap("bot", e.ActionText), nil
		}
		return value.NewMap("action", e.Name), nil
	case *tracker.SlotSet:
		return value.NewMap("slot_was_set", []any{value.NewMap(e.Key, e.Value)}), nil
	case *tracker.ActiveLoop:
		var name any
		if e.Name != "" {
			name = e.Name
		}
		return value.NewMap("active_loop", name), nil
	}
	return nil, nil
}

func userStep(u *tracker.UserUttered) (*value.Map, error) {
	step := &value.Map{}
	if name := u.IntentName(); name != "" && u.TextFeaturization != tracker.FeaturizeText {
		if full := u.FullRetrievalIntentName(); full != "" {
			name = full
		}
		step.Set("intent", name)
	}
	if u.Text == "" {
		return step, nil
	}
	entities := make([]*value.Map, 0, len(u.Entities))
	for _, e := range u.Entities {
		if m, ok := e.(*value.Map); ok {
			entities = append(entities, m)
		}
	}
	text, err := project.FormatMessage(u.Text, entities)
	if err != nil {
		return nil, err
	}
	return step.Set("user", project.LiteralText(text)), nil
}
