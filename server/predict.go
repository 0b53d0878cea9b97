package server

import (
	"cmp"
	"errors"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/dialogue"
	"github.com/parleybot/parley/internal/value"
)

// predict predicts the next action of a conversation, best scores first.
func (s *Server) predict(c echo.Context, id string) error {
	next, err := s.cfg.Processor.PredictNext(c.Request().Context(), id)
	if err == nil && next == nil {
		err = errors.New("'NoneType' object is not subscriptable")
	}
	if err != nil {
		return unexpected(conversationError, err)
	}
	slices.SortStableFunc(next.Scores, func(a, b dialogue.ActionScore) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Action, b.Action))
	})
	return channels.WriteJSON(c, http.StatusOK, nextAction(next))
}

// predictEvents predicts the action that follows the events of the body, scores in the order of the domain.
func (s *Server) predictEvents(c echo.Context) error {
	body, err := eventsBody(c)
	if err != nil {
		return err
	}
	v, err := verbosity(c)
	if err != nil {
		return err
	}
	events, err := decodeTrackerEvents(body)
	if err != nil {
		return badParameter("", "body", "Supplied events are not valid. "+err.Error())
	}
	next, err := s.cfg.Processor.PredictWithTracker(c.Request().Context(), channels.DefaultSenderID, events, v)
	if err != nil {
		return unexpected("PredictionError", err)
	}
	if next == nil {
		return channels.WriteJSON(c, http.StatusOK, nil)
	}
	return channels.WriteJSON(c, http.StatusOK, nextAction(next))
}

func nextAction(next *dialogue.NextAction) *value.Map {
	scores := make([]any, len(next.Scores))
	for i, s := range next.Scores {
		scores[i] = value.NewMap("action", s.Action, "score", s.Score)
	}
	var policyName any
	if next.Policy != "" {
		policyName = next.Policy
	}
	return value.NewMap("scores", scores, "policy", policyName, "confidence", next.Confidence, "tracker", next.Tracker)
}
