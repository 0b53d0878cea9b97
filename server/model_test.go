package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/dialogue"
	"github.com/parleybot/parley/internal/value"
)

func TestParse(t *testing.T) {
	s := newTestServer(t, nil)
	for _, e := range []exchange{
		{name: "text", body: `{"text": " /greet "}`, status: 200, want: `{"text":"\/greet","intent":{"name":"greet","confidence":1.0},"entities":[]}`},
		{name: "first of a list", body: `{"text": ["/bye", 5]}`, status: 200, contains: `"name":"bye"`},
		{name: "empty list", body: `{"text": []}`, status: 500, contains: "list index out of range"},
		{name: "number", body: `{"text": 5}`, status: 500, contains: `"message":"An unexpected error occurred. Error: "`},
		{name: "no text", body: `{}`, status: 500, contains: "Error: 'text'"},
		{name: "list", body: `[]`, status: 500, contains: "list indices must be integers"},
		{name: "null", body: `null`, status: 500, contains: "'NoneType' object is not subscriptable"},
		{name: "malformed", body: `{`, status: 500, contains: "Failed when parsing body as json"},
		{name: "nothing", status: 400, contains: "No text message defined"},
		{name: "unknown emulation", path: "?emulation_mode=rasa", body: `{"text": "x"}`, status: 400, contains: `"parameter":"emulation_mode"`},
		{name: "wit", path: "?emulation_mode=WIT", body: `{"text": "x"}`, status: 200, want: `{"text":"x","intents":[{"name":null,"confidence":0.0}],"entities":{}}`},
		{name: "luis", path: "?emulation_mode=luis", body: `{"text": "x"}`, status: 200,
			want: `{"query":"x","prediction":{"normalizedQuery":"x","topIntent":null,"intents":{"null":{"score":0.0}},"entities":{"$instance":{}}}}`},
	} {
		e.method, e.path = "POST", "/model/parse"+e.path
		e.run(t, s)
	}
}

func TestEmulations(t *testing.T) {
	v, err := value.DecodeString(`{"text": "größe XL in Rom", "intent": {"name": "buy", "confidence": 0.5}, "entities": [
		{"entity": "size", "value": "xl", "start": 6, "end": 8, "role": "wanted", "extractor": "R"},
		{"entity": "city", "value": "Rome", "start": 12, "end": 15}]}`)
	require.NoError(t, err)
	parse := v.(*value.Map)
	wit, err := asWit(parse)
	require.NoError(t, err)
	require.Equal(t, `{"size:wanted":[{"confidence":1,"name":"size","value":"xl","body":"XL","start":6,"end":8,"role":"wanted","entities":[]}],`+
		`"city:city":[{"confidence":1,"name":"city","value":"Rome","body":"Rom","start":12,"end":15,"role":"city","entities":[]}]}`,
		string(value.Encode(wit.Value("entities"), value.Compact)))
	luis, err := asLUIS(parse)
	require.NoError(t, err)
	require.Equal(t, `{"$instance":{"wanted":[{"role":"wanted","type":"size","text":"xl","startIndex":6,"length":2,"score":null,"modelType":"R"}],`+
		`"city":[{"role":null,"type":"city","text":"Rome","startIndex":12,"length":3,"score":null,"modelType":null}]},"wanted":["xl"],"city":["Rome"]}`,
		string(value.Encode(luis.Map("prediction").Value("entities"), value.Compact)))
	flow, err := asDialogflow(parse)
	require.NoError(t, err)
	require.Equal(t, `{"size":["xl"],"city":["Rome"]}`, string(value.Encode(flow.Map("queryResult").Value("parameters"), value.Compact)))
	parse.Set("entities", []any{value.NewMap("entity", "x", "value", 1)})
	_, err = asWit(parse)
	require.ErrorContains(t, err, "has no place")
}

