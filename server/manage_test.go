package server

import (
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parleybot/parley/dialogue"
	"github.com/parleybot/parley/internal/manage"
	locks "github.com/parleybot/parley/stores/lock/memory"
	trackers "github.com/parleybot/parley/stores/tracker/memory"
)

// manageable gives a server the routes of stored conversations.
func manageable(t *testing.T) func(cfg *Config) {
	return func(cfg *Config) {
		store, held := trackers.New(), locks.New()
		p := dialogue.New(dialogue.Config{Store: store, Locks: held})
		t.Cleanup(p.Close)
		p.SetModel(testModel(t))
		cfg.Processor = p
		cfg.Conversations = manage.New(manage.Config{Store: store, Locks: held})
	}
}

func TestConversationsRoute(t *testing.T) {
	s := newTestServer(t, manageable(t))
	const path = "/parley/conversations"
	events := `[{"event": "user", "text": "soup", "input_channel": "rest", "timestamp": 1000.0, "parse_data": {"intent": {"name": "greet"}, "entities": [], "text": "soup"}}]`
	for _, e := range []exchange{
		{name: "nothing", method: "GET", path: path, status: 200, want: `{"conversations":[],"next":null}`},
		{name: "one", method: "PUT", path: "/conversations/a/b c/tracker/events", body: events, status: 200},
		{name: "another", method: "PUT", path: "/conversations/z/tracker/events", body: listened, status: 200},
		{name: "all", method: "GET", path: path, status: 200, contains: `"sender_id":"z"`},
		{name: "page", method: "GET", path: path + "?limit=1", status: 200, contains: `"last_intent":"greet","active_loop":null}],"next":"a\/b c"}`},
		{name: "next page", method: "GET", path: path + "?limit=1&after=a%2Fb+c", status: 200, contains: `[{"sender_id":"z"`},
		{name: "search", method: "GET", path: path + "?channel=rest&intent=greet&text=SOUP&since=1970-01-01&until=1000", status: 200, contains: `[{"sender_id":"a\/b c","events":1`},
		{name: "search in vain", method: "GET", path: path + "?slot=city=Rome", status: 200, want: `{"conversations":[],"next":null}`},
		{name: "limit", method: "GET", path: path + "?limit=0", status: 400, contains: `"parameter":"limit"`},
		{name: "since", method: "GET", path: path + "?since=soon", status: 400, contains: `"parameter":"since"`},
		{name: "until", method: "GET", path: path + "?until=late", status: 400, contains: `"parameter":"until"`},
		{name: "method", method: "POST", path: path, status: 405, wantHeaders: map[string]string{"Allow": "GET"}},
		{name: "method for one", method: "GET", path: path + "/x", status: 405, wantHeaders: map[string]string{"Allow": "DELETE"}},
		{name: "no id", method: "DELETE", path: path + "/", status: 405},
		{name: "delete", method: "DELETE", path: path + "/a/b c", status: 200,
			contains: `"removed":{"tracker_store":1,"lock_store":1},"left":{},"verified":true}`},
		{name: "gone", method: "GET", path: path + "?text=soup", status: 200, want: `{"conversations":[],"next":null}`},
		{name: "delete again", method: "DELETE", path: path + "/a/b c", status: 200, contains: `"events":0,"sha256":null`},
		{name: "Rasa's route", method: "GET", path: "/conversations", status: 404},
	} {
		e.run(t, s)
	}
}

func TestConversationsRouteIsGuarded(t *testing.T) {
	s := newTestServer(t, func(cfg *Config) { manageable(t)(cfg); cfg.JWTSecret = testSecret })
	as := func(name, role string) map[string]string {
		return map[string]string{"Authorization": signed(t, jwt.SigningMethodHS256, []byte(testSecret), userClaims(name, role))}
	}
	for _, e := range []exchange{
		{name: "nobody", method: "GET", path: "/parley/conversations", status: 401},
		{name: "user", method: "GET", path: "/parley/conversations", headers: as("ann", "user"), status: 403},
		{name: "admin", method: "GET", path: "/parley/conversations", headers: as("boss", "admin"), status: 200},
		{name: "nobody deletes", method: "DELETE", path: "/parley/conversations/ann", status: 401},
		{name: "another user deletes", method: "DELETE", path: "/parley/conversations/ann", headers: as("bob", "user"), status: 403},
		{name: "the user deletes", method: "DELETE", path: "/parley/conversations/ann", headers: as("ann", "user"), status: 200},
	} {
		e.run(t, s)
	}
	off := newTestServer(t, func(cfg *Config) { manageable(t)(cfg); cfg.EnableAPI = false })
	exchange{name: "without the API", method: "GET", path: "/parley/conversations", status: 404}.run(t, off)
	exchange{name: "without the API, delete", method: "DELETE", path: "/parley/conversations/ann", status: 404}.run(t, off)
}
