package replay

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/parleybot/parley/internal/value"
)

// URL is a Target that listens at an address such as http://127.0.0.1:5005.
type URL string

// Call implements Target.
func (u URL) Call(ctx context.Context, method, path string, body any) (int, any, error) {
	request, err := http.NewRequestWithContext(ctx, method, string(u)+path, encoded(body))
	if err != nil {
		return 0, nil, fmt.Errorf("making a request: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, fmt.Errorf("sending a request: %w", err)
	}
	defer response.Body.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, nil, fmt.Errorf("reading the answer to %s: %w", path, err)
	}
	return response.StatusCode, decoded(text), nil
}

// Handler is a Target in the same process.
type Handler struct{ http.Handler }

// Call implements Target.
func (h Handler) Call(ctx context.Context, method, path string, body any) (int, any, error) {
	request := httptest.NewRequestWithContext(ctx, method, path, encoded(body))
	request.Header.Set("Content-Type", "application/json")
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, request)
	return answer.Code, decoded(answer.Body.Bytes()), nil
}

func encoded(body any) io.Reader {
	if body == nil {
		return http.NoBody
	}
	return bytes.NewReader(value.Encode(body, value.JSON))
}

func decoded(text []byte) any {
	v, err := value.Decode(text)
	if err != nil {
		return string(text)
	}
	return v
}
