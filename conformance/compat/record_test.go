package compat

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/conformance/replay"
	"github.com/parleybot/parley/internal/value"
)

func decode(t *testing.T, text string) any {
	t.Helper()
	v, err := value.Decode([]byte(text))
	require.NoError(t, err, text)
	return v
}

func TestReadScripts(t *testing.T) {
	for name, c := range map[string]struct{ doc, want, err string }{
		"user, api and sleep": {
			doc: `{"conversations":[{"name":"a","turns":[{"user":"hi","metadata":{"x":1}},{"sleep":1.5},` +
				`{"api":{"method":"GET","path":"/conversations/{id}/story"}}]}]}`,
			want: `[{"send":{"message":"hi","metadata":{"x":1}}},{"sleep":1.5},{"api":{"method":"GET","path":"/conversations/{id}/story"}}]`,
		},
		"nothing":          {doc: `{}`, err: `the key "conversations" is missing`},
		"no name":          {doc: `{"conversations":[{"turns":[]}]}`, err: `conversation 1: the key "name" is missing`},
		"no text":          {doc: `{"conversations":["x"]}`, err: `conversation 1: the key "name" is missing`},
		"unknown turn":     {doc: `{"conversations":[{"name":"a","turns":[{"bot":"hi"}]}]}`, err: `conversation "a": turn 1: want one of the keys`},
		"api without path": {doc: `{"conversations":[{"name":"a","turns":[{"api":{"method":"GET"}}]}]}`, err: "needs method and path"},
		"sleep for ever":   {doc: `{"conversations":[{"name":"a","turns":[{"sleep":"long"}]}]}`, err: "needs seconds"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ReadScripts(decode(t, c.doc))
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				return
			}
			require.NoError(t, err)
			require.Len(t, got, 1)
			turns := make([]any, len(got[0].Turns))
			for i, turn := range got[0].Turns {
				turns[i] = turn
			}
			require.Empty(t, replay.Differ(decode(t, c.want), turns, "", 0))
		})
	}
}

func TestRandomScripts(t *testing.T) {
	doc := decode(t, `{"fuzz":{"messages":["a","b","c"],"turns":5}}`)
	first, err := RandomScripts(doc, 3)
	require.NoError(t, err)
	require.Len(t, first, 3)
	require.Len(t, first[0].Turns, 5)
	again, err := RandomScripts(doc, 3)
	require.NoError(t, err)
	require.Equal(t, first, again)
	_, err = RandomScripts(decode(t, `{"fuzz":{}}`), 1)
	require.ErrorContains(t, err, "messages")
}

// talker is a server that asks its action server, sets a reminder and repeats what it is told.
type talker struct {
	actions string
	events  map[string][]any
}

func (s *talker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var answer any = &value.Map{}
	switch r.URL.Path {
	case "/webhooks/rest/webhook":
		raw, _ := io.ReadAll(r.Body)
		body, _ := value.DecodeObject(raw)
		sender := body.String("sender")
		call := value.NewMap("next_action", "action_x", "sender_id", sender, "domain", value.NewMap("a", int64(1)),
			"tracker", value.NewMap("events", s.events[sender], "latest_event_time", 3.5))
		resp, err := http.Post(s.actions, "application/json", bytes.NewReader(value.Encode(call, value.JSON)))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		_ = resp.Body.Close()
		s.events[sender] = append(s.events[sender], value.NewMap("event", "user", "text", body.Value("message"), "timestamp", 1.5))
		answer = []any{value.NewMap("recipient_id", sender, "text", "echo")}
	case "/status":
	default:
		if sender, ok := pathSender(r.URL.Path); ok {
			events := s.events[sender]
			if events == nil {
				events = []any{}
			}
			answer = value.NewMap("sender_id", sender, "events", events, "paused", false)
		}
	}
	_, _ = w.Write(value.Encode(answer, value.JSON))
}

func pathSender(path string) (string, bool) {
	dir, last := filepath.Split(path)
	return filepath.Base(dir), last == "tracker"
}

// TestRecordAndReplay records a server, and finds nothing different in it afterwards but what was changed.
func TestRecordAndReplay(t *testing.T) {
	ctx := context.Background()
	actions := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"events":[{"event":"reminder","date_time":"2999-01-01T00:00:00","timestamp":1}],"responses":[]}`))
	}))
	defer actions.Close()
	port, err := freePort(ctx)
	require.NoError(t, err)
	proxy := "127.0.0.1:" + value.Str(int64(port))
	server := httptest.NewServer(&talker{actions: "http://" + proxy + "/webhook", events: map[string][]any{}})
	defer server.Close()

	scripts, err := ReadScripts(decode(t, `{"conversations":[{"name":"two","turns":[{"user":"a"},{"user":"b"}]},{"name":"none","turns":[]}]}`))
	require.NoError(t, err)
	out := t.TempDir()
	var log bytes.Buffer
	r := Recorder{URL: server.URL, Bot: "echo", Out: out, ActionsProxy: proxy, Actions: actions.URL, Log: &log}
	require.NoError(t, r.Record(ctx, scripts))
	require.Contains(t, log.String(), "two: 2 turns, 2 actions\n")

	bots, err := replay.LoadFolder(out)
	require.NoError(t, err)
	require.Equal(t, "echo", bots[0].Name)
	c := bots[0].Conversations[0]
	require.Len(t, c.Actions, 2)
	require.Equal(t, int64(1), c.Actions[1].Map("request").Map("tracker").Value("events"))
	require.False(t, c.Actions[0].Map("request").Has("domain"))
	event, _ := c.Actions[0].Map("response").List("events")[0].(*value.Map)
	require.True(t, event.Has("date_time_in"))
	require.False(t, event.Has("date_time") || event.Has("timestamp"))

	stub := &replay.Stub{}
	stubbed := httptest.NewServer(stub)
	defer stubbed.Close()
	player := replay.Player{Target: replay.Handler{Handler: &talker{actions: stubbed.URL, events: map[string][]any{}}}, Stub: stub}
	require.NoError(t, player.Replay(ctx, c))
	c.Turns[1].Set("replies", []any{})
	require.ErrorContains(t, player.Replay(ctx, c), "turn 0")
}

func TestRecordWithoutServer(t *testing.T) {
	r := Recorder{URL: "http://127.0.0.1:1", Bot: "x", Out: t.TempDir(), Log: io.Discard}
	err := r.Record(context.Background(), []Script{{Name: "a", Turns: []*value.Map{value.NewMap("send", value.NewMap("message", "hi"))}}})
	require.ErrorContains(t, err, `recording "a": turn 0: asking the server`)
}
