package tracker

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/parleybot/parley/internal/value"
)

func decode(t testing.TB, text string) *value.Map {
	t.Helper()
	v, err := value.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v.(*value.Map)
}

// The JSON forms are those that GET /conversations/ID/tracker of Rasa 3.6.21 shows after the left one was posted.
var eventForms = map[string]struct{ in, out string }{
	"user": {
		`{"event":"user","timestamp":1.5,"text":"hi","parse_data":{"intent":{"name":"greet","confidence":1.0},"entities":[],"text":"hi","x":1},"input_channel":"rest","message_id":"m"}`,
		`{"event":"user","timestamp":1.5,"text":"hi","parse_data":{"intent":{"name":"greet","confidence":1.0},"entities":[],"text":"hi","message_id":"m","metadata":{},"x":1},"input_channel":"rest","message_id":"m","metadata":{}}`,
	},
	"user without text": {
		`{"event":"user","timestamp":1,"parse_data":{"intent":{"name":"greet"}}}`,
		`{"event":"user","timestamp":1,"text":null,"parse_data":{"intent":{"name":"greet"},"entities":[],"text":null,"message_id":null,"metadata":{}},"input_channel":null,"message_id":null,"metadata":{}}`,
	},
	"user_featurization": {
		`{"event":"user_featurization","timestamp":1,"use_text_for_featurization":true}`,
		`{"event":"user_featurization","timestamp":1,"use_text_for_featurization":true}`,
	},
	"entities": {
		`{"event":"entities","timestamp":1,"entities":[{"entity":"city","value":"Rome"}]}`,
		`{"event":"entities","timestamp":1,"entities":[{"entity":"city","value":"Rome"}]}`,
	},
	"bot": {
		`{"event":"bot","timestamp":1,"text":"hello","data":{"buttons":null}}`,
		`{"event":"bot","timestamp":1,"text":"hello","data":{"buttons":null},"metadata":{}}`,
	},
	"bot with metadata": {
		`{"event":"bot","timestamp":1,"text":null,"metadata":{"utter_action":"utter_hi"}}`,
		`{"event":"bot","timestamp":1,"metadata":{"utter_action":"utter_hi"},"text":null,"data":{}}`,
	},
	"slot":        {`{"event":"slot","timestamp":2,"name":"n","value":[1,2.5]}`, `{"event":"slot","timestamp":2,"name":"n","value":[1,2.5]}`},
	"restart":     {`{"event":"restart","timestamp":1}`, `{"event":"restart","timestamp":1}`},
	"rewind":      {`{"event":"rewind","timestamp":1}`, `{"event":"rewind","timestamp":1}`},
	"reset_slots": {`{"event":"reset_slots","timestamp":1}`, `{"event":"reset_slots","timestamp":1}`},
	"reminder": {
		`{"event":"reminder","timestamp":1,"intent":"wake","date_time":"2030-01-01T10:00:00","name":"r"}`,
		`{"event":"reminder","timestamp":1,"intent":"wake","date_time":"2030-01-01T10:00:00","entities":null,"name":"r","kill_on_user_msg":true}`,
	},
	"cancel_reminder loses its fields": {
		`{"event":"cancel_reminder","timestamp":1,"name":"r"}`, `{"event":"cancel_reminder","timestamp":1}`,
	},
	"undo":     {`{"event":"undo","timestamp":1}`, `{"event":"undo","timestamp":1}`},
	"export":   {`{"event":"export","timestamp":1,"path":"x"}`, `{"event":"export","timestamp":1}`},
	"followup": {`{"event":"followup","timestamp":1,"name":"a"}`, `{"event":"followup","timestamp":1,"name":"a"}`},
	"pause":    {`{"event":"pause","timestamp":1}`, `{"event":"pause","timestamp":1}`},
	"resume":   {`{"event":"resume","timestamp":1}`, `{"event":"resume","timestamp":1}`},
	"action": {
		`{"event":"action","timestamp":1,"name":"a","policy":"RulePolicy","confidence":1.0,"metadata":{"model_id":"m"}}`,
		`{"event":"action","timestamp":1,"metadata":{"model_id":"m"},"name":"a","policy":"RulePolicy","confidence":1.0,"action_text":null,"hide_rule_turn":false}`,
	},
	"action with text only": {
		`{"event":"action","timestamp":1,"action_text":"hello there"}`,
		`{"event":"action","timestamp":1,"name":null,"policy":null,"confidence":null,"action_text":"hello there","hide_rule_turn":false}`,
	},
	"agent":                  {`{"event":"agent","timestamp":1,"text":"hi","data":[1]}`, `{"event":"agent","timestamp":1,"text":"hi","data":[1]}`},
	"active_loop":            {`{"event":"active_loop","timestamp":1,"name":"f"}`, `{"event":"active_loop","timestamp":1,"name":"f"}`},
	"active_loop ended":      {`{"event":"active_loop","timestamp":1,"name":null}`, `{"event":"active_loop","timestamp":1,"name":null}`},
	"legacy form":            {`{"event":"form","timestamp":1,"name":"f"}`, `{"event":"active_loop","timestamp":1,"name":"f"}`},
	"loop_interrupted":       {`{"event":"loop_interrupted","timestamp":1,"is_interrupted":true}`, `{"event":"loop_interrupted","timestamp":1,"is_interrupted":true}`},
	"legacy form_validation": {`{"event":"form_validation","timestamp":1,"validate":false}`, `{"event":"loop_interrupted","timestamp":1,"is_interrupted":true}`},
	"action_execution_rejected": {
		`{"event":"action_execution_rejected","timestamp":1,"name":"f"}`,
		`{"event":"action_execution_rejected","timestamp":1,"name":"f","policy":null,"confidence":null}`,
	},
	"session_started": {`{"event":"session_started","timestamp":1}`, `{"event":"session_started","timestamp":1}`},
}

