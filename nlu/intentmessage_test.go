package nlu_test

import (
	"testing"
	"unicode/utf8"

	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/nlu"
)

// The expected data were taken from RegexMessageHandler of Rasa 3.6.21.
func TestIntentMessages(t *testing.T) {
	const noEntities = `[]`
	cases := []struct {
		name, text, intent, confidence, entities string
	}{
		{"plain", "/greet", "greet", "1.0", noEntities},
		{"spaces around", "  / greet ", "greet", "1.0", noEntities},
		{"confidence", "/greet@0.25", "greet", "0.25", noEntities},
		{"confidence above 1", "/greet@1.7", "greet", "1.0", noEntities},
		{"confidence without digits", "/greet@.", "greet", "0.0", noEntities},
		{"confidence of letters", "/greet@abc", "greet", "1.0", noEntities},
		{"entities", `/inform{"city": "Ulm", "number": [1, 2.0]}`, "inform", "1.0",
			`[{"entity": "city", "value": "Ulm", "start": 7, "end": 42, "extractor": "RegexMessageHandler"}, ` +
				`{"entity": "number", "value": 1, "start": 7, "end": 42, "extractor": "RegexMessageHandler"}, ` +
				`{"entity": "number", "value": 2.0, "start": 7, "end": 42, "extractor": "RegexMessageHandler"}]`},
		{"offsets count code points", `/inform@1 {"city": "ü"}`, "inform", "1.0", noEntities},
		{"entities in other letters", `/inform{"city": "ü"}`, "inform", "1.0",
			`[{"entity": "city", "value": "\u00fc", "start": 7, "end": 20, "extractor": "RegexMessageHandler"}]`},
		{"unknown entity", `/inform{"planet": "Mars"}`, "inform", "1.0", noEntities},
		{"broken JSON", `/inform{"city": }`, "inform", "1.0", noEntities},
		{"JSON that is no object", `/inform{[1]}`, "inform", "1.0", noEntities},
		{"line feed in JSON", "/inform{\"city\":\n\"Ulm\"}", "inform", "1.0", noEntities},
		{"trailing words", `/greet{} and more`, "greet", "1.0", noEntities},
		{"unknown intent", "/greet hello", "", "", ""},
		{"other case", "/Greet", "", "", ""},
		{"two slashes", "//greet", "", "", ""},
		{"slash only", "/", "", "", ""},
		{"no name", "/@0.5", "", "", ""},
		{"no slash", "greet", "", "", ""},
		{"empty", "", "", "", ""},
	}
	h := nlu.NewIntentMessages(benchDomain)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			data, ok := h.Parse(c.text)
			if !ok {
				if c.intent != "" {
					t.Fatal("taken as ordinary text")
				}
				return
			}
			want := `{"text": ` + string(value.Encode(value.Strip(c.text), value.JSON)) +
				`, "intent": {"name": "` + c.intent + `", "confidence": ` + c.confidence + `}, "entities": ` + c.entities +
				`, "intent_ranking": [{"name": "` + c.intent + `", "confidence": ` + c.confidence + `}]}`
			if got := string(value.Encode(data, value.JSON)); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestIntentMessagesWithoutDomain(t *testing.T) {
	data, ok := nlu.NewIntentMessages(nil).Parse(`/anything{"x": 1}`)
	if !ok || data.Map("intent").String("name") != "anything" || len(data.List("entities")) != 1 {
		t.Errorf("got %s, %t", value.Repr(data), ok)
	}
}

// FuzzIntentMessages checks that no message panics, and that what is found lies within the message.
func FuzzIntentMessages(f *testing.F) {
	for _, s := range []string{"/greet", "/greet@0.5", `/inform{"city": "Ulm"}`, "/a{", "/{}", "/é@1.{\"x\": [1, {}]}\n", "/@", "/ "} {
		f.Add(s)
	}
	h := nlu.NewIntentMessages(nil)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 500 {
			return
		}
		data, ok := h.Parse(text)
		if !ok {
			return
		}
		confidence, _ := value.ToFloat(data.Map("intent").Value("confidence"))
		if confidence < 0 || confidence > 1 {
			t.Errorf("confidence is %v", confidence)
		}
		length := int64(utf8.RuneCountInString(data.String("text")))
		for _, e := range data.List("entities") {
			start, end := e.(*value.Map).Value("start").(int64), e.(*value.Map).Value("end").(int64)
			if start < 1 || end <= start || end > length {
				t.Errorf("entity from %d to %d in %d characters", start, end, length)
			}
		}
	})
}
