package policy

import "context"

// TextKind is what a text or name is in a story: the text or intent of a user, the name or text of an action.
type TextKind string

// The kinds, by Rasa's names.
const (
	UserText   TextKind = "text"
	IntentName TextKind = "intent"
	ActionName TextKind = "action_name"
	ActionText TextKind = "action_text"
)

// FeatureRow is one vector of features: the numbers that are not zero of a sparse part, and a dense part behind it.
type FeatureRow struct {
	Cols   []int32   `json:",omitempty"`
	Values []float32 `json:",omitempty"`
	Dense  []float32 `json:",omitempty"`
}

// FeatureSize is how many numbers features have.
type FeatureSize struct {
	SentenceSparse, SentenceDense int
	SequenceSparse, SequenceDense int
}

// TextFeatures are what the NLU pipeline finds in a text or name. They must not be changed.
type TextFeatures struct {
	// Size is zero when the pipeline has no features for this kind.
	Size FeatureSize
	// Sequence has a row for each token, Sentence describes the whole. Names have a Sentence only.
	Sequence []FeatureRow
	Sentence FeatureRow
	Tokens   []Token
}

// Token is a piece of a text. Start and End count code points, End is behind the last one.
type Token struct {
	Start, End int
}

// TextReader gives the features of texts and names, for policies that learn end to end
// (rasa/core/featurizers/precomputation.py). It may be called by several goroutines.
type TextReader interface {
	Read(ctx context.Context, kind TextKind, text string) (*TextFeatures, error)
}

// ReadsTexts is a policy that learns end to end when it is given a TextReader before it is trained or loaded.
type ReadsTexts interface {
	ReadTexts(r TextReader)
}

// ReadTexts hands the policies that learn end to end what reads texts. It must be called before they are trained or
// loaded.
func (e *Ensemble) ReadTexts(r TextReader) {
	for _, p := range e.policies {
		if p, ok := p.(ReadsTexts); ok {
			p.ReadTexts(r)
		}
	}
}
