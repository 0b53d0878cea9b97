package server

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/jsonschema"
	"github.com/parleybot/parley/internal/value"
)

// eventsBody returns the body of a request that brings events: a list, or a single object. What does not fit Rasa's
// schema of events is answered by 400.
func eventsBody(c echo.Context) (any, error) {
	body, err := channels.JSON(c)
	if err != nil {
		return nil, err
	}
	list, ok := body.([]any)
	if !ok {
		list = []any{body}
	}
	if err := jsonschema.Validate(eventsSchema, list); err != nil {
		return nil, &APIError{Status: http.StatusBadRequest, Reason: "BadRequest", Help: docs + "/pages/http-api",
			Message: "Failed to validate the events format. For more information about the format visit the docs. " +
				fmt.Sprintf("Error: %v", err)}
	}
	return body, nil
}

// decodeTrackerEvents reads a body that must be a list of events.
func decodeTrackerEvents(body any) ([]tracker.Event, error) {
	list, ok := body.([]any)
	if !ok {
		return nil, errors.New("'str' object has no attribute 'get'")
	}
	return decodeEvents(list)
}

// decodeEvents reads events that passed eventsSchema.
func decodeEvents(list []any) ([]tracker.Event, error) {
	events := make([]tracker.Event, 0, len(list))
	for _, item := range list {
		m, _ := item.(*value.Map)
		m, err := constructible(m)
		if err != nil {
			return nil, err
		}
		e, err := tracker.EventFromMap(m)
		if err != nil {
			return nil, err
		}
		if e != nil {
			events = append(events, e)
		}
	}
	return events, nil
}

// constructible checks what Rasa's event classes fail on, with the words of those failures, and returns the event with
// its time in ISO 8601 when it is a reminder.
func constructible(m *value.Map) (*value.Map, error) {
	switch m.Value("event") {
	case tracker.TypeUser:
		if m.Value("parse_data") == nil {
			return nil, errors.New("'NoneType' object has no attribute 'get'")
		}
	case tracker.TypeAction:
		if !value.Truthy(m.Value("name")) && !value.Truthy(m.Value("action_text")) {
			return nil, errors.New("Both the name of the action and the end-to-end predicted text are missing. " + //nolint:staticcheck // Rasa's words
				"The `ActionExecuted` event cannot be initialised.")
		}
	case tracker.TypeReminder:
		text, ok := m.Value("date_time").(string)
		if !ok {
			return nil, fmt.Errorf("Parser must be a string or character stream, not %s", value.TypeName(m.Value("date_time"))) //nolint:staticcheck // Rasa's words
		}
		iso, ok := tracker.ISOTime(text)
		if !ok {
			return nil, fmt.Errorf("Unknown string format: %s", text) //nolint:staticcheck // Rasa's words
		}
		return m.Clone().Set("date_time", iso), nil
	}
	return m, nil
}
