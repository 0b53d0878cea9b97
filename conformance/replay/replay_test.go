package replay

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parleybot/parley/internal/value"
)

func decode(t *testing.T, text string) any {
	t.Helper()
	v, err := value.Decode([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

func TestDiffer(t *testing.T) {
	for name, c := range map[string]struct{ want, got, diff string }{
		"equal":            {`{"a":[1,"x",null,true]}`, `{"a":[1.0,"x",null,true]}`, ""},
		"key order":        {`{"a":1,"b":2}`, `{"b":2,"a":1}`, ""},
		"within tolerance": {`1.0`, `1.0000001`, ""},
		"beyond tolerance": {`1.0`, `1.001`, "at: want 1.0, got 1.001"},
		"bool is no 1":     {`[true]`, `[1]`, "at[0]: want true, got 1"},
		"null is no text":  {`{"a":null}`, `{"a":""}`, `at.a: want null, got ""`},
		"missing":          {`{"a":{"b":1}}`, `{"a":{}}`, "at.a.b: missing, want 1"},
		"unexpected":       {`{}`, `{"z":[1]}`, "at.z: unexpected [1]"},
		"shorter":          {`[1,2]`, `[1]`, "at: want 2 items, got 1; first extra 2"},
		"longer":           {`[]`, `["x"]`, `at: want 0 items, got 1; first extra "x"`},
		"deep first":       {`[[1],[2]]`, `[[3],[2],[4]]`, "at[0][0]: want 1, got 3"},
		"function address": {`"<function f at 0x1>"`, `"anything"`, ""},
		"function, empty":  {`"<function f at 0x1>"`, `""`, `at: want "<function f at 0x1>", got ""`},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			if d := Differ(decode(t, c.want), decode(t, c.got), "at", 1e-6); d != nil {
				got = d.Error()
			}
			if got != c.diff {
				t.Errorf("got %q, want %q", got, c.diff)
			}
		})
	}
}

func TestScrub(t *testing.T) {
	v := decode(t, `{"timestamp":1,"events":[{"date_time":"x","metadata":{"model_id":"m","a":1}}],"b":2}`)
	if got := value.Repr(scrub(v)); got != "{'events': [{'metadata': {'a': 1}}], 'b': 2}" {
		t.Errorf("got %s", got)
	}
	if !v.(*value.Map).Has("timestamp") {
		t.Error("the original was changed")
	}
}

func TestTimesThereAndBack(t *testing.T) {
	now := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	v := decode(t, `{"events":[{"event":"reminder","date_time":"2030-01-02T03:04:07.500000+00:00"}]}`)
	relative := relativeTimes(v, now)
	if got := value.Repr(scrub(relative)); got != "{'events': [{'event': 'reminder', 'date_time_in': 2.5}]}" {
		t.Errorf("got %s", got)
	}
	if back := absoluteTimes(scrub(relative), now); !value.Equal(back, v) {
		t.Errorf("got %s", value.Repr(back))
	}
}

func TestNewEvents(t *testing.T) {
	for name, c := range map[string]struct {
		before, now, fresh string
		reset              bool
	}{
		"first":     {`[]`, `[1]`, `[1]`, false},
		"continues": {`[1,2]`, `[1,2,3]`, `[3]`, false},
		"nothing":   {`[1]`, `[1]`, `[]`, false},
		"starts":    {`[1,2]`, `[3]`, `[3]`, true},
		"differs":   {`[1,2]`, `[1,3,4]`, `[1,3,4]`, true},
	} {
		t.Run(name, func(t *testing.T) {
			reset, fresh := newEvents(decode(t, c.before).([]any), decode(t, c.now).([]any))
			if reset != c.reset || !value.Equal(fresh, decode(t, c.fresh)) {
				t.Errorf("got %v, %s", reset, value.Repr(fresh))
			}
		})
	}
}

// echoBot is a server with one fixed answer that logs what it is told and asks its action server once a message.
type echoBot struct {
	actions string
	events  []any
	reply   string
}

func (b *echoBot) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; {
	case path == "/webhooks/rest/webhook":
		raw, _ := readCall(r)
		body, _ := value.DecodeObject(raw)
		call := value.NewMap("next_action", "action_x", "sender_id", body.String("sender"),
			"tracker", value.NewMap("events", b.events), "domain", value.NewMap())
		resp, err := http.Post(b.actions, "application/json", bytes.NewReader(value.Encode(call, value.JSON)))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		resp.Body.Close()
		b.events = append(b.events, value.NewMap("event", "user", "text", body.Value("message"), "timestamp", 1.5))
		respond(w, http.StatusOK, []any{value.NewMap("text", b.reply)})
	case strings.HasSuffix(path, "/tracker"):
		respond(w, http.StatusOK, value.NewMap("sender_id", "s", "events", b.events, "paused", false))
	case strings.HasSuffix(path, "/predict"):
		respond(w, http.StatusOK, value.NewMap("scores", []any{}, "tracker", nil))
	case strings.HasSuffix(path, "/story"):
		respond(w, http.StatusOK, "stories:\n")
	default:
		http.NotFound(w, r)
	}
}

