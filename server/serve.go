package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"
	"time"
)

// restTimeout is how long a client may take to send the rest of a body that its answer did not need.
const restTimeout = 5 * time.Second

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
	ctx, cancel := context.WithTimeout(r.Context(), s.cfg.ResponseTimeout)
	defer cancel()
	r = r.WithContext(ctx)
	url := *r.URL
	url.Path, url.RawPath = path, ""
	r.URL = &url
	if r.ContentLength != 0 {
		// The server reads what is left of the body before the next request.
		defer func() { _ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(restTimeout)) }()
	}
	defer s.recover(w, r)
	s.echo.ServeHTTP(w, r)
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
	s.log.Error("request panicked", "url", r.RequestURI, "err", fmt.Errorf("panic: %v", problem), "stack", string(debug.Stack()))
	c := s.echo.NewContext(r, w)
	s.handleError(errPanic, c)
}
