package server

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/parleybot/parley/internal/shortcut"
)

// restTimeout is how long a client may take to send the rest of a body that its answer did not need.
const restTimeout = 5 * time.Second

// maxRest is up to how many bytes of such a rest are read, as many as net/http reads.
const maxRest = 256 << 10

// ServeHTTP answers a request. Like Sanic it takes paths as they were sent, without decoding escapes, lets them end in
// slashes, and answers OPTIONS for any path.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.cors.apply(w.Header(), r)
	if r.Method == http.MethodOptions {
		// The type is Python's None, as Sanic sends it for an answer without content.
		w.Header()["Content-Type"] = []string{"None"}
		w.Header()["Content-Length"] = []string{"0"}
		w.WriteHeader(http.StatusOK)
		return
	}
	path := strings.TrimRight(rawPath(r), "/")
	if path == "" {
		path = "/"
	}
	ctx := limit(r.Context(), time.Now().Add(s.cfg.ResponseTimeout))
	defer ctx.release()
	r = r.WithContext(ctx)
	url := *r.URL
	url.Path, url.RawPath = path, ""
	r.URL = &url
	if r.ContentLength != 0 {
		defer finishBody(w, r)
	}
	if shortcut.HasFailed(ctx) {
		s.handleError(errPanic, s.echo.NewContext(r, w))
		return
	}
	defer s.recover(w, r)
	s.echo.ServeHTTP(w, r)
}

// finishBody limits the time for the rest of a body. net/http reads it before the next request; when there is none it would
// close at once, and the system of a client that is still sending then drops the answer: so the rest is read here.
func finishBody(w http.ResponseWriter, r *http.Request) {
	err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(restTimeout))
	if err == nil && r.Close && r.Header.Get("Expect") == "" {
		_, _ = io.CopyN(io.Discard, r.Body, maxRest) // whether the client sends it all is its own business
	}
}

// rawPath returns the path as the client sent it.
func rawPath(r *http.Request) string {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	if _, rest, ok := strings.Cut(path, "://"); ok && !strings.HasPrefix(path, "/") {
		// Requests to proxies name the host.
		i := strings.IndexByte(rest+"/", '/')
		return rest[min(i, len(rest)):]
	}
	return path
}

// recover answers 500 when a handler panicked.
func (s *Server) recover(w http.ResponseWriter, r *http.Request) {
	problem := recover()
	if problem == nil {
		return
	}
	if err, ok := problem.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(problem)
	}
	s.logPanic(r.RequestURI, problem)
	s.handleError(errPanic, s.echo.NewContext(r, w))
}
