package nlg

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/endpoint"
	"github.com/parleybot/parley/internal/value"
)

// ErrUnavailable is wrapped by the errors of Callback that are a RasaException in Rasa: the server could not be reached,
// answered with a failure, or with something that is no message. Custom actions that extract slots survive these.
var ErrUnavailable = errors.New("NLG server unavailable")

// Callback has an HTTP server make the messages (CallbackNaturalLanguageGenerator). It is safe for concurrent use.
type Callback struct {
	server *endpoint.Endpoint
	// prepared are the responses of the last domain seen, for response ids.
	prepared atomic.Pointer[Templated]
}

// NewCallback returns a generator that asks server.
func NewCallback(server *endpoint.Endpoint) *Callback { return &Callback{server: server} }

var (
	textShape   = &endpoint.Shape{Types: []string{"string"}}
	objectShape = &endpoint.Shape{Types: []string{"object"}}
	listShape   = &endpoint.Shape{Types: []string{"array", "null"}, Items: objectShape}
	// messageShape is nlg_response_format_spec of rasa/core/nlg/callback.py, 3.6.21.
	messageShape = &endpoint.Shape{Types: []string{"object"}, Fields: []endpoint.Field{
		{Name: "text", Shape: textShape},
		{Name: "id", Shape: &endpoint.Shape{Types: []string{"string", "null"}}},
		{Name: "buttons", Shape: listShape},
		{Name: "elements", Shape: listShape},
		{Name: "attachment", Shape: &endpoint.Shape{Types: []string{"object", "null"}}},
		{Name: "image", Shape: &endpoint.Shape{Types: []string{"string", "null"}}},
		{Name: "custom", Shape: objectShape},
	}}
)

// Generate asks the server for the message of the response called name; the parameters are those of
// Templated.Generate. Errors wrap ErrUnavailable, except that of an answer which is too late or no JSON.
func (g *Callback) Generate(ctx context.Context, name string, t *tracker.Tracker, channel string, args *value.Map,
	_ func() float64) (*value.Map, error) {
	if err := checkArgs(args, "self", "utter_action", "tracker", "output_channel"); err != nil {
		return nil, err
	}
	body, err := g.request(name, t, channel, args)
	if err != nil {
		return nil, err
	}
	answer, err := g.server.Post(ctx, body)
	switch {
	case errors.Is(err, endpoint.ErrTimeout), errors.Is(err, endpoint.ErrBody), ctx.Err() != nil:
		return nil, fmt.Errorf("NLG server %s: %w", g.server.URL(), err)
	case err != nil:
		return nil, fmt.Errorf("%w: %s: %w", ErrUnavailable, g.server.URL(), err)
	}
	if err := messageShape.Check(answer); err != nil {
		return nil, fmt.Errorf("%w: %s: invalid answer: %w", ErrUnavailable, g.server.URL(), err)
	}
	return answer.(*value.Map), nil
}

// request returns the body of the request (nlg_request_format).
func (g *Callback) request(name string, t *tracker.Tracker, channel string, args *value.Map) ([]byte, error) {
	var id any
	if args == nil {
		found, err := g.responseID(name, t, channel)
		if err != nil {
			return nil, err
		}
		if found != "" {
			id = found
		}
	}
	arguments := args.Clone()
	arguments.Delete(argResponses)
	arguments.Delete("response_id")
	body := make([]byte, 0, 4096)
	body = value.Append(append(body, `{"response":`...), name, value.Compact)
	body = value.Append(append(body, `,"id":`...), id, value.Compact)
	body = value.Append(append(body, `,"arguments":`...), arguments, value.Compact)
	body = t.AppendState(append(body, `,"tracker":`...), value.Compact)
	body = value.Append(append(body, `,"channel":{"name":`...), channel, value.Compact)
	return append(body, "}}"...), nil
}

// responseID returns the id of the variation that Templated would choose among first, "" when it has none.
func (g *Callback) responseID(name string, t *tracker.Tracker, channel string) (string, error) {
	prepared := g.prepared.Load()
	if prepared == nil || prepared.domain != t.Domain() {
		prepared = NewTemplated(t.Domain(), nil)
		g.prepared.Store(prepared)
	}
	r, ok := prepared.responses[name]
	if !ok {
		return "", nil
	}
	return r.id(t, channel)
}
