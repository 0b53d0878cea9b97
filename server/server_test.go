package server

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/dialogue"
	"github.com/parleybot/parley/internal/value"
)

var (
	jsonType = map[string]string{"Content-Type": "application/json"}
	standard = map[string]string{"Access-Control-Allow-Credentials": "true", "Access-Control-Expose-Headers": "filename"}
)

func TestRoutes(t *testing.T) {
	s := newTestServer(t, nil)
	hello := "Hello from Rasa: 3.6.21"
	for _, e := range []exchange{
		{name: "root", method: "GET", path: "/", status: 200, want: hello, wantHeaders: standard},
		{name: "many slashes are the root", method: "GET", path: "///?x=1", status: 200, want: hello},
		{name: "slashes at the end", method: "GET", path: "/version//", status: 200,
			want: `{"version":"3.6.21","minimum_compatible_version":"3.6.21"}`},
		{name: "slashes at the beginning", method: "GET", path: "//version", status: 404,
			want: "⚠️ 404 — Not Found\n==================\nRequested URL //version not found\n\n"},
		{name: "escapes are not decoded", method: "GET", path: "/%76ersion", status: 404, contains: "/%76ersion"},
		{name: "head", method: "HEAD", path: "/version", status: 405,
			wantHeaders: map[string]string{"Allow": "GET", "Content-Length": "104"}},
		{name: "two methods", method: "GET", path: "/model/", status: 405, contains: "URL /model/\n",
			wantHeaders: map[string]string{"Allow": "DELETE, PUT"}},
		{name: "method that http does not know", method: "BREW", path: "/version", status: 405, contains: "Method BREW not allowed"},
		{name: "options anywhere", method: "OPTIONS", path: "/nowhere", status: 200,
			wantHeaders: map[string]string{"Content-Type": "None", "Content-Length": "0"}},
		{name: "live", method: "GET", path: "/health/live", status: 200, want: `{"status":"ok"}`},
		{name: "ready", method: "GET", path: "/health/ready", status: 200, want: `{"status":"ok"}`},
		{name: "health of a channel", method: "GET", path: "/webhooks/rest", status: 200, want: `{"status":"ok"}`},
		{name: "unknown channel", method: "GET", path: "/webhooks/slack/", status: 404, contains: "URL /webhooks/slack not found"},
		{name: "id with slashes", method: "GET", path: "/conversations/a/tracker/events/tracker?include_events=NONE", status: 200,
			contains: `"sender_id":"a\/tracker\/events"`},
		{name: "id with escapes", method: "GET", path: "/conversations/a%20b/tracker", status: 200, contains: `"sender_id":"a%20b"`},
		{name: "empty id", method: "GET", path: "/conversations//tracker", status: 200, contains: `"sender_id":"default"`},
		{name: "no id", method: "GET", path: "/conversations/tracker", status: 404},
		{name: "wrong method below conversations", method: "DELETE", path: "/conversations/x/tracker", status: 405,
			wantHeaders: map[string]string{"Allow": "GET"}},
		{name: "two routes share tracker/events", method: "GET", path: "/conversations/x/tracker/events", status: 404},
		{name: "no auth routes without a secret", method: "POST", path: "/auth", status: 404},
	} {
		e.run(t, s)
	}
}

func TestErrorForms(t *testing.T) {
	s := newTestServer(t, nil)
	accept := func(v string) map[string]string { return map[string]string{"Accept": v} }
	json := `{"description":"Not Found","status":404,"message":"Requested URL /no/<b> not found"}`
	for _, e := range []exchange{
		{name: "nothing said", status: 404, contains: "==\nRequested URL /no/<b> not found\n\n"},
		{name: "json", headers: accept("application/json"), status: 404, want: json},
		{name: "json by the body's type", headers: jsonType, status: 404, want: json},
		{name: "json among others", headers: accept("text/plain, application/json"), status: 404, want: json},
		{name: "html", headers: accept("text/html"), status: 404, contains: "<p>Requested URL /no/&lt;b> not found\n"},
		{name: "html is better", headers: accept("application/json;q=0.5, text/html"), status: 404, contains: "<!DOCTYPE html>"},
		{name: "anything", headers: accept("*/*"), status: 404, contains: "<!DOCTYPE html>"},
		{name: "anything, with a JSON body", headers: accept("*/*"), body: `{"a": 1}`, status: 404, want: json},
		{name: "text", headers: accept("text/plain"), status: 404, contains: "⚠️ 404"},
		{name: "something else", headers: accept("image/png"), status: 404, contains: "<!DOCTYPE html>"},
		{name: "no media type", headers: accept("nonsense"), status: 404, contains: "⚠️ 404"},
	} {
		e.method, e.path = "GET", "/no/<b>"
		e.run(t, s)
	}
}

