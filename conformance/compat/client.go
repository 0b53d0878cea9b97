package compat

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/parleybot/parley/internal/value"
)

// callTimeout bounds one request to a server.
const callTimeout = time.Minute

// Client talks to a server with Rasa's HTTP API. It is safe for concurrent use.
type Client struct {
	// Base is the server's URL without a slash at the end.
	Base string
	// Token is sent as ?token= when the server asks for one.
	Token string
	HTTP  *http.Client
}

// NewClient returns a Client for the server at base.
func NewClient(base string) *Client {
	return &Client{Base: strings.TrimRight(base, "/"), HTTP: &http.Client{Timeout: callTimeout}}
}

// call sends body as JSON (nothing when it is nil) and returns the status and the answer: a JSON value, or the text
// when it is none.
func (c *Client) call(ctx context.Context, method, path string, body any) (int64, any, error) {
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(value.Encode(body, value.JSON))
	}
	if c.Token != "" {
		sep := "?"
		if strings.Contains(path, "?") {
			sep = "&"
		}
		path += sep + "token=" + c.Token
	}
	req, err := http.NewRequestWithContext(ctx, method, c.Base+path, reader)
	if err != nil {
		return 0, nil, fmt.Errorf("asking %s: %w", c.Base+path, err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("asking the server: %w", err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil, fmt.Errorf("reading the answer of %s %s: %w", method, path, err)
	}
	if v, err := value.Decode(data); err == nil {
		return int64(resp.StatusCode), v, nil
	}
	return int64(resp.StatusCode), string(data), nil
}

// tracker returns the tracker of a conversation with all its events.
func (c *Client) tracker(ctx context.Context, sender string) (*value.Map, error) {
	_, answer, err := c.call(ctx, http.MethodGet, "/conversations/"+sender+"/tracker?include_events=ALL", nil)
	if err != nil {
		return nil, err
	}
	m, ok := answer.(*value.Map)
	if !ok {
		return nil, fmt.Errorf("the tracker of %q is %s", sender, quote(answer))
	}
	return m, nil
}

// Wait returns when the server has a model loaded.
func (c *Client) Wait(ctx context.Context) error {
	for {
		status, _, err := c.call(ctx, http.MethodGet, "/status", nil)
		if err == nil && status == http.StatusOK {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", c.Base, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}
