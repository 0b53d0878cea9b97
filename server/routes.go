package server

import (
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/internal/value"
)

var errPanic = errors.New("the handler panicked")

// mount registers all routes. Those of the API beside / have Rasa's guards: a token, then a loaded model.
func (s *Server) mount() {
	s.add(s.hello, "/", http.MethodGet)
	s.add(s.live, "/health/live", http.MethodGet)
	s.add(s.ready, "/health/ready", http.MethodGet)
	s.add(s.auth(s.metrics), "/metrics", http.MethodGet)
	if s.cfg.EnableAPI {
		s.mountAPI()
	}
	for _, ch := range s.cfg.Channels {
		if async, ok := ch.(channels.Async); ok && s.cfg.Inbox != nil {
			async.Accepting(s.accept(async))
		}
		ch.Mount(channelRouter{s, "/webhooks/" + ch.Name()}, s.handleMessage)
	}
}

func (s *Server) mountAPI() {
	s.add(s.version, "/version", http.MethodGet)
	s.add(s.auth(s.loaded(s.status)), "/status", http.MethodGet)
	s.add(s.auth(s.loaded(s.domain)), "/domain", http.MethodGet)
	s.add(s.auth(s.unloadModel), "/model", http.MethodDelete)
	s.add(s.auth(s.loadModel), "/model", http.MethodPut)
	s.add(s.auth(s.byCallback(s.train)), "/model/train", http.MethodPost)
	s.add(s.auth(s.loaded(s.testStories)), "/model/test/stories", http.MethodPost)
	s.add(s.auth(s.byCallback(s.testIntents)), "/model/test/intents", http.MethodPost)
	s.add(s.auth(s.loaded(s.predictEvents)), "/model/predict", http.MethodPost)
	s.add(s.auth(s.loaded(s.parse)), "/model/parse", http.MethodPost)
	s.echo.RouteNotFound("/conversations/*", s.outliving(s.conversation))
	s.mountManagement()
	if s.tokens != nil {
		s.add(s.authenticate, "/auth", http.MethodPost, http.MethodOptions)
		s.add(s.verifyToken, "/auth/verify", http.MethodGet, http.MethodOptions)
		s.add(s.tokenUser, "/auth/me", http.MethodGet, http.MethodOptions)
	}
}

// add registers h for a path. All methods of the path so far are allowed; a path asked with another one is answered by
// echo.ErrMethodNotAllowed.
func (s *Server) add(h echo.HandlerFunc, path string, methods ...string) {
	for _, m := range methods {
		if m != http.MethodOptions {
			s.echo.Add(m, path, h)
		}
	}
	allowed := strings.Join(methods, ", ")
	if known := s.methods[path]; known != "" {
		allowed = known + ", " + allowed
	}
	s.methods[path] = allowed
}

// allowed returns the header "Allow" of an answer with this status.
func (s *Server) allowed(c echo.Context, status int) string {
	if status != http.StatusMethodNotAllowed {
		return ""
	}
	path := c.Request().URL.Path
	if route, _, ok := findConversation(path); ok && s.cfg.EnableAPI {
		return route.method
	}
	if strings.HasPrefix(path, managePrefix) {
		return http.MethodDelete
	}
	return s.methods[path]
}

// channelRouter mounts the routes of one channel.
type channelRouter struct {
	s      *Server
	prefix string
}

// Handle registers h below the channel's prefix.
func (r channelRouter) Handle(method, path string, h echo.HandlerFunc) {
	r.s.add(h, strings.TrimRight(r.prefix+path, "/"), method)
}

// Direct registers what answers plain requests for a path before they become HTTP requests.
func (r channelRouter) Direct(path string, h channels.DirectHandler) {
	path = strings.TrimRight(r.prefix+path, "/")
	r.s.direct[path] = r.s.shortcut(path, h)
}

// HandleRoot registers h for a path of the server.
func (r channelRouter) HandleRoot(methods []string, path string, h echo.HandlerFunc) {
	r.s.add(h, path, methods...)
}

func (s *Server) hello(c echo.Context) error {
	return channels.WriteText(c, http.StatusOK, channels.TypeText, "Hello from Rasa: "+RasaVersion)
}

// live tells that the process runs. Rasa has no such route.
func (s *Server) live(c echo.Context) error { return channels.Health(c) }

// ready tells whether messages can be answered: 503 without a model. Rasa has no such route.
func (s *Server) version(c echo.Context) error {
	return channels.WriteJSON(c, http.StatusOK,
		value.NewMap("version", RasaVersion, "minimum_compatible_version", minimumCompatibleVersion))
}

// loaded lets requests through while there is a model.
func (s *Server) loaded(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if s.cfg.Processor.Model() == nil {
			return errNoModel
		}
		return next(c)
	}
}

var errNoModel = &APIError{
	Status: http.StatusConflict, Reason: "Conflict", Help: docs + "/user-guide/configuring-http-api/",
	Message: "No agent loaded. To continue processing, a model of a trained agent needs to be loaded.",
}
