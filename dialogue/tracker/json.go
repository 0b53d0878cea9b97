package tracker

import (
	"errors"
	"fmt"
	"math"

	"github.com/parleybot/parley/internal/value"
)

// ErrUnknownEvent is returned for an event whose name Rasa does not know either.
var ErrUnknownEvent = errors.New("unknown event name")

// AsMap returns the event as Rasa's as_dict: event, timestamp, metadata when there is any, and the event's own fields.
// Maps and lists inside are shared with the event.
func AsMap(e Event) *value.Map {
	b := e.Meta()
	m := value.NewMap("event", e.Type(), "timestamp", b.Timestamp)
	if b.Metadata.Len() > 0 {
		m.Set("metadata", b.Metadata)
	}
	e.fields(m)
	return m
}

func text(s string, none bool) any {
	if none {
		return nil
	}
	return s
}

func confidence(c float64) any {
	if math.IsNaN(c) {
		return nil
	}
	return c
}

func (e *UserUttered) fields(m *value.Map) {
	m.Set("text", text(e.Text, e.NoText)).Set("parse_data", e.ParseData).
		Set("input_channel", nullable(e.InputChannel)).Set("message_id", nullable(e.MessageID)).
		Set("metadata", orEmpty(e.Metadata))
}

func (e *DefinePrevUserUtteredFeaturization) fields(m *value.Map) {
	var useText any
	if !e.Unknown {
		useText = e.UseText
	}
	m.Set("use_text_for_featurization", useText)
}

func (e *EntitiesAdded) fields(m *value.Map) { m.Set("entities", orEmptyList(e.Entities)) }

func (e *BotUttered) fields(m *value.Map) {
	m.Set("text", text(e.Text, e.NoText)).Set("data", orEmpty(e.Data)).Set("metadata", orEmpty(e.Metadata))
}

func (e *SlotSet) fields(m *value.Map) { m.Set("name", e.Key).Set("value", e.Value) }

func (e *ReminderScheduled) fields(m *value.Map) {
	m.Set("intent", e.Intent).Set("date_time", e.DateTime).Set("entities", e.Entities).
		Set("name", e.Name).Set("kill_on_user_msg", e.KillOnUserMessage)
}

func (e *FollowupAction) fields(m *value.Map) { m.Set("name", nullable(e.Name)) }

func (e *ActionExecuted) fields(m *value.Map) {
	m.Set("name", nullable(e.Name)).Set("policy", nullable(e.Policy)).Set("confidence", confidence(e.Confidence)).
		Set("action_text", nullable(e.ActionText)).Set("hide_rule_turn", e.HideRuleTurn)
}

func (e *AgentUttered) fields(m *value.Map) {
	m.Set("text", text(e.Text, e.NoText)).Set("data", e.Data)
}

func (e *ActiveLoop) fields(m *value.Map) { m.Set("name", nullable(e.Name)) }

func (e *LoopInterrupted) fields(m *value.Map) { m.Set("is_interrupted", e.IsInterrupted) }

func (e *ActionExecutionRejected) fields(m *value.Map) {
	m.Set("name", e.Name).Set("policy", nullable(e.Policy)).Set("confidence", confidence(e.Confidence))
}

func (*Restarted) fields(*value.Map)             {}
func (*UserUtteranceReverted) fields(*value.Map) {}
func (*AllSlotsReset) fields(*value.Map)         {}
func (*ReminderCancelled) fields(*value.Map)     {} // as in Rasa, which leaves them out
func (*ActionReverted) fields(*value.Map)        {}
func (*StoryExported) fields(*value.Map)         {}
func (*ConversationPaused) fields(*value.Map)    {}
func (*ConversationResumed) fields(*value.Map)   {}
func (*SessionStarted) fields(*value.Map)        {}

// EventFromMap reads an event from its JSON form (Event.from_parameters). The timestamp is zero when m has none or a
// false one, and the caller sets it. It returns nil, nil for the obsolete event "topic", and an error that wraps ErrUnknownEvent or
// names the field that does not fit.
func EventFromMap(m *value.Map) (Event, error) {
	name, ok := m.Get("event")
	if !ok {
		return nil, errors.New(`event without the field "event"`)
	}
	typ, _ := name.(string)
	if typ == "topic" {
		return nil, nil
	}
	read, ok := readers[typ]
	if !ok {
		return nil, fmt.Errorf("%w %q", ErrUnknownEvent, value.Str(name))
	}
	r := &reader{m: m}
	e := read(r)
	b := e.Meta()
	b.Timestamp = r.number("timestamp")
	if b.Metadata == nil {
		b.Metadata = r.dict("metadata")
	}
	if r.err != nil {
		return nil, fmt.Errorf("event %q: %w", typ, r.err)
	}
	return e, nil
}

// reader reads typed fields and keeps the first error.
type reader struct {
	m   *value.Map
	err error
}

func (r *reader) fail(key, want string) {
	if r.err == nil {
		r.err = fmt.Errorf("field %q: want %s, got %s", key, want, value.Repr(r.m.Value(key)))
	}
}

func (r *reader) text(key string) string {
	switch v := r.m.Value(key).(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		r.fail(key, "a text")
		return ""
	}
}

