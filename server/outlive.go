package server

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/dialogue"
	"github.com/parleybot/parley/internal/shortcut"
)

// outlive returns a context with the values and the deadline of a request that does not end when its client hangs up,
// but with the server: a turn whose actions have run must be stored, whoever still listens. Rasa loses it.
func (s *Server) outlive(request context.Context) *limited {
	until, ok := request.Deadline()
	if !ok {
		until = time.Now().Add(s.cfg.ResponseTimeout)
	}
	return &limited{parent: s.ctx, values: request, until: until}
}

// handleMessage is the channels' way to the engine.
func (s *Server) handleMessage(request context.Context, msg *channels.UserMessage) error {
	if own, ok := request.(*limited); ok && own.parent == s.ctx {
		return forChannel(s.cfg.Processor.Handle(own, msg))
	}
	ctx := s.outlive(request)
	defer ctx.release()
	return forChannel(s.cfg.Processor.Handle(ctx, msg))
}

// forChannel marks an error as one after which a message may be sent again.
func forChannel(err error) error {
	if err != nil && dialogue.Later(err) {
		return fmt.Errorf("%w: %w", channels.ErrUnavailable, err)
	}
	return err
}

// outliving lets next finish although its client hung up.
func (s *Server) outliving(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		ctx := s.outlive(c.Request().Context())
		defer ctx.release()
		c.SetRequest(c.Request().WithContext(ctx))
		return next(c)
	}
}

// shortcut returns h as requests get to it that do not become HTTP requests.
func (s *Server) shortcut(path string, h channels.DirectHandler) shortcut.Handler {
	return func(body, dst []byte) (_ []byte, outcome shortcut.Outcome) {
		ctx := limit(s.ctx, time.Now().Add(s.cfg.ResponseTimeout))
		defer ctx.release()
		defer func() {
			if problem := recover(); problem != nil {
				s.logPanic(path, problem)
				outcome = shortcut.Failed
			}
		}()
		answer, ok := h(ctx, body, dst)
		if !ok {
			return dst, shortcut.Declined
		}
		return answer, shortcut.Answered
	}
}

func (s *Server) logPanic(url string, problem any) {
	s.log.Error("request panicked", "url", url, "err", fmt.Errorf("panic: %v", problem), "stack", string(debug.Stack()))
}
