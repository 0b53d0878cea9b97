package server

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/dialogue"
	"github.com/parleybot/parley/dialogue/nlg"
	"github.com/parleybot/parley/dialogue/policy"
	"github.com/parleybot/parley/dialogue/tracker"
)

// impatient is a policy during whose work the client hangs up.
type impatient struct {
	echoPolicy
	hangUp context.CancelFunc
}

func (p impatient) Predict(ctx context.Context, t *tracker.Tracker) (policy.Prediction, error) {
	p.hangUp()
	if err := ctx.Err(); err != nil {
		return policy.Prediction{}, err
	}
	return p.echoPolicy.Predict(ctx, t)
}

// TestClientHangsUp looks for the answer in the conversation of a client that did not wait for it.
func TestClientHangsUp(t *testing.T) {
	for _, c := range []struct{ name, path, body string }{
		{"channel", "/webhooks/rest/webhook", `{"sender": "u", "message": "/greet"}`},
		{"API", "/conversations/u/trigger_intent", `{"name": "greet"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			request, hangUp := context.WithCancel(t.Context())
			defer hangUp()
			s := newTestServer(t, func(cfg *Config) {
				d := testModel(t).Domain
				cfg.Processor.SetModel(dialogue.NewModel(dialogue.ModelSpec{
					ID: "abc", File: "model.tar.gz", Domain: d, NLU: slashParser{}, Policies: impatient{echoPolicy{d}, hangUp},
					NLG: nlg.NewTemplated(d, nil),
				}))
			})
			r := httptest.NewRequestWithContext(request, http.MethodPost, c.path, strings.NewReader(c.body))
			s.ServeHTTP(httptest.NewRecorder(), r)
			require.ErrorIs(t, request.Err(), context.Canceled)
			stored, err := s.cfg.Processor.FullTracker(t.Context(), "u")
			require.NoError(t, err)
			said := ""
			for _, e := range stored.Events() {
				if bot, ok := e.(*tracker.BotUttered); ok {
					said += bot.Text
				}
			}
			require.Equal(t, "Hello / good day", said)
		})
	}
}

// stuck is a policy that never decides.
type stuck struct{ entered chan<- struct{} }

func (p stuck) Predict(ctx context.Context, _ *tracker.Tracker) (policy.Prediction, error) {
	p.entered <- struct{}{}
	<-ctx.Done()
	return policy.Prediction{}, ctx.Err()
}

// TestRunBreaksOff stops a server whose turn does not end: it must end nevertheless, in order, and answer the request.
func TestRunBreaksOff(t *testing.T) {
	entered := make(chan struct{})
	s := newTestServer(t, func(cfg *Config) {
		cfg.ShutdownTimeout = time.Millisecond
		d := testModel(t).Domain
		cfg.Processor.SetModel(dialogue.NewModel(dialogue.ModelSpec{
			ID: "abc", File: "model.tar.gz", Domain: d, NLU: slashParser{}, Policies: stuck{entered}, NLG: nlg.NewTemplated(d, nil),
		}))
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, l) }()
	answered := make(chan error, 1)
	go func() {
		answer, err := http.Post("http://"+l.Addr().String()+"/webhooks/rest/webhook", "", strings.NewReader(`{"sender": "u", "message": "/greet"}`))
		if err == nil {
			err = answer.Body.Close()
		}
		answered <- err
	}()
	<-entered
	stop()
	require.NoError(t, <-ended)
	require.NoError(t, <-answered)
}
