package nlg

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/internal/endpoint"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

func TestCallbackRequest(t *testing.T) {
	cases := []struct {
		name, variations string
		args             *value.Map
		wantID           any
		wantArgs         string
	}{
		{"with an id", "{text: a, id: first}, {text: b, id: second}", nil, "first", "{}"},
		{"id of the channel's variation", "{text: a, id: first}, {text: b, id: second, channel: slack}", nil, "second", "{}"},
		{"ids not unique", "{text: a, id: first}, {text: b, id: first}", nil, nil, "{}"},
		{"without id", "{text: a}", nil, nil, "{}"},
		{"for an action server", "{text: a, id: first}", value.NewMap("text", nil, "n", int64(1), "response_id", "x"), nil,
			`{"text": null, "n": 1}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var body *value.Map
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				data, _ := io.ReadAll(r.Body)
				body, _ = value.DecodeObject(data)
				w.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(w, `{"text": "from afar", "more": 1}`)
			}))
			defer server.Close()
			_, tr := world(t, "  utter_x: ["+c.variations+"]\n", value.NewMap("city", "Bern"))
			m, err := callback(t, server.URL).Generate(context.Background(), "utter_x", tr, "slack", c.args, first)
			require.NoError(t, err)
			require.Equal(t, `{"text": "from afar", "more": 1}`, string(value.Encode(m, value.JSON)))
			require.Equal(t, []string{"response", "id", "arguments", "tracker", "channel"}, body.Keys())
			require.Equal(t, "utter_x", body.Value("response"))
			require.Equal(t, c.wantID, body.Value("id"))
			require.JSONEq(t, c.wantArgs, string(value.Encode(body.Value("arguments"), value.JSON)))
			require.Equal(t, "slack", body.Map("channel").Value("name"))
			require.Equal(t, "Bern", body.Map("tracker").Map("slots").Value("city"))
			require.Len(t, body.Map("tracker").List("events"), 1)
		})
	}
}

func callback(t *testing.T, url string) *Callback {
	t.Helper()
	server, err := endpoint.New(endpoint.Config{URL: url})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	return NewCallback(server)
}

func TestCallbackAnswers(t *testing.T) {
	cases := []struct {
		name        string
		status      int
		typ, answer string
		wantErr     string
		unavailable bool
	}{
		{"nothing said", 200, "application/json", `{}`, "", false},
		{"null buttons", 200, "application/json", `{"text": "a", "buttons": null, "id": null}`, "", false},
		{"text is no text", 200, "application/json", `{"text": 1}`, "text: must be string", true},
		{"buttons of texts", 200, "application/json", `{"buttons": ["a"]}`, "buttons[0]: must be object", true},
		{"null", 200, "application/json", `null`, "must be object", true},
		{"a list", 200, "application/json", `[]`, "must be object", true},
		{"no JSON by its type", 200, "text/plain", `{}`, "must be object", true},
		{"broken", 200, "application/json", `{`, "invalid JSON", false},
		{"a failure", 500, "application/json", `{"error": "boom"}`, "500 Internal Server Error: boom", true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", c.typ)
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.answer)
			}))
			defer server.Close()
			_, tr := world(t, "  utter_x: [{text: a}]\n", nil)
			m, err := callback(t, server.URL).Generate(context.Background(), "utter_x", tr, "rest", nil, first)
			if c.wantErr == "" {
				require.NoError(t, err)
				require.NotNil(t, m)
				return
			}
			require.ErrorContains(t, err, c.wantErr)
			require.ErrorContains(t, err, server.URL)
			require.Equal(t, c.unavailable, errors.Is(err, ErrUnavailable))
		})
	}
}

func TestFromEndpoint(t *testing.T) {
	cases := []struct {
		name     string
		options  *value.Map
		callback bool
		wantErr  string
	}{
		{"no section", nil, false, ""},
		{"no type", value.NewMap("url", "http://localhost:5056/nlg"), true, ""},
		{"callback", value.NewMap("type", "Callback", "url", "http://localhost:5056/nlg"), true, ""},
		{"responses", value.NewMap("type", "response"), false, ""},
		{"class", value.NewMap("type", "my.module.NLG", "url", "http://x"), false, `endpoints.yml:3:5: nlg: type "my.module.NLG" is a Python class`},
		{"no url", value.NewMap("type", "callback"), false, "endpoints.yml:3:5: nlg: url is missing"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e := &project.Endpoints{Sections: map[string]project.Entry{}}
			if c.options != nil {
				e.Sections["nlg"] = project.Entry{Name: "nlg", Options: c.options,
					Pos: project.Pos{File: "endpoints.yml", Line: 3, Col: 5}}
			}
			g, err := FromEndpoint(e)
			if c.wantErr != "" {
				require.ErrorContains(t, err, c.wantErr)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.callback, g != nil)
		})
	}
}
