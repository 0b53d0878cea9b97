package server

import (
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/dialogue/tracker"
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

// writeStories writes sessions as test stories.
func writeStories(id string, sessions []*tracker.Tracker) (string, error) {
	stories := make([]project.Story, len(sessions))
	for i, t := range sessions {
		name := id
		if len(sessions) > 1 {
			name = fmt.Sprintf("%s, story %d", id, i+1)
		}
		stories[i] = t.Story(name)
	}
	text, err := project.WriteStories(stories, project.WriteOptions{TestStory: true})
	return string(text), err
}
