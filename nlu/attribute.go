package nlu

// Attribute is a part of a message that can be tokenized and featurized (rasa/nlu/constants.py, MESSAGE_ATTRIBUTES).
type Attribute uint8

// The attributes, in Rasa's order.
const (
	Text Attribute = iota
	Intent
	Response
	ActionName
	ActionText
	IntentResponseKey
	attributeCount
)

var attributeNames = [attributeCount]string{"text", "intent", "response", "action_name", "action_text", "intent_response_key"}

// String returns Rasa's name of the attribute.
func (a Attribute) String() string { return attributeNames[a] }

// Attributes are all attributes; TextAttributes are those that hold running text.
var (
	Attributes     = []Attribute{Text, Intent, Response, ActionName, ActionText, IntentResponseKey}
	TextAttributes = []Attribute{Text, Response, ActionText}
)

// IsLabel reports whether the attribute is a name, which is featurized as a whole, and not a text.
func (a Attribute) IsLabel() bool { return a == Intent || a == ActionName || a == IntentResponseKey }