func TestEventForms(t *testing.T) {
	for name, c := range eventForms {
		t.Run(name, func(t *testing.T) {
			e, err := EventFromMap(decode(t, c.in))
			if err != nil {
				t.Fatal(err)
			}
			got := AsMap(e)
			if !value.Equal(got, decode(t, c.out)) {
				t.Errorf("got  %s\nwant %s", value.Repr(got), c.out)
			}
			again, err := EventFromMap(got)
			if err != nil || !value.Equal(AsMap(again), got) {
				t.Errorf("the form does not survive a second reading: %v, %v", AsMap(again), err)
			}
		})
	}
}

func TestEveryEventTypeHasAForm(t *testing.T) {
	for typ := range readers {
		found := false
		for _, c := range eventForms {
			found = found || strings.Contains(c.in, `"event":"`+typ+`"`)
		}
		if !found {
			t.Errorf("no form for event %q", typ)
		}
	}
}

func TestEventFromMapRefuses(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"no event":           {`{}`, `without the field "event"`},
		"unknown event":      {`{"event":"sing"}`, `unknown event name "sing"`},
		"event no text":      {`{"event":5}`, `unknown event name "5"`},
		"action nameless":    {`{"event":"action"}`, `field "name"`},
		"user without parse": {`{"event":"user","text":"x"}`, `field "parse_data"`},
		"parse_data no map":  {`{"event":"user","text":"x","parse_data":[1]}`, `field "parse_data"`},
		"timestamp a text":   {`{"event":"undo","timestamp":"now"}`, `field "timestamp"`},
		"metadata a list":    {`{"event":"undo","metadata":[1]}`, `field "metadata"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := EventFromMap(decode(t, c.in))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
	if _, err := EventFromMap(decode(t, `{"event":"sing"}`)); !errors.Is(err, ErrUnknownEvent) {
		t.Errorf("got %v, want ErrUnknownEvent", err)
	}
	if e, err := EventFromMap(decode(t, `{"event":"topic"}`)); e != nil || err != nil {
		t.Errorf("the obsolete event topic gives %v, %v", e, err)
	}
}

// FuzzEventJSON states: an event that can be read has a JSON form that reads back to the same form.
func FuzzEventJSON(f *testing.F) {
	for _, c := range eventForms {
		f.Add([]byte(c.in))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<14 {
			return
		}
		v, err := value.Decode(data)
		m, ok := v.(*value.Map)
		if err != nil || !ok {
			return
		}
		e, err := EventFromMap(m)
		if err != nil || e == nil {
			return
		}
		form := AsMap(e)
		text := value.Encode(form, value.Compact)
		back, err := value.Decode(text)
		if err != nil {
			t.Fatalf("%s is not JSON: %v", text, err)
		}
		again, err := EventFromMap(back.(*value.Map))
		if err != nil {
			t.Fatalf("%s does not read back: %v", text, err)
		}
		if got := value.Encode(AsMap(again), value.Compact); !bytes.Equal(got, text) {
			t.Fatalf("%s reads back as %s", text, got)
		}
	})
}
