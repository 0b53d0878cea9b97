package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/dialogue"
	"github.com/parleybot/parley/internal/value"
)

const docs = "https://rasa.com/docs/rasa"

// APIError is an answer in the form of Rasa's ErrorResponse (rasa/server.py).
type APIError struct {
	Status  int
	Reason  string
	Message string
	// Parameter and In name what is wrong in the request, "" when it is no single thing. In is "query" or "body".
	Parameter, In string
	// Help is a URL, "" for none.
	Help string
	// Err is what happened, for the log.
	Err error
}

// Error returns the message.
func (e *APIError) Error() string { return e.Message }

// Unwrap returns what happened.
func (e *APIError) Unwrap() error { return e.Err }

func (e *APIError) body() *value.Map {
	details := &value.Map{}
	if e.In != "" {
		details.Set("parameter", e.Parameter).Set("in", e.In)
	}
	var help any
	if e.Help != "" {
		help = e.Help
	}
	return value.NewMap("version", RasaVersion, "status", "failure", "message", e.Message, "reason", e.Reason,
		"details", details, "help", help, "code", int64(e.Status))
}

func badRequest(message string) *APIError {
	return &APIError{Status: http.StatusBadRequest, Reason: "BadRequest", Message: message}
}

func badParameter(parameter, in, message string) *APIError {
	e := badRequest(message)
	e.Parameter, e.In = parameter, in
	return e
}

// unexpected is what Rasa makes of an exception it did not foresee.
func unexpected(reason string, err error) *APIError {
	return &APIError{
		Status: http.StatusInternalServerError, Reason: reason, Err: err,
		Message: fmt.Sprintf("An unexpected error occurred. Error: %s", pythonText(err)),
	}
}

// pythonText returns what Rasa shows of an error: errors that say nothing there are "".
func pythonText(err error) string {
	var api *APIError
	if errors.As(err, &api) {
		return ""
	}
	return err.Error()
}

// retryAfter is after how many seconds a request is worth another try when a store was out of reach.
const (
	retryAfter  = "1"
	unavailable = "The conversation cannot be reached at the moment. Nothing was done; please try again later."
)

// tokenError is an answer in the form of sanic-jwt.
type tokenError struct {
	status          int
	reason, problem string
}

func (e *tokenError) Error() string { return e.reason }

// handleError is the one place where errors become answers.
func (s *Server) handleError(err error, c echo.Context) {
	if c.Response().Committed {
		s.log.Error("answer broke off", "url", c.Request().RequestURI, "err", err)
		return
	}
	var api *APIError
	var token *tokenError
	if dialogue.Later(err) {
		s.log.Warn("request cannot be answered now", "url", c.Request().RequestURI, "err", err)
		c.Response().Header().Set("Retry-After", retryAfter)
		err = &APIError{Status: http.StatusServiceUnavailable, Reason: "ServiceUnavailable", Message: unavailable}
	}
	switch {
	case errors.As(err, &api):
		if api.Err != nil && api.Status >= http.StatusInternalServerError {
			s.log.Error("request failed", "url", c.Request().RequestURI, "status", api.Status, "err", api.Err)
		}
		// Rasa's own answers go past the CORS extension.
		dropCORS(c.Response().Header())
		err = channels.WriteJSON(c, api.Status, api.body())
	case errors.As(err, &token):
		err = channels.WriteJSON(c, token.status, value.NewMap("reasons", []any{token.reason}, "exception", token.problem))
	default:
		err = s.writeFrameworkError(c, err)
	}
	if err != nil {
		s.log.Debug("answer not delivered", "url", c.Request().RequestURI, "err", err)
	}
}

// writeFrameworkError answers as Sanic does when a handler or the router raises an exception.
func (s *Server) writeFrameworkError(c echo.Context, err error) error {
	status, message := http.StatusInternalServerError, "The server encountered an internal error and cannot complete your request."
	var framework *echo.HTTPError
	switch {
	case errors.Is(err, echo.ErrNotFound):
		status, message = http.StatusNotFound, fmt.Sprintf("Requested URL %s not found", c.Request().URL.Path)
	case errors.Is(err, echo.ErrMethodNotAllowed):
		status = http.StatusMethodNotAllowed
		message = fmt.Sprintf("Method %s not allowed for URL %s", c.Request().Method, rawPath(c.Request()))
	case errors.As(err, &framework):
		status, message = framework.Code, fmt.Sprint(framework.Message)
	case errors.Is(c.Request().Context().Err(), context.DeadlineExceeded):
		status, message = http.StatusServiceUnavailable, "Response Timeout"
	default:
		s.log.Error("request failed", "url", c.Request().RequestURI, "status", status, "err", err)
	}
	return render(c, status, message, s.allowed(c, status))
}
