package server

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/internal/jsonschema"
	"github.com/parleybot/parley/internal/value"
)

const listened = `[{"event": "action", "name": "action_session_start", "timestamp": 1000.0}, {"event": "session_started", "timestamp": 1001.0},
 {"event": "action", "name": "action_listen", "timestamp": 1002.0}]`

func TestEventsRoute(t *testing.T) {
	s := newTestServer(t, nil)
	const path = "/conversations/x/tracker/events"
	for _, e := range []exchange{
		{name: "replace", method: "PUT", body: listened, status: 200, contains: `"latest_event_time":1002.0`},
		{name: "append one", method: "POST", body: `{"event": "slot", "name": "city", "value": "Rome", "timestamp": 1003.0}`, status: 200, contains: `"city":"Rome"`},
		{name: "append a list without showing events", method: "POST", path: "?include_events=none",
			body: `[{"event": "pause"}, {"event": "slot", "name": "nowhere", "value": 1}]`, status: 200, contains: `"paused":true,"events":null`},
		{name: "trailing slash", method: "POST", path: "/", body: `{"event": "resume"}`, status: 200, contains: `"paused":false`},
		{name: "empty list", method: "POST", body: `[]`, status: 500, contains: `"message":"An unexpected error occurred. Error: "`},
		{name: "replace by one object", method: "PUT", body: `{"event": "pause"}`, status: 500, contains: "'str' object has no attribute 'get'"},
		{name: "no body", method: "POST", status: 400, contains: "Failed to validate the events format"},
		{name: "malformed", method: "POST", body: `[`, headers: jsonType, status: 400, contains: "Failed when parsing body as json"},
		{name: "verbosity", method: "POST", path: "?include_events=some", body: `{"event": "pause"}`, status: 400,
			contains: `"details":{"parameter":"include_events","in":"query"}`},
		{name: "user without parse data", method: "POST", body: `{"event": "user", "text": "x"}`, status: 500, contains: "'NoneType' object has no attribute 'get'"},
		{name: "action without name", method: "POST", body: `{"event": "action"}`, status: 500, contains: "Both the name of the action"},
		{name: "reminder without time", method: "POST", body: `{"event": "reminder", "intent": "bye"}`, status: 500, contains: "not NoneType"},
		{name: "reminder at no time", method: "POST", body: `{"event": "reminder", "intent": "bye", "date_time": "soon"}`, status: 500, contains: "Unknown string format: soon"},
		{name: "reminder", method: "POST", path: "?include_events=ALL", body: `{"event": "reminder", "intent": "bye", "date_time": "2031-01-02 03:04"}`,
			status: 200, contains: `"date_time":"2031-01-02T03:04:00"`},
	} {
		e.path = path + e.path
		e.run(t, s)
	}
}

