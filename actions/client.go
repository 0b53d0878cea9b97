package actions

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/endpoint"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

const (
	// protocolVersion is the version that action servers are told; rasa-sdk warns of one it does not go with.
	protocolVersion = "3.6.21"
	// compressVariable makes request bodies compressed when it is true or 1.
	compressVariable = "COMPRESS_ACTION_SERVER_REQUEST"
	// statusMissingDomain is what newer versions of rasa-sdk answer when they need the domain and do not have it.
	statusMissingDomain = 449
)

// Client runs custom actions on an action server by Rasa's webhook protocol (rasa/core/actions/action.py RemoteAction,
// 3.6.21): a JSON POST with the name of the action, the tracker and the domain. It is safe for concurrent use.
type Client struct {
	server *endpoint.Endpoint
	// selective sends the domain only to actions that say they need it.
	selective bool
	domain    atomic.Pointer[encodedDomain]
}

// encodedDomain is the JSON of a domain, made once a model.
type encodedDomain struct {
	of   *project.Domain
	json []byte
}

// FromEndpoints returns the client for the section action_endpoint of endpoints.yml, nil when there is none. The errors
// name the place in the file.
func FromEndpoints(e *project.Endpoints) (*Client, error) {
	section, ok := e.Section("action_endpoint")
	if !ok {
		return nil, nil
	}
	cfg, err := endpoint.FromEntry(section)
	if err != nil {
		return nil, err
	}
	if cfg.Compress, err = truth(compressVariable); err != nil {
		return nil, err
	}
	c, err := NewClient(cfg, value.Truthy(section.Options.Value("enable_selective_domain")))
	if err != nil {
		return nil, fmt.Errorf("%s: action_endpoint: %w", section.Pos, err)
	}
	return c, nil
}

// NewClient returns a client of the server that cfg describes. With selective the domain is only sent to actions that
// have `send_domain: true`.
func NewClient(cfg endpoint.Config, selective bool) (*Client, error) {
	server, err := endpoint.New(cfg)
	if err != nil {
		return nil, err
	}
	return &Client{server: server, selective: selective}, nil
}

// truth reads an environment variable that is true, 1, false, 0 or not set.
func truth(variable string) (bool, error) {
	switch s := os.Getenv(variable); strings.ToLower(s) {
	case "", "false", "0":
		return false, nil
	case "true", "1":
		return true, nil
	default:
		return false, fmt.Errorf("environment variable %s is %q; it must be true, 1, false or 0", variable, s)
	}
}

// URL returns the server's address for log lines.
func (c *Client) URL() string { return c.server.URL() }

// Close closes idle connections.
func (c *Client) Close() { c.server.Close() }

// Run has the server run the action called name for conversation t, which is only read. The error wraps ErrRejected,
// ErrUnavailable or ErrInvalidResponse and names the server, but nothing of what was sent; when ctx ended it is the
// reason of that.
func (c *Client) Run(ctx context.Context, name string, t *tracker.Tracker) (*Result, error) {
	head := c.head(name, t)
	domain := c.domainJSON(t.Domain())
	withDomain := !c.selective || slices.Contains(t.Domain().ActionsNeedingDomain, name)
	answer, err := c.call(ctx, head, domain, withDomain)
	var status *endpoint.StatusError
	if errors.As(err, &status) && status.Status == statusMissingDomain && !withDomain {
		answer, err = c.call(ctx, head, domain, true)
	}
	if err != nil {
		return nil, c.failure(ctx, err)
	}
	result, err := parseResult(answer)
	if err != nil {
		return nil, fmt.Errorf("%w at %s: %w", ErrInvalidResponse, c.server.URL(), err)
	}
	return result, nil
}

// head returns the request without the domain and the closing brace (RemoteAction._action_call_format).
func (c *Client) head(name string, t *tracker.Tracker) []byte {
	body := make([]byte, 0, 4096)
	body = value.Append(append(body, `{"next_action":`...), name, value.Compact)
	body = value.Append(append(body, `,"sender_id":`...), t.SenderID, value.Compact)
	body = t.AppendState(append(body, `,"tracker":`...), value.Compact)
	return append(body, `,"version":"`+protocolVersion+`"`...)
}

func (c *Client) domainJSON(d *project.Domain) []byte {
	known := c.domain.Load()
	if known == nil || known.of != d {
		known = &encodedDomain{d, value.Encode(d.AsMap(), value.Compact)}
		c.domain.Store(known)
	}
	return known.json
}

func (c *Client) call(ctx context.Context, head, domain []byte, withDomain bool) (any, error) {
	if withDomain {
		return c.server.Post(ctx, head, []byte(`,"domain":`), domain, []byte("}"))
	}
	return c.server.Post(ctx, head, []byte("}"))
}

// failure says what a failed call means to the conversation.
func (c *Client) failure(ctx context.Context, err error) error {
	var status *endpoint.StatusError
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("calling %s: %w", c.server.URL(), err)
	case errors.As(err, &status) && status.Status == http.StatusBadRequest:
		return c.rejection(status)
	case errors.Is(err, endpoint.ErrTimeout), errors.Is(err, endpoint.ErrBody):
		return fmt.Errorf("%w at %s: %w", ErrInvalidResponse, c.server.URL(), err)
	}
	return fmt.Errorf("%w at %s: %w", ErrUnavailable, c.server.URL(), err)
}

// rejection reads the answer with which an action refuses to run: {"action_name": ..., "error": ...}.
func (c *Client) rejection(status *endpoint.StatusError) error {
	m, err := value.DecodeObject(status.Body)
	if err != nil {
		return fmt.Errorf("%w at %s: status 400 without a reason: %w", ErrInvalidResponse, c.server.URL(), err)
	}
	name, ok := m.Get("action_name")
	if !ok {
		return fmt.Errorf("%w at %s: status 400 without action_name: %w", ErrInvalidResponse, c.server.URL(), status)
	}
	reason := status.Reason()
	if reason == "" {
		reason = "the action gave no reason"
	}
	return fmt.Errorf("%w by %q at %s: %s", ErrRejected, value.Str(name), c.server.URL(), reason)
}
