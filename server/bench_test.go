package server

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
)

// discard is a response that keeps nothing.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}

// BenchmarkREST measures one message over the REST channel without the network; the engine answers with a constant.
// BenchmarkEcho is what echo alone needs for a constant answer.
func BenchmarkREST(b *testing.B) { benchmark(b, newTestServer(b, nil)) }

func BenchmarkEcho(b *testing.B) {
	e := echo.New()
	e.POST("/webhooks/rest/webhook", func(c echo.Context) error {
		return c.JSONBlob(http.StatusOK, []byte(`[{"recipient_id":"u","text":"Hello"}]`))
	})
	benchmark(b, e)
}

func benchmark(b *testing.B, h http.Handler) {
	const body = `{"sender": "u", "message": "/nothing"}`
	w := &discard{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, "/webhooks/rest/webhook", strings.NewReader(body))
		clear(w.header)
		h.ServeHTTP(w, r)
	}
}
