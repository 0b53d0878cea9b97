package replay

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/parleybot/parley/internal/value"
)

// Target is the server under test. Call sends a request, with body as JSON unless it is nil, and returns the status and
// the answer: a JSON value, or the text as a string when it is no JSON. It may be called by several goroutines.
type Target interface {
	Call(ctx context.Context, method, path string, body any) (status int, answer any, err error)
}

// callTimeout bounds one request to a server.
const callTimeout = time.Minute

// Client is a Target that listens at an address such as http://127.0.0.1:5005.
type Client struct {
	base, token string
	http        http.Client
}

// NewClient returns a Client for the server at base; token, if it is not empty, is sent along.
func NewClient(base, token string) *Client {
	return &Client{base: strings.TrimRight(base, "/"), token: token, http: http.Client{Timeout: callTimeout}}
}

// Call implements Target.
func (c *Client) Call(ctx context.Context, method, path string, body any) (int, any, error) {
	if c.token != "" {
		sep := "?"
		if strings.Contains(path, "?") {
			sep = "&"
		}
		path += sep + "token=" + url.QueryEscape(c.token)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, encoded(body))
	if err != nil {
		return 0, nil, fmt.Errorf("making a request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("asking the server: %w", err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil, fmt.Errorf("reading the answer of %s %s: %w", method, path, err)
	}
	return resp.StatusCode, decoded(data), nil
}

// waitStep is how often Wait looks.
const waitStep = 20 * time.Millisecond

// Wait returns when the server has a model loaded.
func (c *Client) Wait(ctx context.Context) error {
	for {
		status, _, err := c.Call(ctx, http.MethodGet, "/status", nil)
		if err == nil && status == http.StatusOK {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", c.base, context.Cause(ctx))
		case <-time.After(waitStep):
		}
	}
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