func TestEventsSchema(t *testing.T) {
	selector := func(inner string) string {
		return `{"event": "user", "parse_data": {"response_selector": ` + inner + `}}`
	}
	cases := []struct{ name, event, want string }{
		{"slot", `{"event": "slot", "name": "a", "value": null}`, ""},
		{"slot without value", `{"event": "slot", "name": "a"}`, `is not valid under any of the given schemas`},
		{"slot name", `{"event": "slot", "name": 5, "value": 1}`, `is not valid under any of the given schemas`},
		{"no object", `[]`, "[] is not of type 'object'"},
		{"no event", `{"name": "a"}`, `'event' is a required property`},
		{"unknown", `{"event": "nonsense"}`, `is not valid under any of the given schemas`},
		{"null time", `{"event": "pause", "timestamp": null}`, ""},
		{"time is text", `{"event": "pause", "timestamp": "now"}`, `'now' is not of type 'number', 'null'`},
		{"time is a bool", `{"event": "pause", "timestamp": true}`, `True is not of type 'number', 'null'`},
		{"metadata", `{"event": "pause", "metadata": []}`, `[] is not of type 'object', 'null'`},
		{"entity", `{"event": "entities", "entities": [{"entity": "a", "value": 1, "start": 2.0}]}`, ""},
		{"entity without value", `{"event": "entities", "entities": [{"entity": "a"}]}`, `'value' is a required property`},
		{"entity's place", `{"event": "entities", "entities": [{"entity": "a", "value": 1, "start": 2.5}]}`, `2.5 is not of type 'integer'`},
		{"intent", `{"event": "user", "parse_data": {"intent": {"name": null}}}`, `None is not of type 'string'`},
		{"selectors", selector(`{"all_retrieval_intents": ["faq"], "faq": {"response": {"confidence": 1}}}`), ""},
		{"selectors only", selector(`{"faq": {"response": {"confidence": 1}}}`), "is valid under each of"},
		{"no selectors", selector(`{}`), "is valid under each of"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v, err := value.DecodeString(c.event)
			require.NoError(t, err)
			err = jsonschema.Validate(eventsSchema, []any{v})
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestConversationRoutes(t *testing.T) {
	s := newTestServer(t, nil)
	talk := func(message string) exchange {
		return exchange{name: "talk " + message, method: "POST", path: "/webhooks/rest/webhook", status: 200,
			body: `{"sender": "x", "message": "` + message + `"}`}
	}
	post := func(name, path, body string, status int, contains string) exchange {
		return exchange{name: name, method: "POST", path: "/conversations/x/" + path, body: body, status: status, contains: contains}
	}
	const none = "?include_events=NONE"
	for _, e := range []exchange{
		post("execute: unknown conversation", "execute", `{"name": "utter_greet"}`, 404, "Conversation ID not found."),
		talk("/greet"),
		post("execute", "execute"+none, `{"name": "utter_bye"}`, 200, `"messages":[{"recipient_id":"x","text":"Bye"`),
		post("execute: unknown action", "execute", `{"name": "utter_no"}`, 500, `Cannot access action 'utter_no', as that name is not`),
		post("execute: no name", "execute", `{"name": ""}`, 400, `"details":{"parameter":"name","in":"body"}`),
		post("execute: no object", "execute", `[]`, 500, "internal error"),
		post("trigger", "trigger_intent"+none, `{"name": "bye", "entities": {"city": "Rome"}}`, 200, `"text":"Bye"`),
		post("trigger: unknown intent", "trigger_intent", `{"name": "no"}`, 404, "The intent no does not exist in the domain."),
		post("trigger: no name", "trigger_intent", `{}`, 400, "Name of the intent not provided"),
		post("predict", "predict", `{broken`, 200, `{"scores":[{"action":"action_listen","score":1.0},{"action":"...","score":0.0}`),
		post("message", "messages"+none, `{"text": " /bye ", "sender": "user"}`, 200, `"text":"\/bye"`),
		post("message: sender", "messages", `{"text": "x", "sender": 5}`, 400, "Messages of sender '5' cannot be handled."),
		post("message: no body", "messages", "", 400, "No message defined in request body"),
		post("message: text is a number", "messages", `{"text": 5, "sender": "user"}`, 500, "The server encountered"),
		post("message: no text", "messages", `{"sender": "user"}`, 500, "the message has no text"),
		post("message: parse data without intent", "messages", `{"text": "x", "sender": "user", "parse_data": {"entities": []}}`, 500, "Error: 'intent'"),
		post("message: parse data", "messages"+none, `{"text": "x", "sender": "user", "parse_data": {"intent": {"name": "greet"}, "entities": []}}`, 200, `"name":"greet"`),
		post("events to predict from", "../../../model/predict", "", 404, ""),
		{name: "until", method: "GET", path: "/conversations/x/tracker?until=1", status: 200, contains: `"events":[]`},
		{name: "until nonsense", method: "GET", path: "/conversations/x/tracker?until=soon", status: 200, contains: `"event":"user"`},
		{name: "story of nobody", method: "GET", path: "/conversations/nobody/story", status: 404, contains: "Not found"},
		{name: "model predict", method: "POST", path: "/model/predict?include_events=NONE", body: listened, status: 200,
			contains: `{"scores":[{"action":"action_listen","score":1.0}`},
		{name: "model predict: one object", method: "POST", path: "/model/predict", body: `{"event": "pause"}`, status: 400, contains: "Supplied events are not valid."},
	} {
		e.run(t, s)
	}
}

func TestStory(t *testing.T) {
	s := newTestServer(t, nil)
	user := `{"event": "user", "text": "to Rome", "timestamp": 1003, "parse_data": {"intent": {"name": "greet"}, "entities": [{"entity": "city", "value": "Rome", "start": 3, "end": 7}]}}`
	session := strings.TrimSuffix(listened, "]") + ", " + user + `, {"event": "slot", "name": "city", "value": "Rome", "timestamp": 1004},
		{"event": "action", "name": "utter_greet", "timestamp": 1005}, {"event": "active_loop", "name": null, "timestamp": 1006}]`
	story := "  steps:\n  - intent: greet\n    user: |-\n      to [Rome](city)\n  - slot_was_set:\n    - city: Rome\n  - action: utter_greet\n  - active_loop: null\n"
	both := strings.TrimSuffix(session, "]") + "," + strings.TrimPrefix(session, "[")
	const version = "version: \"3.1\"\n"
	for _, e := range []exchange{
		{name: "put", method: "PUT", path: "/conversations/s/tracker/events", body: both, status: http.StatusOK},
		{name: "last session", method: "GET", path: "/conversations/s/story", status: 200, want: version + "stories:\n- story: s\n" + story},
		{name: "all sessions", method: "GET", path: "/conversations/s/story?all_sessions=True", status: 200,
			want: version + "stories:\n- story: s, story 1\n" + story + "- story: s, story 2\n" + story},
		{name: "until before", method: "GET", path: "/conversations/s/story?until=1", status: 200, want: version},
	} {
		e.run(t, s)
	}
}
