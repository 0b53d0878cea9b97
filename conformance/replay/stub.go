package replay

import (
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
	pending map[string][]Exchange
	asked   map[string][]any
}

func (s *Stub) expect(c *Conversation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending == nil {
		s.pending, s.asked = make(map[string][]Exchange), make(map[string][]any)
	}
	s.pending[c.SenderID] = append([]Exchange(nil), c.Actions...)
	delete(s.asked, c.SenderID)
}

// take returns what was asked for a conversation.
func (s *Stub) take(sender string) []any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[sender]
}

// Answer returns the recorded answer to a request: the first left for the same sender and action.
func (s *Stub) Answer(request *value.Map) (status int, response any) {
	seen := request.Clone()
	seen.Delete("domain")
	if t := seen.Map("tracker"); t != nil {
		seen.Set("tracker", t.Clone().Set("events", int64(len(t.List("events")))))
	}
	sender, action := request.String("sender_id"), request.String("next_action")
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asked == nil {
		s.asked = make(map[string][]any)
	}
	s.asked[sender] = append(s.asked[sender], scrub(seen))
	queue := s.pending[sender]
	for i, e := range queue {
		if e.Request.String("next_action") == action {
			s.pending[sender] = append(queue[:i:i], queue[i+1:]...)
			return int(e.Status), s.absoluteTimes(e.Response)
		}
	}
	return http.StatusNotFound, value.NewMap("error", "no recorded answer for "+action, "action_name", action)
}

// absoluteTimes turns date_time_in, seconds from now, into date_time.
func (s *Stub) absoluteTimes(v any) any {
	switch v := v.(type) {
	case *value.Map:
		out := &value.Map{}
		for k, x := range v.All() {
			if k != "date_time_in" {
				out.Set(k, s.absoluteTimes(x))
			}
		}
		if in, ok := value.ToFloat(v.Value("date_time_in")); ok {
			now := time.Now
			if s.Now != nil {
				now = s.Now
			}
			at := now().Add(time.Duration(in * float64(time.Second)))
			out.Set("date_time", at.UTC().Format("2006-01-02T15:04:05.000000-07:00"))
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = s.absoluteTimes(v[i])
		}
		return out
	}
	return v
}

// ServeHTTP answers POST requests from the recordings and everything else like a healthy action server.
func (s *Stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status, response := http.StatusOK, any(value.NewMap("status", "ok"))
	if r.Method == http.MethodPost {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		v, err := value.Decode(body)
		request, ok := v.(*value.Map)
		if err != nil || !ok {
			http.Error(w, "the request is no JSON object", http.StatusBadRequest)
			return
		}
		status, response = s.Answer(request)
	}
	data := value.Encode(response, value.JSON)
	if text, ok := response.(string); ok {
		data = []byte(text)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(data) //nolint:errcheck // the client is gone
}
