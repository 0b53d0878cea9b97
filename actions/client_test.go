package actions

import (
	"compress/zlib"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/endpoint"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

const domainYAML = `
version: "3.1"
intents: [greet]
actions: [action_plain, {action_domain: {send_domain: true}}, action_missing, validate_order_form]
slots:
  drink: {type: text, mappings: [{type: custom}]}
  cups: {type: any, mappings: [{type: custom}]}
forms:
  order_form: {required_slots: [drink, cups]}
responses:
  utter_hello: [{text: hello}]
`

func conversation(t testing.TB) *tracker.Tracker {
	t.Helper()
	d, ps := project.ParseDomain([]byte(domainYAML), "domain.yml")
	require.NoError(t, ps.Err())
	tr := tracker.NewFactory(d).New("anna")
	tr.Update(&tracker.ActionExecuted{Name: "action_listen", Confidence: tracker.NoConfidence})
	tr.Update(tracker.NewUserUttered("grüezi", value.NewMap("intent", value.NewMap("name", "greet"), "text", "grüezi"), "rest", "m", nil))
	return tr
}

// answering is an action server that keeps the bodies it got and gives one answer after the other, the last for ever.
type answering struct {
	answers []answer
	bodies  []*value.Map
}

type answer struct {
	status int
	typ    string
	body   string
}

func (s *answering) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var from io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "deflate" {
		from, _ = zlib.NewReader(r.Body)
	}
	data, _ := io.ReadAll(from)
	m, _ := value.DecodeObject(data)
	a := s.answers[min(len(s.bodies), len(s.answers)-1)]
	s.bodies = append(s.bodies, m)
	if a.typ == "" {
		a.typ = "application/json"
	}
	w.Header().Set("Content-Type", a.typ)
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
}

func clientOf(t *testing.T, url string, more ...any) *Client {
	t.Helper()
	section := project.Entry{Name: "action_endpoint", Options: value.NewMap(append([]any{"url", url}, more...)...)}
	c, err := FromEndpoints(&project.Endpoints{Sections: map[string]project.Entry{"action_endpoint": section}})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func TestRequestBody(t *testing.T) {
	cases := []struct {
		name, action string
		options      []any
		compress     string
		wantDomain   bool
	}{
		{"the domain goes along", "action_plain", nil, "", true},
		{"only to those that need it", "action_plain", []any{"enable_selective_domain", true}, "", false},
		{"to one that needs it", "action_domain", []any{"enable_selective_domain", true}, "", true},
		{"compressed", "action_plain", nil, "True", true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv(compressVariable, c.compress)
			s := &answering{answers: []answer{{200, "", `{"events": [], "responses": []}`}}}
			server := httptest.NewServer(s)
			defer server.Close()
			tr := conversation(t)
			_, err := clientOf(t, server.URL, c.options...).Run(context.Background(), c.action, tr)
			require.NoError(t, err)
			require.Len(t, s.bodies, 1)
			body := s.bodies[0]
			require.Equal(t, c.action, body.Value("next_action"))
			require.Equal(t, "anna", body.Value("sender_id"))
			require.Equal(t, "3.6.21", body.Value("version"))
			require.True(t, value.Equal(tr.CurrentState(tracker.EventsAll), body.Value("tracker")))
			require.Equal(t, c.wantDomain, body.Has("domain"))
			if c.wantDomain {
				require.True(t, value.Equal(tr.Domain().AsMap(), body.Value("domain")))
			}
		})
	}
}

