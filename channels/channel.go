package channels

import (
	"context"
	"errors"

	"github.com/labstack/echo/v4"

	"github.com/parleybot/parley/component"
)

// ErrUnavailable is wrapped by errors of a Handler that did nothing with a message because a part of the system is out of
// reach: whoever sent the message may send it again later.
var ErrUnavailable = errors.New("not available at the moment")

// Handler has the engine answer one user message: everything it has to say went to m.Output when it returns.
type Handler func(ctx context.Context, m *UserMessage) error

// DirectHandler answers a request with status 200 and JSON, which it appends to dst, or returns false when nothing has
// been done and the route's ordinary handler is to answer. body is its own only until it returns.
type DirectHandler func(ctx context.Context, body, dst []byte) (answer []byte, ok bool)

// Channel brings messages of one chat service in and answers out (Rasa's InputChannel). Channels are safe for
// concurrent use.
type Channel interface {
	// Name is what users write in credentials.yml.
	Name() string
	// Mount registers the channel's routes. It is called once, before the server runs.
	Mount(r Router, handle Handler)
	// Output returns an output that reaches users who did not just write, nil when the channel cannot do that.
	Output() Output
}

// Closer is a Channel that has goroutines or connections of its own; Close ends them.
type Closer interface {
	Close(ctx context.Context) error
}

// Router takes the routes of a channel.
type Router interface {
	// Handle registers h for a path below /webhooks/<channel name>.
	Handle(method, path string, h echo.HandlerFunc)
	// Direct registers h for a path that Handle knows for POST. It answers the requests that need nothing of the HTTP
	// framework before that sees them; a router may ignore it.
	Direct(path string, h DirectHandler)
	// HandleRoot registers h for a path of the server and several methods; "Allow" lists them in this order.
	HandleRoot(methods []string, path string, h echo.HandlerFunc)
}

// Registry has the channels that credentials.yml can name.
var Registry = component.NewRegistry[Channel]("channel")

func init() {
	for _, name := range []string{
		"facebook", "slack", "telegram", "mattermost", "twilio", "twilio_voice", "rasa", "botframework", "rocketchat",
		"webexteams", "hangouts",
	} {
		Registry.Unsupported(name, "the channels are rest, callback and socketio")
	}
}

// Create builds the channels of credentials.yml, or only the one called connector when that is not ""; without any
// there is the REST channel (rasa/core/run.py, create_http_input_channels; rasa/api.py, run).
func Create(credentials []component.Config, connector string, env component.Env) ([]Channel, error) {
	if connector == "" && len(credentials) == 0 {
		connector = "rest"
	}
	if connector != "" {
		credentials = only(credentials, connector)
	}
	list := make([]Channel, 0, len(credentials))
	for _, cfg := range credentials {
		cfg.Env = env
		c, err := Registry.Build(cfg)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}

func only(credentials []component.Config, connector string) []component.Config {
	for _, cfg := range credentials {
		if cfg.Name == connector {
			return []component.Config{cfg}
		}
	}
	return []component.Config{{Name: connector}}
}
