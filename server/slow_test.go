package server

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/parleybot/parley/channels"
)

// slowChannel answers when its time is up.
type slowChannel struct{}

func (slowChannel) Name() string            { return "slow" }
func (slowChannel) Output() channels.Output { return nil }

func (slowChannel) Mount(r channels.Router, _ channels.Handler) {
	r.Handle(http.MethodGet, "/", func(c echo.Context) error {
		<-c.Request().Context().Done()
		return c.Request().Context().Err()
	})
}