func TestMissingDomainIsSentAfterAll(t *testing.T) {
	s := &answering{answers: []answer{{449, "", `{"error": "domain missing", "action_name": "action_plain"}`}, {200, "", `{"events": []}`}}}
	server := httptest.NewServer(s)
	defer server.Close()
	_, err := clientOf(t, server.URL, "enable_selective_domain", true).Run(context.Background(), "action_plain", conversation(t))
	require.NoError(t, err)
	require.Len(t, s.bodies, 2)
	require.False(t, s.bodies[0].Has("domain"))
	require.True(t, s.bodies[1].Has("domain"))

	s.bodies, s.answers = nil, s.answers[:1]
	_, err = clientOf(t, server.URL).Run(context.Background(), "action_plain", conversation(t))
	require.ErrorIs(t, err, ErrUnavailable)
	require.Len(t, s.bodies, 1, "the domain was there: asking again would not help")
}

func TestResult(t *testing.T) {
	s := &answering{answers: []answer{{200, "", `{
		"events": [{"event": "slot", "name": "drink", "value": ["tea"], "timestamp": null}, {"event": "form", "name": null, "timestamp": 7.5}],
		"responses": [{"text": "a", "buttons": []}, {"response": "utter_hello"}]}`}}}
	server := httptest.NewServer(s)
	defer server.Close()
	r, err := clientOf(t, server.URL).Run(context.Background(), "action_plain", conversation(t))
	require.NoError(t, err)
	require.Equal(t, []tracker.Event{
		&tracker.SlotSet{Key: "drink", Value: []any{"tea"}},
		&tracker.ActiveLoop{Base: tracker.Base{Timestamp: 7.5}},
	}, r.Events)
	require.Len(t, r.Responses, 2)
	require.Equal(t, "utter_hello", r.Responses[1].Value("response"))
}

func TestFailures(t *testing.T) {
	cases := []struct {
		name   string
		answer answer
		want   error
		text   string
	}{
		{"rejected", answer{400, "", `{"action_name": "action_plain", "error": "not now"}`}, ErrRejected, `by "action_plain"`},
		{"rejected without reason", answer{400, "text/plain", `{"action_name": "action_plain"}`}, ErrRejected, "no reason"},
		{"bad request of something else", answer{400, "", `{"error": "what?"}`}, ErrInvalidResponse, "without action_name"},
		{"bad request without JSON", answer{400, "text/html", "<html>"}, ErrInvalidResponse, "without a reason"},
		{"unknown action", answer{404, "", `{"error": "No registered action found", "action_name": "action_plain"}`},
			ErrUnavailable, "404 Not Found: No registered action found"},
		{"crashed", answer{500, "", `{"error": "boom", "request_body": {"text": "grüezi"}}`}, ErrUnavailable, "500 Internal Server Error: boom"},
		{"gateway", answer{502, "text/html", "<html>"}, ErrUnavailable, "502 Bad Gateway"},
		{"broken JSON", answer{200, "", `{"events": [`}, ErrInvalidResponse, "invalid JSON"},
		{"no JSON", answer{200, "text/html", "<html>"}, ErrInvalidResponse, "must be object"},
		{"null", answer{200, "", "null"}, ErrInvalidResponse, "must be object"},
		{"events are null", answer{200, "", `{"events": null}`}, ErrInvalidResponse, "events: must be array"},
		{"unknown event", answer{200, "", `{"events": [{"event": "undo"}, {"event": "launch"}]}`}, ErrInvalidResponse, `events[1]: has an unknown event "launch"`},
		{"nameless event", answer{200, "", `{"events": [{"name": "x"}]}`}, ErrInvalidResponse, `events[0]: has no field "event"`},
		{"slot without value", answer{200, "", `{"events": [{"event": "slot", "name": "drink"}]}`}, ErrInvalidResponse, `has no field "value"`},
		{"nameless action", answer{200, "", `{"events": [{"event": "action"}]}`}, ErrInvalidResponse, "events[0]"},
		{"selectors without their list", answer{200, "", `{"events": [{"event": "user", "text": "a", "parse_data": {"response_selector": {"default": {}}}}]}`},
			ErrInvalidResponse, "events[0].parse_data.response_selector"},
		{"responses of texts", answer{200, "", `{"responses": ["a"]}`}, ErrInvalidResponse, "responses[0]: must be object"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(&answering{answers: []answer{c.answer}})
			defer server.Close()
			r, err := clientOf(t, server.URL).Run(context.Background(), "action_plain", conversation(t))
			require.Nil(t, r)
			requireOnly(t, err, c.want)
			require.ErrorContains(t, err, c.text)
			require.ErrorContains(t, err, server.URL)
			require.NotContains(t, err.Error(), "grüezi", "what users say does not belong into the log")
		})
	}
}

