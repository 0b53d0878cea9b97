package server

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/stores"
	locks "github.com/parleybot/parley/stores/lock/memory"
	trackers "github.com/parleybot/parley/stores/tracker/memory"
)

// away is a tracker store that cannot be read.
type away struct{ stores.TrackerStore }

func (away) Load(context.Context, *tracker.Factory, string) (stores.Conversation, error) {
	return stores.Conversation{}, stores.ErrUnavailable
}

func (away) LoadAll(context.Context, *tracker.Factory, string) (stores.Conversation, error) {
	return stores.Conversation{}, stores.ErrUnavailable
}

// TestStoreThatIsAway asks for what needs a conversation: nothing is answered as if there were none.
func TestStoreThatIsAway(t *testing.T) {
	p := dialogue.New(dialogue.Config{Store: away{trackers.New()}, Locks: locks.New()})
	t.Cleanup(p.Close)
	p.SetModel(testModel(t))
	list, err := channels.Create(nil, "", component.Env{})
	require.NoError(t, err)
	s, err := New(Config{Processor: p, Channels: list, EnableAPI: true, Waiting: func() int { return 3 }, Checks: []Check{
		{Name: "tracker_store", Run: func(context.Context) error { return stores.ErrUnavailable }},
		{Name: "lock_store", Optional: true, Run: func(context.Context) error { return nil }},
	}})
	require.NoError(t, err)
	for _, c := range []struct{ method, path, body string }{
		{"POST", "/webhooks/rest/webhook", `{"sender": "u", "message": "hello"}`},
		{"GET", "/conversations/u/tracker", ""},
		{"POST", "/conversations/u/messages", `{"text": "hello", "sender": "user"}`},
	} {
		r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		require.Equal(t, http.StatusServiceUnavailable, w.Code, c.path)
		require.Equal(t, "1", w.Header().Get("Retry-After"), c.path)
		require.Contains(t, w.Body.String(), `"code":503`, c.path)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/health/ready", nil))
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.JSONEq(t, `{"status": "not ready", "problems": {"tracker_store": "unavailable"}, "waiting_turns": 3}`, w.Body.String())
}
