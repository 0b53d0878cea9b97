package server

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/internal/manage"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// managePath is where conversations are listed. Rasa answers 404 for GET /conversations, and so does this server.
const (
	managePath   = "/parley/conversations"
	managePrefix = managePath + "/"
)

const (
	defaultPage = 50
	maxPage     = 1000
)

// mountManagement registers the routes beyond Rasa's for stored conversations.
func (s *Server) mountManagement() {
	if s.cfg.Conversations == nil {
		return
	}
	s.add(s.auth(s.loaded(s.listConversations)), managePath, http.MethodGet)
	s.echo.RouteNotFound(managePrefix+"*", s.outliving(s.deleteConversation))
}

// listConversations is GET /parley/conversations.
func (s *Server) listConversations(c echo.Context) error {
	q, err := conversationQuery(c)
	if err != nil {
		return err
	}
	limit := defaultPage
	if text, ok := channels.Query(c, "limit"); ok {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxPage {
			return badParameter("limit", "query", fmt.Sprintf("'limit' must be a number from 1 to %d.", maxPage))
		}
	}
	after, _ := channels.Query(c, "after")
	page, err := s.cfg.Conversations.List(c.Request().Context(), q, after, limit)
	if err != nil {
		return err
	}
	list := make([]any, len(page.Conversations))
	for i := range page.Conversations {
		list[i] = page.Conversations[i].JSON()
	}
	var next any
	if page.Next != "" {
		next = page.Next
	}
	return channels.WriteJSON(c, http.StatusOK, value.NewMap("conversations", list, "next", next))
}

// conversationQuery reads which conversations are meant.
func conversationQuery(c echo.Context) (q stores.Query, err error) {
	for name, t := range map[string]*string{"channel": &q.Channel, "intent": &q.Intent, "slot": &q.Slot, "text": &q.Text} {
		*t, _ = channels.Query(c, name)
	}
	if name, v, ok := strings.Cut(q.Slot, "="); ok {
		q.Slot, q.SlotValue = name, &v
	}
	if text, ok := channels.Query(c, "since"); ok {
		if q.Since, err = manage.ParseTime(text); err != nil {
			return q, badParameter("since", "query", err.Error())
		}
	}
	if text, ok := channels.Query(c, "until"); ok {
		if q.Until, err = manage.ParseTime(text); err != nil {
			return q, badParameter("until", "query", err.Error())
		}
	}
	return q, nil
}

// deleteConversation is DELETE /parley/conversations/<id>, where the id may contain anything, slashes included.
func (s *Server) deleteConversation(c echo.Context) error {
	id := strings.TrimPrefix(c.Request().URL.Path, managePrefix)
	if id == "" {
		return echo.ErrNotFound
	}
	if c.Request().Method != http.MethodDelete {
		return echo.ErrMethodNotAllowed
	}
	if err := s.authorize(c, id, true); err != nil {
		return err
	}
	proof := s.cfg.Conversations.Delete(c.Request().Context(), id)
	status, err := http.StatusOK, proof.Err()
	switch {
	case errors.Is(err, stores.ErrUnavailable) || errors.Is(err, stores.ErrLockNotAcquired):
		status = http.StatusServiceUnavailable
		c.Response().Header().Set("Retry-After", retryAfter)
	case !proof.Verified:
		status = http.StatusInternalServerError
	}
	text := string(value.Encode(proof.JSON(), value.Compact))
	if err != nil {
		s.log.Error("deleting a conversation", "sender_id", id, "err", err, "proof", text)
	} else {
		s.log.Info("a conversation was deleted", "sender_id", id, "proof", text)
	}
	return channels.WriteJSON(c, status, proof.JSON())
}
