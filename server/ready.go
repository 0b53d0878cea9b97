package server

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/internal/value"
)

// Check tells whether a part that the server needs can be used.
type Check struct {
	// Name is the part's section in endpoints.yml.
	Name string
	// Optional parts are told of when they do not work, but messages can be answered without.
	Optional bool
	// Run returns nil when the part works.
	Run func(ctx context.Context) error
}

const (
	// checkTimeout is how long a part may take to show that it works, checkAge how long its answer counts.
	checkTimeout = 2 * time.Second
	checkAge     = time.Second
)

// readiness remembers what the checks found, so that balancers which ask often cost little.
type readiness struct {
	mu       sync.Mutex
	at       time.Time
	problems *value.Map
	failed   bool
}

// ready answers 200 when messages can be answered, otherwise 503 and why not.
func (s *Server) ready(c echo.Context) error {
	if s.cfg.Processor.Model() == nil {
		return channels.WriteJSON(c, http.StatusServiceUnavailable, value.NewMap("status", "no model"))
	}
	answer, status := value.NewMap("status", "ok"), http.StatusOK
	problems, failed := s.check(c.Request().Context())
	if failed {
		answer, status = value.NewMap("status", "not ready"), http.StatusServiceUnavailable
	}
	if problems.Len() > 0 {
		answer.Set("problems", problems)
	}
	if s.cfg.Waiting != nil {
		if n := s.cfg.Waiting(); n > 0 {
			answer.Set("waiting_turns", int64(n))
		}
	}
	return channels.WriteJSON(c, status, answer)
}

// check returns the parts that do not work, and whether one of them is needed.
func (s *Server) check(ctx context.Context) (problems *value.Map, failed bool) {
	r := &s.readiness
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.at.IsZero() && time.Since(r.at) < checkAge {
		return r.problems, r.failed
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTimeout)
	defer cancel()
	problems = &value.Map{}
	for _, check := range s.cfg.Checks {
		if err := check.Run(ctx); err != nil {
			s.log.Warn("not ready", "component", check.Name, "err", err)
			problems.Set(check.Name, "unavailable")
			failed = failed || !check.Optional
		}
	}
	r.problems, r.failed, r.at = problems, failed, time.Now()
	return problems, failed
}
