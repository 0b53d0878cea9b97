package tracker

import (
	"slices"

	"github.com/parleybot/parley/internal/value"
)

// NewUserUttered returns the event of a parsed message. parse is what the NLU pipeline found (text, intent, entities,
// ...); its entries win over those built from the arguments, as in Rasa's UserUttered. It is kept, not copied.
func NewUserUttered(text string, parse *value.Map, inputChannel, messageID string, metadata *value.Map) *UserUttered {
	intent := parse.Map("intent")
	entities := parse.List("entities")
	u := &UserUttered{
		Base: Base{Metadata: metadata}, Text: text, Intent: intent, Entities: entities,
		InputChannel: inputChannel, MessageID: messageID,
	}
	u.ParseData = u.shownAs(parse)
	return finishUser(u)
}

// shownAs returns the parse data of u: what every message has, then what else is in parse.
func (u *UserUttered) shownAs(parse *value.Map) *value.Map {
	size := len(messageKeys)
	for key := range parse.All() {
		if !slices.Contains(messageKeys[:], key) {
			size++
		}
	}
	full := value.NewMapOf(size)
	for _, key := range messageKeys {
		v, ok := parse.Get(key)
		if !ok {
			v = u.shown(key)
		}
		full.Set(key, v)
	}
	return full.Update(parse)
}

// messageKeys are the entries that the parse data of every message has.
var messageKeys = [...]string{"intent", "entities", "text", "message_id", "metadata"}

// shown returns the entry of messageKeys that the parse data lacks.
func (u *UserUttered) shown(key string) any {
	switch key {
	case "intent":
		return orEmpty(u.Intent)
	case "entities":
		return orEmptyList(u.Entities)
	case "text":
		return u.Text
	case "message_id":
		return nullable(u.MessageID)
	}
	return orEmpty(u.Metadata)
}

// NewExternal returns the event of an intent that was triggered from outside, not typed by the user
// (UserUttered.create_external).
func NewExternal(intent string, entities []any, inputChannel string) *UserUttered {
	text := externalPrefix + intent
	meta := value.NewMap(metadataExternalFlag, true)
	parse := value.NewMap("intent", value.NewMap("name", intent), "entities", orEmptyList(entities))
	return NewUserUttered(text, parse, inputChannel, "", meta)
}

// emptyUser is Rasa's UserUttered.empty(): the latest message of a conversation without any.
var emptyUser = &UserUttered{NoText: true, ParseData: value.NewMap(
	"intent", &value.Map{}, "entities", []any{}, "text", nil, "message_id", nil, "metadata", &value.Map{},
)}

func finishUser(u *UserUttered) *UserUttered {
	name := u.IntentName()
	switch {
	case u.Text != "" && name == "":
		u.TextFeaturization = FeaturizeText
	case name != "" && u.Text == "":
		u.TextFeaturization = FeaturizeIntent
	}
	return u
}

// Again returns a copy that can become an event of its own.
func (u *UserUttered) Again() *UserUttered {
	c := *u
	c.origin = nil
	return &c
}

// changed returns a copy for a state, which may be changed before it gets there.
func (u *UserUttered) changed() *UserUttered {
	c := *u
	c.origin = u.original()
	return &c
}

func (u *UserUttered) original() *UserUttered {
	if u.origin != nil {
		return u.origin
	}
	return u
}

// IntentName returns the name of the intent, "" when there is none.
func (u *UserUttered) IntentName() string { return u.Intent.String("name") }

// FullRetrievalIntentName returns "intent/key" of a retrieval intent, "" when there is none.
func (u *UserUttered) FullRetrievalIntentName() string {
	return u.Intent.String("full_retrieval_intent_name")
}

// IsEmpty reports whether no message was sent yet.
func (u *UserUttered) IsEmpty() bool {
	return u.Text == "" && u.IntentName() == "" && len(u.Entities) == 0
}

// IsExternal reports whether the message was triggered from outside.
func (u *UserUttered) IsExternal() bool {
	return value.Truthy(u.Metadata.Value(metadataExternalFlag))
}

// EntityLabels returns the entity types of the message, then type#role and type#group of those that carry a role or a
// group key (UserUttered.as_sub_state).
func (u *UserUttered) EntityLabels() []string {
	labels := make([]string, 0, len(u.Entities))
	for _, e := range u.Entities {
		labels = append(labels, pyText(entityMap(e).Value("entity")))
	}
	for _, attribute := range []string{"role", "group"} {
		for _, e := range u.Entities {
			if m := entityMap(e); m.Has(attribute) {
				labels = append(labels, pyText(m.Value("entity"))+"#"+pyText(m.Value(attribute)))
			}
		}
	}
	return labels
}

func entityMap(e any) *value.Map {
	m, _ := e.(*value.Map)
	return m
}

func pyText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return value.Str(v)
}

func orEmpty(m *value.Map) *value.Map {
	if m == nil {
		return &value.Map{}
	}
	return m
}

func orEmptyList(l []any) []any {
	if l == nil {
		return []any{}
	}
	return l
}

func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}
