package neural

import "github.com/parleybot/parley/dialogue/policy"

// Row is one vector of features.
type Row = policy.FeatureRow

// Size is how wide features are; 0 means that there are none of the kind.
type Size = policy.FeatureSize

// Features are what one attribute of a turn looks like. Intents, actions, entities, slots and loops have a Sentence only;
// texts have a row for each token before it. Features are shared and must not be changed.
type Features struct {
	Sequence []Row `json:",omitempty"`
	Sentence Row
	// tokens are those of a text; key is the text.
	tokens []policy.Token
	key    string
	// id numbers the different features of a training, 0 for none.
	id int32
}

// Turn is a state of a conversation as the network sees it: nil for an attribute that is absent.
type Turn [attributeCount]*Features

// oneHot returns features with a single 1.
func oneHot(index int) *Features {
	return &Features{Sentence: Row{Cols: []int32{int32(index)}, Values: []float32{1}}}
}

// zero are features that are there and say nothing: those of a name the network does not know.
var zero = &Features{}
