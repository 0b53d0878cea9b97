package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/internal/value"
)

// callbackTimeout is how long the delivery to a callback URL may take (aiohttp's default).
const callbackTimeout = 5 * time.Minute

// byCallback makes a handler of a slow one: with the parameter callback_url the client gets 204 at once and the URL the
// result, or the error, when it is there (rasa/server.py, async_if_callback_url).
func (s *Server) byCallback(slow func(ctx context.Context, c echo.Context) (*reply, error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		url, ok := channels.Query(c, "callback_url")
		if !ok {
			answer, err := slow(c.Request().Context(), c)
			if err != nil {
				return err
			}
			return answer.write(c)
		}
		if _, err := channels.Body(c); err != nil {
			return err
		}
		// echo takes its context back when the handler returns; this one stays.
		later := s.echo.NewContext(c.Request(), nil)
		s.working.Add(1)
		go func() {
			defer s.working.Done()
			s.deliver(url, func(ctx context.Context) (*reply, error) { return slow(ctx, later) })
		}()
		return noContent(c)
	}
}

func (s *Server) deliver(url string, slow func(ctx context.Context) (*reply, error)) {
	ctx, cancel := context.WithTimeout(s.ctx, s.cfg.ResponseTimeout)
	defer cancel()
	answer, err := protect(ctx, slow)
	if err != nil {
		var api *APIError
		if !errors.As(err, &api) {
			api = unexpected("UnexpectedError", err)
		}
		s.log.Error("request answered by callback failed", "url", url, "status", api.Status, "err", err)
		data := value.Encode(api.body(), value.JSON)
		answer = &reply{contentType: channels.TypeJSON, body: io.NopCloser(bytes.NewReader(data)), size: int64(len(data))}
	}
	if err := post(ctx, url, answer); err != nil {
		s.log.Error("callback failed", "url", url, "err", err)
	}
}

// protect turns a panic into an error.
func protect(ctx context.Context, f func(ctx context.Context) (*reply, error)) (answer *reply, err error) {
	defer func() {
		if problem := recover(); problem != nil {
			err = fmt.Errorf("panic: %v", problem)
		}
	}()
	return f(ctx)
}

func post(ctx context.Context, url string, answer *reply) error {
	defer answer.body.Close()
	ctx, cancel := context.WithTimeout(ctx, callbackTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, answer.body)
	if err != nil {
		return err
	}
	r.ContentLength = answer.size
	r.Header.Set("Content-Type", answer.contentType)
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer got.Body.Close()
	if got.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("the callback answered %s", got.Status)
	}
	return nil
}
