package server

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/dialogue"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
)

// conversationRoute is a route below /conversations/<id>, where the id may contain anything, slashes included.
type conversationRoute struct {
	suffix, method string
	handle         func(s *Server, c echo.Context, id string) error
	// mustExist answers 404 for a conversation that is not stored.
	mustExist bool
}

// conversationRoutes are tried in this order.
var conversationRoutes = []conversationRoute{
	{"/tracker/events", "", (*Server).trackerEvents, false},
	{"/tracker", http.MethodGet, (*Server).tracker, false},
	{"/story", http.MethodGet, (*Server).story, true},
	{"/execute", http.MethodPost, (*Server).execute, true},
	{"/trigger_intent", http.MethodPost, (*Server).triggerIntent, false},
	{"/predict", http.MethodPost, (*Server).predict, true},
	{"/messages", http.MethodPost, (*Server).messages, false},
}

// findConversation returns the route of a path and the id in it.
func findConversation(path string) (route conversationRoute, id string, ok bool) {
	const prefix = "/conversations/"
	for _, r := range conversationRoutes {
		rest, begins := strings.CutPrefix(path, prefix)
		id, ends := strings.CutSuffix(rest, r.suffix)
		if begins && ends && !strings.Contains(id, "\n") {
			return r, id, true
		}
	}
	return conversationRoute{}, "", false
}

// conversation finds the route of a path below /conversations and applies the guards of Rasa's decorators.
func (s *Server) conversation(c echo.Context) error {
	route, id, ok := findConversation(c.Request().URL.Path)
	method := c.Request().Method
	switch {
	case !ok:
		return echo.ErrNotFound
	case route.method == "" && method != http.MethodPost && method != http.MethodPut:
		// Two routes of Sanic share this path; it takes another method for an unknown path.
		return echo.ErrNotFound
	case route.method != "" && route.method != method:
		return echo.ErrMethodNotAllowed
	}
	if err := s.authorize(c, id, true); err != nil {
		return err
	}
	if s.cfg.Processor.Model() == nil {
		return errNoModel
	}
	if route.mustExist {
		exists, err := s.exists(c.Request().Context(), id)
		if err != nil {
			return err
		}
		if !exists {
			return &APIError{Status: http.StatusNotFound, Reason: "Not found", Message: "Conversation ID not found."}
		}
	}
	return route.handle(s, c, id)
}

func (s *Server) exists(ctx context.Context, id string) (bool, error) {
	if id == "" {
		return false, nil
	}
	return s.cfg.Processor.Exists(ctx, id)
}

const conversationError = "ConversationError"

// verbosity reads the parameter include_events.
func verbosity(c echo.Context) (tracker.Verbosity, error) {
	name, ok := channels.Query(c, "include_events")
	if !ok {
		return tracker.EventsAfterRestart, nil
	}
	switch strings.ToUpper(name) {
	case "NONE":
		return tracker.EventsNone, nil
	case "APPLIED":
		return tracker.EventsApplied, nil
	case "AFTER_RESTART":
		return tracker.EventsAfterRestart, nil
	case "ALL":
		return tracker.EventsAll, nil
	}
	return 0, badParameter("include_events", "query",
		"Invalid parameter value for 'include_events'. Should be one of NONE, APPLIED, AFTER_RESTART, ALL")
}

// until reads the parameter of that name, a time in seconds. What is no number is ignored.
func until(c echo.Context) (seconds float64, ok bool) {
	text, ok := channels.Query(c, "until")
	if !ok {
		return 0, false
	}
	seconds, err := value.ParseFloat(text)
	return seconds, err == nil
}

func (s *Server) tracker(c echo.Context, id string) error {
	v, err := verbosity(c)
	if err != nil {
		return err
	}
	t, err := s.cfg.Processor.FullTracker(c.Request().Context(), id)
	if err != nil {
		return err
	}
	if end, ok := until(c); ok {
		t = t.Before(end)
	}
	return channels.WriteJSON(c, http.StatusOK, t.CurrentState(v))
}