func TestREST(t *testing.T) {
	s := newTestServer(t, nil)
	const path = "/webhooks/rest/webhook"
	hello := `[{"recipient_id":"u","text":"Hello \/ good day"}]`
	for _, e := range []exchange{
		{name: "answer", body: `{"sender": "u", "message": "/greet"}`, status: 200, want: hello},
		{name: "buttons", body: `{"sender": "u", "message": " /bye "}`, status: 200,
			want: `[{"recipient_id":"u","text":"Bye","buttons":[{"title":"Again","payload":"\/greet"}]}]`},
		{name: "sender is Python text", body: `{"sender": {"a": [1, true, null]}, "message": "/greet"}`, status: 200,
			contains: `"recipient_id":"{'a': [1, True, None]}"`},
		{name: "no sender", body: `{"message": "/greet"}`, status: 200, contains: `"recipient_id":"default"`},
		{name: "no message", body: `{"sender": "u"}`, status: 200, want: "[]"},
		{name: "message is no text", body: `{"sender": "u", "message": ["/greet"]}`, status: 200, want: "[]"},
		{name: "metadata is no object", body: `{"sender": "u", "message": "/greet", "metadata": "x"}`, status: 200, want: "[]"},
		{name: "empty metadata", body: `{"sender": "u", "message": "/greet", "metadata": []}`, status: 200, want: hello},
		{name: "stream", path: "?stream=TRUE", body: `{"sender": "u", "message": "/greet"}`, status: 200,
			want:        "{\"recipient_id\": \"u\", \"text\": \"Hello / good day\"}\n",
			wantHeaders: map[string]string{"Content-Type": "text/event-stream"}},
		{name: "stream of nothing", path: "?stream=true", body: `{"sender": "u"}`, status: 200},
		{name: "list", body: `[]`, headers: jsonType, status: 500,
			want: `{"description":"Internal Server Error","status":500,"message":"The server encountered an internal error and cannot complete your request."}`},
		{name: "no body", status: 500, contains: "⚠️ 500"},
		{name: "malformed", body: `{`, headers: jsonType, status: 400,
			want: `{"description":"Bad Request","status":400,"message":"Failed when parsing body as json"}`},
		{name: "a panic is an error", body: `{"sender": "u", "message": "panic"}`, headers: jsonType, status: 500, contains: "internal error"},
		{name: "the conversation goes on", body: `{"sender": "u", "message": "/greet"}`, status: 200, want: hello},
	} {
		e.method, e.path = "POST", path+e.path
		e.run(t, s)
	}
}

func TestNoModel(t *testing.T) {
	s := newTestServer(t, func(cfg *Config) { cfg.Processor.SetModel(nil) })
	for _, e := range []exchange{
		{name: "status", method: "GET", path: "/status", status: 409, contains: "No agent loaded",
			wantHeaders: map[string]string{"Access-Control-Allow-Credentials": ""}},
		{name: "tracker", method: "GET", path: "/conversations/x/tracker", status: 409, contains: `"code":409`},
		{name: "rest", method: "POST", path: "/webhooks/rest/webhook", body: `{"message": "/greet"}`, status: 200, want: "[]"},
		{name: "ready", method: "GET", path: "/health/ready", status: 503},
		{name: "intents", method: "POST", path: "/model/test/intents", body: "{}", status: 500, contains: "TestingError"},
		{name: "unload again", method: "DELETE", path: "/model", status: 204},
	} {
		e.run(t, s)
	}
}