func TestLoadModel(t *testing.T) {
	var asked ModelSource
	s := newTestServer(t, func(cfg *Config) {
		cfg.Models = loaderFunc(func(_ context.Context, from ModelSource) (*dialogue.Model, error) {
			asked = from
			if from.File == "good" {
				return testModel(t), nil
			}
			return nil, errBroken
		})
	})
	for _, e := range []exchange{
		{name: "no body", status: 400, contains: "No path to model file defined"},
		{name: "bad file", body: `{"model_file": "bad"}`, status: 400, contains: "Agent with name 'bad' could not be loaded."},
		{name: "no file", body: `{}`, status: 400, contains: "Agent with name 'None' could not be loaded."},
		{name: "server is no object", body: `{"model_server": "http://x"}`, status: 400, contains: "must be a mapping, not str"},
		{name: "list", body: `[]`, status: 500, contains: "internal error"},
		{name: "good file", body: `{"model_file": "good", "remote_storage": "aws", "model_server": {"url": "u"}}`, status: 204},
	} {
		e.method, e.path = "PUT", "/model"
		e.run(t, s)
	}
	require.Equal(t, "aws", asked.RemoteStorage)
	require.Equal(t, "u", asked.Server.String("url"))
	before := s.cfg.Processor.Model()
	exchange{name: "the old one stays", method: "PUT", path: "/model", body: `{"model_file": "bad"}`, status: 400}.run(t, s)
	require.Same(t, before, s.cfg.Processor.Model())
}

// trainerFunc answers with an archive, or fails.
type trainerFunc func(r TrainRequest) (string, error)

func (f trainerFunc) Train(_ context.Context, r TrainRequest) (*Trained, error) {
	data, err := f(r)
	if err != nil {
		return nil, err
	}
	return &Trained{Name: "m.tar.gz", Archive: io.NopCloser(strings.NewReader(data)), Size: int64(len(data))}, nil
}

func TestTrain(t *testing.T) {
	var asked TrainRequest
	s := newTestServer(t, func(cfg *Config) {
		cfg.Trainer = trainerFunc(func(r TrainRequest) (string, error) {
			asked = r
			switch {
			case strings.Contains(string(r.YAML), "nothing"):
				return "", ErrNothingTrained
			case strings.Contains(string(r.YAML), "domain"):
				return "", fmt.Errorf("%w: twice", ErrInvalidDomain)
			case strings.Contains(string(r.YAML), "broken"):
				return "", errBroken
			}
			return "archive", nil
		})
	})
	for _, e := range []exchange{
		{name: "good", path: "?force_training=True&augmentation=7&num_threads=x&save_to_default_model_directory=false", body: "language: en", status: 200, want: "archive",
			wantHeaders: map[string]string{"filename": "m.tar.gz", "Content-Disposition": `attachment; filename="m.tar.gz"`,
				"Content-Type": "application/x-tar", "Content-Length": "7"}},
		{name: "no body", status: 400, contains: "You must provide training data"},
		{name: "no YAML", body: "a: [", status: 400, contains: "The request body does not contain valid YAML."},
		{name: "nothing to train", body: "x: nothing", status: 500, contains: "Ran training, but it finished without a trained model."},
		{name: "domain", body: "x: domain", status: 400, contains: "InvalidDomainError"},
		{name: "failure", body: "x: broken", status: 500, contains: "An unexpected error occurred during training. Error: broken on purpose"},
	} {
		e.method, e.path = "POST", "/model/train"+e.path
		e.run(t, s)
		if e.name == "good" {
			require.Equal(t, TrainRequest{YAML: []byte("language: en"), Force: true, Augmentation: 7, NumThreads: 1}, asked)
		}
	}
}

// TestCallbackURL has results delivered elsewhere.
func TestCallbackURL(t *testing.T) {
	type delivery struct{ contentType, body string }
	got := make(chan delivery, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got <- delivery{r.Header.Get("Content-Type"), string(body)}
	}))
	defer receiver.Close()
	s := newTestServer(t, func(cfg *Config) {
		cfg.Trainer = trainerFunc(func(r TrainRequest) (string, error) {
			switch string(r.YAML) {
			case "x: panic":
				panic("training broke")
			case "x: broken":
				return "", errors.New("broken")
			}
			return "archive", nil
		})
	})
	for _, c := range []struct{ name, body, wantType, want string }{
		{"result", "language: en", "application/x-tar", "archive"},
		{"error", "x: broken", "application/json", `"reason": "TrainingError"`},
		{"panic", "x: panic", "application/json", `"reason": "UnexpectedError"`},
		{"no body", "", "application/json", "You must provide training data"},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer := send(s, "POST", "/model/train?callback_url="+receiver.URL, c.body, nil)
			require.Equal(t, http.StatusNoContent, answer.StatusCode)
			d := <-got
			require.Equal(t, c.wantType, d.contentType)
			require.Contains(t, d.body, c.want)
		})
	}
	require.True(t, s.finish(t.Context()))
}
