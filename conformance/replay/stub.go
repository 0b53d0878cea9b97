package replay

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

// Stub is an action server that answers from recordings and notes what it is asked. It is an http.Handler and may be
// used by several goroutines. The zero value is ready.
type Stub struct {
	// Now is the clock reminders are dated by. Default: the system's.
	Now func() time.Time

	mu      sync.Mutex
	pending map[string][]*value.Map // recorded exchanges not yet asked for, by sender_id
	asked   map[string][]any
}

// expect makes the recorded exchanges of a conversation available to it.
func (s *Stub) expect(c *Conversation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending == nil {
		s.pending = make(map[string][]*value.Map)
	}
	s.pending[c.SenderID] = append([]*value.Map(nil), c.Actions...)
	delete(s.asked, c.SenderID)
}

// requests returns what was asked for a conversation.
func (s *Stub) requests(sender string) []any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]any{}, s.asked[sender]...)
}

// Answer returns the recorded answer to a request: the first left for the same sender and action.
func (s *Stub) Answer(request *value.Map) (status int, response any) {
	action := request.String("next_action")
	exchange := s.take(request.String("sender_id"), action, summary(request))
	if exchange == nil {
		return http.StatusNotFound, value.NewMap("error", "no recorded answer for "+action, "action_name", action)
	}
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	recorded, _ := exchange.Value("status").(int64)
	return int(recorded), absoluteTimes(exchange.Value("response"), now())
}

func (s *Stub) take(sender, action string, seen *value.Map) *value.Map {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asked == nil {
		s.asked = make(map[string][]any)
	}
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

// ServeHTTP answers POST requests from the recordings and everything else like a healthy action server.
func (s *Stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		respond(w, http.StatusOK, value.NewMap("status", "ok"))
		return
	}
	raw, err := readCall(r)
	if err == nil {
		var request *value.Map
		if request, err = value.DecodeObject(bytes.TrimSpace(raw)); err == nil {
			status, response := s.Answer(request)
			respond(w, status, response)
			return
		}
	}
	respond(w, http.StatusBadRequest, value.NewMap("error", err.Error(), "action_name", nil))
}

// readCall reads the body of an action call, compressed or not.
func readCall(r *http.Request) ([]byte, error) {
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
	return data, nil
}

// summary is what of an action call is recorded: everything but the domain, with the number of events for the events.
func summary(request *value.Map) *value.Map {
	request = without(request, "domain")
	if t := request.Map("tracker"); t != nil {
		if events, ok := t.Value("events").([]any); ok {
			request.Set("tracker", t.Clone().Set("events", int64(len(events))))
		}
	}
	seen, _ := scrub(request).(*value.Map)
	return seen
}

func respond(w http.ResponseWriter, status int, body any) {
	data := value.Encode(body, value.JSON)
	if text, ok := body.(string); ok {
		data = []byte(text)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// The caller may be gone; what it asked is noted already.
	_, _ = w.Write(data)
}
