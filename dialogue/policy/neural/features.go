package neural

// Row is one vector of features: mostly zeros, so that only the others are kept, and possibly a dense part beside.
type Row struct {
	Cols   []int32
	Values []float32
	Dense  []float32
}

// Features are what one attribute of a turn looks like. Intents, actions, entities, slots and loops have a Sentence only;
// texts have a row for each token before it. Features are shared and must not be changed.
type Features struct {
	Sequence []Row
	Sentence Row
	// key identifies the text or name the features were made of, "" when they are not worth remembering.
	key string
	// id numbers the different features of a training, 0 for none.
	id int32
}

// Size is the width of an attribute's features; 0 means that there are none of the kind.
type Size struct {
	SentenceSparse, SentenceDense int
	SequenceSparse, SequenceDense int
}

// Turn is a state of a conversation as the network sees it: nil for an attribute that is absent.
type Turn [attributeCount]*Features

// oneHot returns features with a single 1.
func oneHot(index int) *Features {
	return &Features{Sentence: Row{Cols: []int32{int32(index)}, Values: []float32{1}}}
}

// zero are features that are there and say nothing: those of a name the network does not know.
var zero = &Features{}