const recording = `{"bot":"echo","name":"one","sender_id":"s","turns":[` +
	`{"send":{"message":"hi"},"status":200,"replies":[{"text":"hello"}],"reset":false,"events":[{"event":"user","text":"hi"}]}],` +
	`"tracker":{"paused":false},"predict":{"status":200,"answer":{"scores":[]}},"story":{"status":200,"answer":"stories:\n"},` +
	`"actions":[{"turn":0,"request":{"next_action":"action_x","sender_id":"s","tracker":{"events":0}},"status":200,"response":{"events":[]}}]}`

func TestReplay(t *testing.T) {
	for name, c := range map[string]struct{ reply, from, to, want string }{
		"identical":       {"hello", "", "", ""},
		"another reply":   {"bye", "", "", `turn 0 "hi".replies[0].text: want "hello", got "bye"`},
		"another tracker": {"hello", `"paused":false`, `"paused":true`, "tracker.paused: want true, got false"},
		"another story":   {"hello", `"stories:\n"`, `"x"`, `story.answer: want "x", got "stories:\n"`},
		"another request": {"hello", `"events":0`, `"events":7`, "action requests[0].tracker.events: want 7, got 0"},
		"one event less":  {"hello", `"events":[{"event":"user","text":"hi"}]`, `"events":[]`, `turn 0 "hi".events: want 0 items, got 1; first extra {"event": "user", "text": "hi"}`},
	} {
		t.Run(name, func(t *testing.T) {
			stub := &Stub{}
			actions := httptest.NewServer(stub)
			defer actions.Close()
			bot := httptest.NewServer(&echoBot{actions: actions.URL, events: []any{}, reply: c.reply})
			defer bot.Close()
			r, err := readConversation([]byte(strings.Replace(recording, c.from, c.to, 1)))
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if err := (&Player{Target: NewClient(bot.URL, ""), Stub: stub}).Replay(t.Context(), r); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestLoadFolder(t *testing.T) {
	dir := t.TempDir()
	if _, err := LoadFolder(dir); err == nil {
		t.Error("an empty folder gives no error")
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write([]byte(recording + "\n" + recording)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "b.jsonl.gz"), zipped.String())
	write(t, filepath.Join(dir, "a.jsonl"), recording+"\n\n")
	bots, err := LoadFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(bots) != 2 || bots[0].Name != "a" || len(bots[0].Conversations) != 1 || len(bots[1].Conversations) != 2 {
		t.Errorf("got %+v", bots)
	}
	if got := value.Encode(bots[0].Conversations[0].AsMap(), value.SortKeys); !value.Equal(decode(t, string(got)), decode(t, recording)) {
		t.Errorf("a recording does not survive reading and writing: %s", got)
	}
	write(t, filepath.Join(dir, "c.jsonl"), "{}\n")
	if _, err := LoadFolder(dir); err == nil || !strings.Contains(err.Error(), `c.jsonl:1: the field "sender_id" is missing`) {
		t.Errorf("got %v", err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
