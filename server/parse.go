package server

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/internal/value"
)

// parse is POST /model/parse: what the model understands of a text, in the form of the asked emulation.
func (s *Server) parse(c echo.Context) error {
	data, err := channels.Body(c)
	if err != nil {
		return err
	}
	if len(data) == 0 {
		return badRequest("No text message defined in request_body. Add text message to request body in order to obtain the intent and extracted entities.")
	}
	emulate, err := emulation(c)
	if err != nil {
		return err
	}
	answer, err := s.parseBody(c, emulate)
	if err != nil {
		return unexpected("ParsingError", err)
	}
	return channels.WriteJSON(c, http.StatusOK, answer)
}

func (s *Server) parseBody(c echo.Context, emulate func(*value.Map) (*value.Map, error)) (*value.Map, error) {
	body, err := channels.JSON(c)
	if errors.Is(err, channels.ErrNotJSON) {
		return nil, errors.New("Failed when parsing body as json") //nolint:staticcheck // Rasa's words
	}
	if err != nil {
		return nil, err
	}
	text, err := textToParse(body)
	if err != nil {
		return nil, err
	}
	full, ok := text.(string)
	if !ok {
		// Rasa wraps this failure in one that has no text.
		return nil, badRequest("")
	}
	found, err := s.cfg.Processor.Parse(c.Request().Context(), value.Strip(full))
	if err != nil {
		s.log.Error("parsing failed", "err", err)
		return nil, badRequest("")
	}
	return emulate(found)
}

// textToParse returns what is under "text", the first item of a list, or Python's error for its absence.
func textToParse(body any) (any, error) {
	switch b := body.(type) {
	case *value.Map:
		text, ok := b.Get("text")
		if !ok {
			return nil, errors.New("'text'")
		}
		list, ok := text.([]any)
		if !ok {
			return text, nil
		}
		if len(list) == 0 {
			return nil, errors.New("list index out of range")
		}
		return list[0], nil
	case []any:
		return nil, errors.New("list indices must be integers or slices, not str")
	case string:
		return nil, errors.New("string indices must be integers")
	}
	return nil, fmt.Errorf("'%s' object is not subscriptable", value.TypeName(body))
}