// trackerEvents appends events (POST) or replaces all events by them (PUT).
func (s *Server) trackerEvents(c echo.Context, id string) error {
	body, err := eventsBody(c)
	if err != nil {
		return err
	}
	v, err := verbosity(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	var t *tracker.Tracker
	if c.Request().Method == http.MethodPut {
		var events []tracker.Event
		if events, err = decodeTrackerEvents(body); err == nil {
			t, err = s.cfg.Processor.ReplaceEvents(ctx, id, events)
		}
	} else {
		t, err = s.appendEvents(c, id, body)
	}
	if err != nil {
		return unexpected(conversationError, err)
	}
	return channels.WriteJSON(c, http.StatusOK, t.CurrentState(v))
}

func (s *Server) appendEvents(c echo.Context, id string, body any) (*tracker.Tracker, error) {
	list, ok := body.([]any)
	if !ok {
		list = []any{body}
	}
	events, err := decodeEvents(list)
	if err != nil {
		return nil, err
	}
	if len(events) == 0 {
		return nil, badParameter("", "body", "Couldn't extract a proper event from the request body.")
	}
	var output dialogue.OutputFor
	if channels.QueryBool(c, "execute_side_effects", false) {
		output = s.outputFor(c)
	}
	return s.cfg.Processor.AppendEvents(c.Request().Context(), id, events, output)
}

// outputFor chooses where answers go by the parameter output_channel: a channel's name, or "latest" for the one the
// user wrote over. Without one they are collected.
func (s *Server) outputFor(c echo.Context) dialogue.OutputFor {
	requested, _ := channels.Query(c, "output_channel")
	return func(t *tracker.Tracker) channels.Output {
		name := requested
		if name == "latest" {
			name = t.LatestInputChannel()
		}
		for _, ch := range s.cfg.Channels {
			if ch.Name() != name {
				continue
			}
			if out := ch.Output(); out != nil {
				return out
			}
		}
		return channels.NewCollector()
	}
}

func (s *Server) execute(c echo.Context, id string) error {
	body, err := channels.JSONObject(c)
	if err != nil {
		return err
	}
	action := body.Value("name")
	if !value.Truthy(action) {
		return badParameter("name", "body", "Name of the action not provided in request body.")
	}
	v, err := verbosity(c)
	if err != nil {
		return err
	}
	policyName := ""
	if p := body.Value("policy"); p != nil {
		policyName = value.Str(p)
	}
	confidence, ok := value.ToFloat(body.Value("confidence"))
	if !ok || math.IsNaN(confidence) {
		confidence = 0
	}
	t, out, err := s.cfg.Processor.Execute(c.Request().Context(), id, value.Str(action), policyName, confidence, s.outputFor(c))
	if errors.Is(err, dialogue.ErrUnknownAction) {
		err = s.unknownAction(value.Str(action))
	}
	if err != nil {
		return unexpected(conversationError, err)
	}
	return writeAnswers(c, t.CurrentState(v), out)
}

// unknownAction lists what there is, as Domain.raise_action_not_found_exception of Rasa.
func (s *Server) unknownAction(name string) error {
	var list strings.Builder
	if m := s.cfg.Processor.Model(); m != nil {
		for _, known := range m.Domain.ActionNames() {
			list.WriteString("\n\t - " + known)
		}
	}
	return fmt.Errorf("Cannot access action '%s', as that name is not a registered action for this domain. Available actions are: %s", //nolint:staticcheck // Rasa's words
		name, list.String())
}

// writeAnswers answers with the state of a conversation and, when they were collected, the bot's messages.
func writeAnswers(c echo.Context, state *value.Map, out channels.Output) error {
	body := value.NewMap("tracker", state)
	if collector, ok := out.(*channels.Collector); ok {
		body.Set("messages", collector.End())
	}
	return channels.WriteJSON(c, http.StatusOK, body)
}

func (s *Server) triggerIntent(c echo.Context, id string) error {
	body, err := channels.JSONObject(c)
	if err != nil {
		return err
	}
	name := body.Value("name")
	if !value.Truthy(name) {
		return badParameter("name", "body", "Name of the intent not provided in request body.")
	}
	v, err := verbosity(c)
	if err != nil {
		return err
	}
	entities, given := body.Get("entities")
	if !given {
		entities = []any{}
	}
	t, out, err := s.cfg.Processor.TriggerIntent(c.Request().Context(), id, value.Str(name), entities, s.outputFor(c))
	if errors.Is(err, dialogue.ErrUnknownIntent) {
		return &APIError{Status: http.StatusNotFound, Reason: "NotFound",
			Message: fmt.Sprintf("The intent %s does not exist in the domain.", value.Str(name))}
	}
	if err != nil {
		return unexpected(conversationError, err)
	}
	return writeAnswers(c, t.CurrentState(v), out)
}

func (s *Server) messages(c echo.Context, id string) error {
	data, err := channels.Body(c)
	if err != nil {
		return err
	}
	if len(data) == 0 {
		return badRequest("No message defined in request body. Add a message to the request body in order to add it to the tracker.")
	}
	body, err := channels.JSONObject(c)
	if err != nil {
		return err
	}
	v, err := verbosity(c)
	if err != nil {
		return err
	}
	if sender := body.Value("sender"); sender != "user" {
		return badParameter("sender", "body", fmt.Sprintf("Currently, only user messages can be passed to this endpoint. "+
			"Messages of sender '%s' cannot be handled.", value.Str(sender)))
	}
	msg, problem, err := userMessage(body, id)
	if err != nil {
		return err
	}
	if problem != nil {
		return unexpected(conversationError, problem)
	}
	t, err := s.cfg.Processor.AppendMessage(c.Request().Context(), msg)
	if err != nil {
		return unexpected(conversationError, err)
	}
	return channels.WriteJSON(c, http.StatusOK, t.CurrentState(v))
}

// userMessage reads a message to append. err is what Rasa answers by a bare 500, problem what it wraps.
func userMessage(body *value.Map, id string) (msg *channels.UserMessage, problem, err error) {
	msg = &channels.UserMessage{SenderID: id}
	text := body.Value("text")
	full, isText := text.(string)
	if !isText && value.Truthy(text) {
		return nil, nil, fmt.Errorf("'%s' object has no attribute 'strip'", value.TypeName(text))
	}
	msg.Text = value.Strip(full)
	parse := body.Value("parse_data")
	if !value.Truthy(parse) {
		if !isText {
			return nil, errors.New("the message has no text"), nil
		}
		return msg, nil, nil
	}
	m, ok := parse.(*value.Map)
	if !ok {
		return nil, fmt.Errorf("parse_data is a %s, not an object", value.TypeName(parse)), nil
	}
	for _, key := range []string{"intent", "entities"} {
		if !m.Has(key) {
			return nil, errors.New(value.Repr(key)), nil
		}
	}
	msg.ParseData = m
	return msg, nil, nil
}