// requireOnly checks that err is one of the three outcomes and not another one, too.
func requireOnly(t *testing.T, err, want error) {
	t.Helper()
	for _, outcome := range []error{ErrRejected, ErrUnavailable, ErrInvalidResponse} {
		require.Equal(t, errors.Is(want, outcome), errors.Is(err, outcome), "%v", err)
	}
}

func TestDeadServer(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	_, err := clientOf(t, server.URL+"/webhook").Run(context.Background(), "action_plain", conversation(t))
	requireOnly(t, err, ErrUnavailable)
	require.ErrorContains(t, err, server.URL+"/webhook")
}

func TestSlowServer(t *testing.T) {
	done := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-done }))
	defer server.Close()
	defer close(done)
	_, err := clientOf(t, server.URL, "request_timeout", 0.02).Run(context.Background(), "action_plain", conversation(t))
	requireOnly(t, err, ErrInvalidResponse)
	require.ErrorContains(t, err, "no answer in time: waited 20ms")

	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, err = clientOf(t, server.URL).Run(ctx, "action_plain", conversation(t))
	requireOnly(t, err, nil)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestFromEndpoints(t *testing.T) {
	c, err := FromEndpoints(&project.Endpoints{})
	require.NoError(t, err)
	require.Nil(t, c)

	t.Setenv(compressVariable, "perhaps")
	section := project.Entry{Name: "action_endpoint", Options: value.NewMap("url", "http://localhost:5055/webhook")}
	endpoints := &project.Endpoints{Sections: map[string]project.Entry{"action_endpoint": section}}
	_, err = FromEndpoints(endpoints)
	require.ErrorContains(t, err, `COMPRESS_ACTION_SERVER_REQUEST is "perhaps"`)

	t.Setenv(compressVariable, "0")
	c, err = FromEndpoints(endpoints)
	require.NoError(t, err)
	require.Equal(t, "http://localhost:5055/webhook", c.URL())

	section.Options.Set("url", nil)
	_, err = FromEndpoints(endpoints)
	require.ErrorContains(t, err, "url is missing")
}

func TestDomainIsEncodedOnce(t *testing.T) {
	c, err := NewClient(endpoint.Config{URL: "http://localhost"}, false)
	require.NoError(t, err)
	a, b := conversation(t).Domain(), conversation(t).Domain()
	first := c.domainJSON(a)
	require.Same(t, &first[0], &c.domainJSON(a)[0])
	require.NotSame(t, &first[0], &c.domainJSON(b)[0])
}

// FuzzAnswer checks that no answer makes the client panic, that what it takes has only known events, and that taking is
// repeatable.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"events": [{"event": "slot", "name": "a", "value": {"b": [1, null]}}], "responses": [{"text": "x"}]}`,
		`{"events": [{"event": "user", "text": null, "parse_data": {"intent": {}, "entities": [{"entity": "e", "value": 1}]}}]}`,
		`{"events": [{"event": "bot", "data": []}, {"event": "reminder", "date_time": 5}]}`,
		`{"events": [{"event": {}}]}`, `[]`, `null`, `{"responses": [[]]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := value.Decode(data)
		if err != nil {
			return
		}
		r, err := parseResult(v)
		if err != nil {
			require.Nil(t, r)
			return
		}
		again, err := parseResult(v)
		require.NoError(t, err)
		require.Len(t, again.Events, len(r.Events))
		for _, e := range r.Events {
			require.Contains(t, eventShape.Cases, e.Type())
		}
	})
}
