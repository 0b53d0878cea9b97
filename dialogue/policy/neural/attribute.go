package neural

// Attribute is one kind of input of a dialogue turn, by Rasa's names.
type Attribute int

// The attributes of a turn. Attributes of labels are the same, under names with the prefix "label_".
const (
	Intent Attribute = iota
	Text
	ActionName
	ActionText
	Entities
	Slots
	ActiveLoop
	attributeCount
)

var attributeNames = [attributeCount]string{"intent", "text", "action_name", "action_text", "entities", "slots", "active_loop"}

// String returns Rasa's name.
func (a Attribute) String() string { return attributeNames[a] }

// attributeOf is the inverse of String.
func attributeOf(name string) (Attribute, bool) {
	for i, n := range attributeNames {
		if n == name {
			return Attribute(i), true
		}
	}
	return 0, false
}

// encoded reports whether the attribute goes through a layer of its own before all are joined. The others only become
// dense.
func (a Attribute) encoded() bool { return a <= ActionText }

// sequential reports whether the attribute is a text of many tokens.
func (a Attribute) sequential() bool { return a == Text || a == ActionText }