func (r *reader) number(key string) float64 {
	v := r.m.Value(key)
	if v == nil {
		return 0
	}
	f, ok := value.ToFloat(v)
	if !ok {
		r.fail(key, "a number")
	}
	return f
}

func (r *reader) confidence(key string) float64 {
	if r.m.Value(key) == nil {
		return NoConfidence
	}
	return r.number(key)
}

// time reads a time that must be there and returns it in ISO 8601.
func (r *reader) time(key string) string {
	iso, ok := ISOTime(r.text(key))
	if !ok {
		r.fail(key, "a time in ISO 8601")
	}
	return iso
}

func (r *reader) dict(key string) *value.Map {
	v := r.m.Value(key)
	if !value.Truthy(v) {
		return nil
	}
	m, ok := v.(*value.Map)
	if !ok {
		r.fail(key, "an object")
	}
	return m
}

func (r *reader) list(key string) []any {
	v := r.m.Value(key)
	if !value.Truthy(v) {
		return nil
	}
	l, ok := v.([]any)
	if !ok {
		r.fail(key, "a list")
	}
	return l
}

// truth reads a flag that is def when it is absent.
func (r *reader) truth(key string, def bool) bool {
	v, ok := r.m.Get(key)
	if !ok {
		return def
	}
	return value.Truthy(v)
}

func (r *reader) utterance() (string, bool) { return r.text("text"), r.m.Value("text") == nil }

var readers = map[string]func(*reader) Event{
	TypeUser: readUser,
	TypeFeaturization: func(r *reader) Event {
		return &DefinePrevUserUtteredFeaturization{UseText: r.truth("use_text_for_featurization", false),
			Unknown: r.m.Value("use_text_for_featurization") == nil}
	},
	TypeEntities: func(r *reader) Event { return &EntitiesAdded{Entities: r.list("entities")} },
	TypeBot: func(r *reader) Event {
		t, none := r.utterance()
		return &BotUttered{Text: t, NoText: none, Data: r.dict("data")}
	},
	TypeSlot:       func(r *reader) Event { return &SlotSet{Key: r.text("name"), Value: r.m.Value("value")} },
	TypeRestart:    func(*reader) Event { return &Restarted{} },
	TypeRewind:     func(*reader) Event { return &UserUtteranceReverted{} },
	TypeResetSlots: func(*reader) Event { return &AllSlotsReset{} },
	TypeReminder: func(r *reader) Event {
		return &ReminderScheduled{Intent: r.text("intent"), Entities: r.m.Value("entities"), DateTime: r.time("date_time"),
			Name: r.text("name"), KillOnUserMessage: r.truth("kill_on_user_msg", true)}
	},
	TypeCancelReminder: func(r *reader) Event {
		return &ReminderCancelled{Name: r.text("name"), Intent: r.text("intent"), Entities: r.m.Value("entities")}
	},
	TypeUndo:     func(*reader) Event { return &ActionReverted{} },
	TypeExport:   func(r *reader) Event { return &StoryExported{Path: r.text("path")} },
	TypeFollowup: func(r *reader) Event { return &FollowupAction{Name: r.text("name")} },
	TypePause:    func(*reader) Event { return &ConversationPaused{} },
	TypeResume:   func(*reader) Event { return &ConversationResumed{} },
	TypeAction:   readAction,
	TypeAgent: func(r *reader) Event {
		t, none := r.utterance()
		return &AgentUttered{Text: t, NoText: none, Data: r.m.Value("data")}
	},
	TypeActiveLoop:      readLoop,
	TypeForm:            readLoop,
	TypeLoopInterrupted: func(r *reader) Event { return &LoopInterrupted{IsInterrupted: r.truth("is_interrupted", false)} },
	TypeFormValidation:  func(r *reader) Event { return &LoopInterrupted{IsInterrupted: !r.truth("validate", true)} },
	TypeActionRejected: func(r *reader) Event {
		return &ActionExecutionRejected{Name: r.text("name"), Policy: r.text("policy"), Confidence: r.confidence("confidence")}
	},
	TypeSessionStarted: func(*reader) Event { return &SessionStarted{} },
}

func readLoop(r *reader) Event { return &ActiveLoop{Name: r.text("name")} }

func readAction(r *reader) Event {
	e := &ActionExecuted{Name: r.text("name"), ActionText: r.text("action_text"), Policy: r.text("policy"),
		Confidence: r.confidence("confidence"), HideRuleTurn: r.truth("hide_rule_turn", false)}
	if e.Name == "" && e.ActionText == "" {
		r.fail("name", "the name of an action (or action_text)")
	}
	return e
}

func readUser(r *reader) Event {
	t, none := r.utterance()
	parse := r.dict("parse_data")
	if parse == nil && !r.m.Has("parse_data") {
		r.fail("parse_data", "an object")
	}
	u := NewUserUttered(t, parse, r.text("input_channel"), r.text("message_id"), r.dict("metadata"))
	if none {
		u.NoText = true
		if !parse.Has("text") {
			u.ParseData.Set("text", nil)
		}
	}
	return u
}