func TestWithoutAPI(t *testing.T) {
	s := newTestServer(t, func(cfg *Config) { cfg.EnableAPI = false })
	for _, e := range []exchange{
		{name: "root", method: "GET", path: "/", status: 200},
		{name: "rest", method: "POST", path: "/webhooks/rest/webhook", body: `{"message": "/greet"}`, status: 200, contains: "Hello"},
		{name: "version", method: "GET", path: "/version", status: 404},
		{name: "tracker", method: "GET", path: "/conversations/x/tracker", status: 404},
		{name: "wrong method below conversations", method: "POST", path: "/conversations/x/tracker", status: 404},
	} {
		e.run(t, s)
	}
}

func TestDomain(t *testing.T) {
	s := newTestServer(t, nil)
	accept := func(v string) map[string]string { return map[string]string{"Accept": v} }
	for _, e := range []exchange{
		{name: "nothing said", status: 200, contains: `"intents":["bye","greet"]`},
		{name: "yaml", headers: accept("text/yml"), status: 200, contains: "intents:\n- bye\n- greet\n",
			wantHeaders: map[string]string{"Content-Type": "application/x-yaml"}},
		{name: "json last", headers: accept("text/plain, application/json"), status: 200, contains: `"greet"`},
		{name: "json with charset", headers: accept("application/json; charset=utf-8"), status: 406, contains: "NotAcceptable"},
		{name: "empty", headers: accept(""), status: 406, contains: "oryml"},
	} {
		e.method, e.path = "GET", "/domain"
		e.run(t, s)
	}
}

// TestRunStops sends a request that is under way when the server is told to stop.
func TestRunStops(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	s := newTestServer(t, func(cfg *Config) {
		cfg.Models = loaderFunc(func(context.Context, ModelSource) (*dialogue.Model, error) {
			close(entered)
			<-release
			return nil, errBroken
		})
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, l) }()
	answered := make(chan int, 1)
	go func() {
		r, err := http.NewRequest(http.MethodPut, "http://"+l.Addr().String()+"/model", strings.NewReader(`{"model_file": "x"}`))
		if err == nil {
			var answer *http.Response
			if answer, err = http.DefaultClient.Do(r); err == nil {
				answer.Body.Close()
				answered <- answer.StatusCode
				return
			}
		}
		t.Error(err)
		answered <- 0
	}()
	<-entered
	stop()
	close(release)
	require.Equal(t, http.StatusBadRequest, <-answered)
	require.NoError(t, <-ended)
}

type loaderFunc func(context.Context, ModelSource) (*dialogue.Model, error)

func (f loaderFunc) Load(ctx context.Context, from ModelSource) (*dialogue.Model, error) {
	return f(ctx, from)
}

func TestResponseTimeout(t *testing.T) {
	s := newTestServer(t, func(cfg *Config) {
		cfg.ResponseTimeout = time.Millisecond
		cfg.Channels = []channels.Channel{slowChannel{}}
	})
	exchange{name: "timeout", method: "GET", path: "/webhooks/slow", status: 503, contains: "Response Timeout"}.run(t, s)
}

// FuzzREST sends bodies: whatever comes, the answer is JSON with 200, 400 or 500 and the server lives.
func FuzzREST(f *testing.F) {
	for _, seed := range []string{
		`{"sender": "u", "message": "/greet"}`, `{"sender": 1, "metadata": {}}`, `[]`, `null`, `{`, "\xff", `{"message": "\ud800"}`, `{"sender": "\u0000"}`,
	} {
		f.Add(seed)
	}
	s := newTestServer(f, nil)
	f.Fuzz(func(t *testing.T, body string) {
		if len(body) > 1<<12 || strings.Contains(body, "panic") {
			return
		}
		answer := send(s, "POST", "/webhooks/rest/webhook", body, jsonType)
		got, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.Contains(t, []int{200, 400, 500}, answer.StatusCode)
		_, err = value.Decode(got)
		require.NoError(t, err, "%q", got)
	})
}
