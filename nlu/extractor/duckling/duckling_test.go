package duckling

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/nlu"
)

const answer = `[
 {"body":"tomorrow","start":4,"end":12,"dim":"time","value":{"type":"value","grain":"day","value":"2026-01-02"}},
 {"body":"5 to 6","start":13,"end":19,"dim":"number","value":{"type":"interval","from":{"value":5},"to":{"value":6}}}]`

func TestProcess(t *testing.T) {
	timeEntity := `{"start": 4, "end": 12, "text": "tomorrow", "value": "2026-01-02", "confidence": 1.0, ` +
		`"additional_info": {"type": "value", "grain": "day", "value": "2026-01-02"}, "entity": "time", "extractor": "DucklingEntityExtractor"}`
	numberEntity := `{"start": 13, "end": 19, "text": "5 to 6", "value": {"to": 6, "from": 5}, "confidence": 1.0, ` +
		`"additional_info": {"type": "interval", "from": {"value": 5}, "to": {"value": 6}}, "entity": "number", "extractor": "DucklingEntityExtractor"}`
	cases := []struct {
		name     string
		options  *value.Map
		status   int
		body     string
		wantForm string
		want     string
	}{
		{"all dimensions", value.NewMap(), 200, answer, "text=see+tomorrow+5+to+6&dims=null&reftime=1700000000000",
			"[" + timeEntity + ", " + numberEntity + "]"},
		{"some dimensions", value.NewMap("dimensions", []any{"time"}, "locale", "de_DE", "timezone", "Europe/Berlin"), 200, answer,
			"text=see+tomorrow+5+to+6&locale=de_DE&tz=Europe%2FBerlin&dims=%5B%22time%22%5D&reftime=1700000000000", "[" + timeEntity + "]"},
		{"failing server", value.NewMap(), 500, "no", "text=see+tomorrow+5+to+6&dims=null&reftime=1700000000000", "[]"},
		{"nonsense", value.NewMap(), 200, "<html>", "text=see+tomorrow+5+to+6&dims=null&reftime=1700000000000", "[]"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var path, form string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				data, _ := io.ReadAll(r.Body)
				path, form = r.URL.Path, string(data)
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			}))
			defer server.Close()
			m := process(t, c.options.Set("url", server.URL+"/"))
			if path != "/parse" || form != c.wantForm {
				t.Errorf("asked %s with %s, want %s", path, form, c.wantForm)
			}
			if got := string(value.Encode(m.ParseData().Value("entities"), value.JSON)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestWithoutServer(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	for name, options := range map[string]*value.Map{"no url": value.NewMap(), "nobody listens": value.NewMap("url", server.URL)} {
		if m := process(t, options); len(m.Entities) != 0 {
			t.Errorf("%s: %v", name, m.Entities)
		}
	}
}

func process(t *testing.T, options *value.Map) *nlu.Message {
	t.Helper()
	t.Setenv(urlVariable, "")
	env := component.Env{Now: func() time.Time { return time.Unix(1_700_000_000, 999) }}
	x, err := nlu.Components.Build(component.Config{Name: name, Options: options, Env: env})
	if err != nil {
		t.Fatal(err)
	}
	m := nlu.NewMessage("see tomorrow 5 to 6")
	if err := x.Process(context.Background(), m); err != nil {
		t.Fatal(err)
	}
	return m
}
