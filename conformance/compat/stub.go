package compat

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/parleybot/parley/internal/value"
)

// Stub is an action server that answers from recordings and notes what it was asked. It is an http.Handler.
type Stub struct {
	mu      sync.Mutex
	pending map[string][]*value.Map // recorded exchanges not yet asked for, by sender
	asked   map[string][]any
}

// NewStub returns a Stub that knows no conversation yet.
func NewStub() *Stub {
	return &Stub{pending: map[string][]*value.Map{}, asked: map[string][]any{}}
}

// expect makes the recorded exchanges available to the conversation of sender.
func (s *Stub) expect(sender string, exchanges []*value.Map) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending[sender] = append([]*value.Map(nil), exchanges...)
	delete(s.asked, sender)
}

// requests returns what sender's conversation asked.
func (s *Stub) requests(sender string) []any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]any{}, s.asked[sender]...)
}

// ServeHTTP answers an action call; everything but POST counts as a health check.
func (s *Stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		answer(w, http.StatusOK, value.NewMap("status", "ok"))
		return
	}
	request, err := readCall(r)
	if err != nil {
		answer(w, http.StatusBadRequest, value.NewMap("error", err.Error(), "action_name", nil))
		return
	}
	action := request.String("next_action")
	exchange := s.take(request.String("sender_id"), action, summary(request))
	if exchange == nil {
		answer(w, http.StatusNotFound, value.NewMap("error", "no recorded answer for "+action, "action_name", action))
		return
	}
	status, _ := exchange.Value("status").(int64)
	answer(w, int(status), absoluteTimes(exchange.Value("response"), time.Now()))
}

func (s *Stub) take(sender, action string, seen *value.Map) *value.Map {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked[sender] = append(s.asked[sender], seen)
	queue := s.pending[sender]
	for i, e := range queue {
		if e.Map("request").String("next_action") == action {
			s.pending[sender] = append(queue[:i:i], queue[i+1:]...)
			return e
		}
	}
	return nil
}

// readCall reads the body of an action call, compressed or not.
func readCall(r *http.Request) (*value.Map, error) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "deflate" {
		z, err := zlib.NewReader(r.Body)
		if err != nil {
			return nil, fmt.Errorf("inflating an action call: %w", err)
		}
		body = z
	}
	data, err := io.ReadAll(body)
	if err != nil {
		return nil, fmt.Errorf("reading an action call: %w", err)
	}
	m, err := value.DecodeObject(bytes.TrimSpace(data))
	if err != nil {
		return nil, fmt.Errorf("reading an action call: %w", err)
	}
	return m, nil
}

// summary is what of an action call is recorded: everything but the domain, with the number of events for the events.
func summary(request *value.Map) *value.Map {
	request = request.Clone()
	request.Delete("domain")
	seen, _ := scrub(request).(*value.Map)
	if t := seen.Map("tracker"); t != nil {
		if events, ok := t.Value("events").([]any); ok {
			t.Set("events", int64(len(events)))
		}
	}
	return seen
}

func answer(w http.ResponseWriter, status int, body any) {
	data := value.Encode(body, value.JSON)
	if text, ok := body.(string); ok {
		data = []byte(text)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// The caller may be gone; what it asked is noted already.
	_, _ = w.Write(data)
}
