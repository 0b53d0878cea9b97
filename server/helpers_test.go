package server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/channels"
	_ "github.com/parleybot/parley/channels/callback"
	_ "github.com/parleybot/parley/channels/rest"
	_ "github.com/parleybot/parley/channels/socketio"
	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue"
	"github.com/parleybot/parley/dialogue/nlg"
	"github.com/parleybot/parley/dialogue/policy"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
	locks "github.com/parleybot/parley/stores/lock/memory"
	trackers "github.com/parleybot/parley/stores/tracker/memory"
)

const testDomain = `version: "3.1"
intents: [greet, bye]
entities: [city]
slots:
  city:
    type: text
    mappings: [{type: from_entity, entity: city}]
responses:
  utter_greet:
  - text: "Hello / good day"
  utter_bye:
  - text: Bye
    buttons: [{title: Again, payload: /greet}]
`

// slashParser takes /intent for an intent and knows nothing else.
type slashParser struct{}

func (slashParser) Parse(_ context.Context, text string) (*value.Map, error) {
	if text == "panic" {
		panic("the parser broke")
	}
	var name any
	confidence := 0.0
	if rest, ok := strings.CutPrefix(text, "/"); ok {
		name, confidence = rest, 1.0
	}
	return value.NewMap("text", text, "intent", value.NewMap("name", name, "confidence", confidence), "entities", []any{}), nil
}

// echoPolicy answers each intent with the response of the same name.
type echoPolicy struct{ domain *project.Domain }

func (p echoPolicy) Predict(_ context.Context, t *tracker.Tracker) (policy.Prediction, error) {
	name := "action_listen"
	a := t.Applied()
	for a != nil && a.Event.Type() == tracker.TypeSlot {
		a = a.Prev
	}
	if a != nil {
		if _, ok := a.Event.(*tracker.UserUttered); ok {
			name = "utter_" + t.State().LatestMessage.IntentName()
		}
	}
	i, ok := p.domain.ActionIndex(name)
	if !ok {
		i, _ = p.domain.ActionIndex("action_listen")
	}
	out := policy.Prediction{Probabilities: make([]float64, len(p.domain.ActionNames())), Policy: "EchoPolicy"}
	out.Probabilities[i] = 1
	return out, nil
}

func testModel(t testing.TB) *dialogue.Model {
	t.Helper()
	d, problems := project.ParseDomain([]byte(testDomain), "domain.yml")
	require.NoError(t, problems.Err())
	return dialogue.NewModel(dialogue.ModelSpec{
		ID: "abc", File: "model.tar.gz", Domain: d, NLU: slashParser{}, Policies: echoPolicy{d}, NLG: nlg.NewTemplated(d, nil),
	})
}

// newTestServer returns a server over stores in memory; change may alter its configuration, which enables the API and
// has the REST channel.
func newTestServer(t testing.TB, change func(cfg *Config)) *Server {
	t.Helper()
	p := dialogue.New(dialogue.Config{Store: trackers.New(), Locks: locks.New()})
	t.Cleanup(p.Close)
	p.SetModel(testModel(t))
	list, err := channels.Create(nil, "", component.Env{})
	require.NoError(t, err)
	cfg := Config{Processor: p, Channels: list, EnableAPI: true}
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg)
	require.NoError(t, err)
	return s
}

// exchange is one request and what is expected of the answer.
type exchange struct {
	name, method, path, body string
	headers                  map[string]string
	status                   int
	// want is the body; contains is a part of it instead.
	want, contains string
	// wantHeaders are the expected headers; "" means absent.
	wantHeaders map[string]string
}

func (e exchange) run(t *testing.T, s *Server) {
	t.Helper()
	t.Run(e.name, func(t *testing.T) {
		answer := send(s, e.method, e.path, e.body, e.headers)
		got, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.Equal(t, e.status, answer.StatusCode, "%s", got)
		if e.want != "" {
			require.Equal(t, e.want, string(got))
		}
		require.Contains(t, string(got), e.contains)
		for name, want := range e.wantHeaders {
			require.Equal(t, want, answer.Header.Get(name), name)
		}
	})
}

func send(s *Server, method, path, body string, headers map[string]string) *http.Response {
	r := httptest.NewRequest(method, "http://bot.example/", strings.NewReader(body))
	// Paths as clients send them, not as net/url would write them.
	r.RequestURI = path
	bare, query, _ := strings.Cut(path, "?")
	r.URL.Path, r.URL.RawQuery = bare, query
	for k, v := range headers {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result()
}

var errBroken = errors.New("broken on purpose")
