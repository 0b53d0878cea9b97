package httpreplay

import (
	"encoding/json"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/parleybot/parley/internal/value"
)

// actionServer is the recorded bot's action server: what its Python actions do, over the webhook protocol.
func actionServer(w http.ResponseWriter, r *http.Request) {
	var raw json.RawMessage
	if err := json.NewDecoder(r.Body).Decode(&raw); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	call, err := value.DecodeObject(raw)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	t := call.Map("tracker")
	events, responses := []any{}, []any{}
	say := func(m *value.Map) { responses = append(responses, m) }
	set := func(slot string, v any) {
		events = append(events, value.NewMap("event", "slot", "timestamp", nil, "name", slot, "value", v))
	}
	switch name := call.String("next_action"); name {
	case "action_show_broken":
		w.WriteHeader(http.StatusInternalServerError)
		return
	case "action_show_rejected":
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write(value.Encode(value.NewMap("error", "rejected", "action_name", name), value.JSON))
		return
	default:
		act(name, t, say, set)
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(value.Encode(value.NewMap("events", events, "responses", responses), value.JSON))
}

// message is what rasa_sdk's dispatcher makes of an utterance.
func message(text any, buttons []any, custom *value.Map) *value.Map {
	if buttons == nil {
		buttons = []any{}
	}
	if custom == nil {
		custom = &value.Map{}
	}
	return value.NewMap("text", text, "buttons", buttons, "elements", []any{}, "custom", custom,
		"template", nil, "response", nil, "image", nil, "attachment", nil)
}

func act(name string, t *value.Map, say func(*value.Map), set func(slot string, v any)) {
	slots := t.Map("slots")
	switch name {
	case "action_ask_repair_form_weekday":
		day := func(title, v string) any {
			return value.NewMap("title", title, "payload", `/tell{"weekday": "`+v+`"}`)
		}
		text := "Which day suits you? (asked for " + value.Str(slots.Value("requested_slot")) + " by " + t.Map("active_loop").String("name") + ")"
		say(message(text, []any{day("Monday", "monday"), day("Friday", "friday")}, nil))
	case "action_ask_contact":
		where := "ready call"
		if value.Truthy(slots.Value("pickup")) {
			where = "pickup"
		}
		say(message("How do we reach you for the "+where+"?", nil, nil))
	case "action_make_ticket":
		bike, length := "none", utf8.RuneCountInString(slots.String("problem"))
		if b := slots.String("bike_type"); b != "" {
			bike = b
		}
		say(message("Ticket "+strings.ToUpper(bike[:2])+"-"+value.Str(int64(length)), nil, nil))
		set("problem", nil)
		set("weekday", nil)
	case "action_forget_bike":
		say(message("Forgot the bike.", nil, nil))
		set("bike_type", nil)
	case "action_show_echo":
		say(message(nil, nil, echo(t, slots)))
	case "action_show_empty":
		say(message("", nil, nil))
	case "action_show_float":
		odd, _ := value.DecodeString(`{"one": 1.0, "big": 1e22, "small": 1e-7, "int": 12345678901234567890, "third": 0.3333333333333333, "neg": -0.0}`)
		say(message(nil, nil, odd.(*value.Map)))
		set("problem", "café")
	}
}

// echo tells what the action was told about the message.
func echo(t, slots *value.Map) *value.Map {
	started := int64(0)
	for _, e := range t.List("events") {
		m, _ := e.(*value.Map)
		if m.String("event") == "slot" && m.String("name") == "session_started_metadata" {
			started++
		}
	}
	latest := t.Map("latest_message")
	return value.NewMap("text", latest.Value("text"), "metadata", latest.Value("metadata"), "sender", t.Value("sender_id"),
		"channel", t.Value("latest_input_channel"), "session_started_metadata", slots.Value("session_started_metadata"),
		"started_events", started)
}
