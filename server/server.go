package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/dialogue"
	"github.com/parleybot/parley/internal/manage"
	"github.com/parleybot/parley/internal/metrics"
	"github.com/parleybot/parley/internal/shortcut"
	"github.com/parleybot/parley/stores"
)

// What Rasa says of itself; clients of its API check these.
const (
	RasaVersion              = "3.6.21"
	minimumCompatibleVersion = "3.6.21"
)

const (
	// defaultResponseTimeout is --response-timeout of Rasa.
	defaultResponseTimeout = time.Hour
	headerTimeout          = 60 * time.Second
	keepAliveTimeout       = 120 * time.Second
	// defaultShutdownTimeout leaves slow actions time to end.
	defaultShutdownTimeout = 30 * time.Second
	// breakOffTimeout is how long requests may take to notice that they are broken off.
	breakOffTimeout = time.Second
)

// Config says what a Server serves. Processor is required.
type Config struct {
	Processor *dialogue.Processor
	Channels  []channels.Channel
	// EnableAPI adds the routes beside those of the channels (--enable-api).
	EnableAPI bool
	// CORS are the values of --cors.
	CORS []string
	// AuthToken protects the API when it is not "" (--auth-token).
	AuthToken string
	// JWTSecret protects the API when it is not "": the secret, or the public key in PEM (--jwt-secret). JWTMethod is
	// the algorithm. Default: HS256.
	JWTSecret, JWTMethod string
	// ResponseTimeout is how long an answer may take. Default: an hour.
	ResponseTimeout time.Duration
	// ShutdownTimeout is how long requests under way may take when the server stops. Default: 30 seconds.
	ShutdownTimeout time.Duration
	// Models loads models for PUT /model; Trainer trains them for POST /model/train; Tester evaluates them. A route
	// whose part is nil answers 500.
	Models  ModelLoader
	Trainer Trainer
	Tester  Tester
	// Inbox keeps messages of channels that answer their platform before the turn is run. nil: they answer after it.
	Inbox stores.Inbox
	// Conversations lists and deletes stored conversations; nil: those routes are not there.
	Conversations *manage.Manager
	// Checks are what must work for messages to be answered.
	Checks []Check
	// Waiting returns how many turns wait on disk for the tracker store; nil: none ever do.
	Waiting func() int
	// Metrics writes the numbers that GET /metrics has beside those of the server.
	Metrics func(w *metrics.Writer)
	// Logger gets what happens. Default: nothing is logged.
	Logger *slog.Logger
}

// Server is the HTTP server. It is safe for concurrent use.
type Server struct {
	cfg  Config
	log  *slog.Logger
	echo *echo.Echo
	cors *cors
	// methods holds for each path the methods it has, as the header "Allow" lists them.
	methods map[string]string
	// direct holds what answers plain requests by path.
	direct    map[string]shortcut.Handler
	tokens    *tokenChecker
	readiness readiness
	// ctx ends with the server: requests answered by callback outlive their connection.
	ctx      context.Context
	stop     context.CancelFunc
	working  sync.WaitGroup
	training atomic.Int64
}

// New returns a server with all routes mounted.
func New(cfg Config) (*Server, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.ResponseTimeout == 0 {
		cfg.ResponseTimeout = defaultResponseTimeout
	}
	if cfg.ShutdownTimeout == 0 {
		cfg.ShutdownTimeout = defaultShutdownTimeout
	}
	s := &Server{cfg: cfg, log: cfg.Logger, echo: echo.New(), methods: map[string]string{}, direct: map[string]shortcut.Handler{}}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.echo.HTTPErrorHandler = s.handleError
	var err error
	if s.cors, err = newCORS(cfg.CORS); err != nil {
		return nil, err
	}
	if cfg.JWTSecret != "" && cfg.EnableAPI {
		if s.tokens, err = newTokenChecker(cfg.JWTSecret, cfg.JWTMethod); err != nil {
			return nil, fmt.Errorf("--jwt-secret: %w", err)
		}
	}
	s.mount()
	return s, nil
}

// Run serves on a listener until ctx ends, then lets running requests finish, and breaks off those that take too long.
// With a certificate use tls.NewListener. It closes the listener and the channels.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	front, err := s.listen(l)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	h := &http.Server{
		Handler: s, ReadHeaderTimeout: headerTimeout, IdleTimeout: keepAliveTimeout, ConnContext: shortcut.ConnContext,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- h.Serve(front) }()
	inbox, stopInbox := context.WithCancel(ctx)
	var answering sync.WaitGroup
	answering.Go(func() { s.answerInbox(inbox) })
	defer answering.Wait()
	defer stopInbox()
	select {
	case err := <-failed:
		return fmt.Errorf("serving on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	// ctx has ended: the time to finish is a new one.
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.ShutdownTimeout)
	defer cancel()
	err = s.closeChannels(grace)
	if h.Shutdown(grace) == nil && front.Wait(grace) && s.finish(grace) {
		s.stop()
		return err
	}
	s.log.Warn("requests are broken off, they took too long to finish", "duration", s.cfg.ShutdownTimeout)
	s.stop()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), breakOffTimeout)
	defer cancel()
	if h.Shutdown(last) != nil || !front.Wait(last) || !s.finish(last) {
		front.Abort()
		err = errors.Join(err, h.Close())
	}
	return err
}

// listen puts what answers plain requests in front of a listener. They have no Origin.
func (s *Server) listen(l net.Listener) (*shortcut.Listener, error) {
	header := http.Header{"Content-Type": {channels.TypeJSON}}
	s.cors.apply(header, &http.Request{Method: http.MethodPost})
	front, err := shortcut.Listen(l, shortcut.Config{
		Routes: s.direct, Header: header, HeadTimeout: headerTimeout, IdleTimeout: keepAliveTimeout,
	})
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	return front, nil
}

func (s *Server) closeChannels(ctx context.Context) error {
	var problems []error
	for _, ch := range s.cfg.Channels {
		if c, ok := ch.(channels.Closer); ok {
			problems = append(problems, c.Close(ctx))
		}
	}
	return errors.Join(problems...)
}

// finish waits for requests that are answered by callback and reports whether they were done before ctx ended.
func (s *Server) finish(ctx context.Context) bool {
	done := make(chan struct{})
	go func() {
		s.working.Wait()
		close(done)
	}()
	select {
	case <-done:
		return true
	case <-ctx.Done():
		return false
	}
}
