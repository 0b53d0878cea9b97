// Package channeltest serves a single channel for its tests.
package channeltest

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
)

// New builds the registered channel called name with the given options.
func New(t testing.TB, name string, options *value.Map) channels.Channel {
	t.Helper()
	ch, err := channels.Registry.Build(component.Config{Name: name, Options: options})
	require.NoError(t, err)
	return ch
}

// Serve serves ch until the test ends and returns the server's URL. handle is the engine behind it.
func Serve(t testing.TB, ch channels.Channel, handle channels.Handler) string {
	t.Helper()
	r := router{echo.New(), "/webhooks/" + ch.Name()}
	ch.Mount(r, handle)
	s := httptest.NewServer(r.echo)
	t.Cleanup(s.Close)
	if c, ok := ch.(channels.Closer); ok {
		// Runs before the server closes, which waits for open requests.
		t.Cleanup(func() { require.NoError(t, c.Close(context.Background())) })
	}
	return s.URL
}

// Echo answers each message with its own text; "fail" fails.
func Echo(ctx context.Context, m *channels.UserMessage) error {
	if m.Text == "fail" {
		return errFail
	}
	return m.Output.Send(ctx, m.SenderID, value.NewMap("text", m.Text))
}

var errFail = echo.NewHTTPError(500, "failed on purpose")

type router struct {
	echo   *echo.Echo
	prefix string
}

func (r router) Handle(method, path string, h echo.HandlerFunc) {
	r.echo.Add(method, strings.TrimRight(r.prefix+path, "/"), h)
}

// Direct implements channels.Router: all requests go to the ordinary handlers.
func (r router) Direct(string, channels.DirectHandler) {}

func (r router) HandleRoot(methods []string, path string, h echo.HandlerFunc) {
	for _, m := range methods {
		r.echo.Add(m, path, h)
	}
}
