package httpreplay

import (
	"fmt"
	"os"

	"github.com/parleybot/parley/internal/value"
)

// Exchange is one recorded request with its answer.
type Exchange struct {
	Name    string
	Request Request
	// Response has status, headers, body and body_is; Callbacks is nil when nobody waited for any.
	Response  *value.Map
	Callbacks []any
}

// Request is what was sent.
type Request struct {
	Method, Path, Query string
	Headers             *value.Map
	// Body is sent as JSON when IsJSON is true, otherwise as the text it is, nil for none.
	Body   any
	IsJSON bool
}

// Load reads a file of exchanges.
func Load(path string) ([]Exchange, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading a recording: %w", err)
	}
	v, err := value.Decode(data)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	list, _ := v.([]any)
	out := make([]Exchange, len(list))
	for i, item := range list {
		m, _ := item.(*value.Map)
		r := m.Map("request")
		out[i] = Exchange{
			Name: m.String("name"), Response: m.Map("response"), Callbacks: m.List("callbacks"),
			Request: Request{
				Method: r.String("method"), Path: r.String("path"), Query: r.String("query"), Headers: r.Map("headers"),
				Body: r.Value("body"), IsJSON: r.String("body_is") == "json",
			},
		}
	}
	return out, nil
}
