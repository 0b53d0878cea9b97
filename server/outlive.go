package server

import (
	"context"

	"github.com/labstack/echo/v4"

	"github.com/parleybot/parley/channels"
)

// outlive returns a context with the values and the deadline of a request that does not end when its client hangs up,
// but with the server: a turn whose actions have run must be stored, whoever still listens. Rasa loses it.
func (s *Server) outlive(request context.Context) (context.Context, context.CancelFunc) {
	if deadline, ok := request.Deadline(); ok {
		ctx, cancel := context.WithDeadline(s.ctx, deadline)
		return detached{ctx, request}, cancel
	}
	ctx, cancel := context.WithCancel(s.ctx)
	return detached{ctx, request}, cancel
}

// detached is a context with the values of another one.
type detached struct {
	context.Context
	values context.Context
}

// Value implements context.Context.
func (c detached) Value(key any) any {
	if v := c.Context.Value(key); v != nil {
		return v
	}
	return c.values.Value(key)
}

// handleMessage is the channels' way to the engine.
func (s *Server) handleMessage(request context.Context, msg *channels.UserMessage) error {
	ctx, release := s.outlive(request)
	defer release()
	return s.cfg.Processor.Handle(ctx, msg)
}

// outliving lets next finish although its client hung up.
func (s *Server) outliving(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		ctx, release := s.outlive(c.Request().Context())
		defer release()
		c.SetRequest(c.Request().WithContext(ctx))
		return next(c)
	}
}
