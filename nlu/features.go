package nlu

import "github.com/parleybot/parley/internal/ml"

// FeatureType tells what a row of features describes.
type FeatureType uint8

const (
	// SequenceFeatures have a row for each token.
	SequenceFeatures FeatureType = 1 << iota
	// SentenceFeatures have one row for the whole attribute.
	SentenceFeatures
)

// Features is what one featurizer found about one attribute (rasa/shared/nlu/training_data/features.py). Exactly one
// of Sparse and Dense is set.
type Features struct {
	Attribute Attribute
	Type      FeatureType
	// Origin is the featurizer's alias, or its unique name in the pipeline.
	Origin string
	Sparse *ml.Sparse
	// Dense has shape [rows, features].
	Dense [][]float32
	// Width is how many features a row of Dense would have that has no rows; with rows it may be 0.
	Width int
}

// Columns returns how many features a row has.
func (f *Features) Columns() int {
	switch {
	case f.Sparse != nil:
		return f.Sparse.Cols
	case len(f.Dense) > 0:
		return len(f.Dense[0])
	}
	return f.Width
}

// AddSparse appends sparse features to the message.
func (m *Message) AddSparse(a Attribute, t FeatureType, origin string, s *ml.Sparse) {
	m.Features = append(m.Features, Features{Attribute: a, Type: t, Origin: origin, Sparse: s})
}
