package neural

import (
	"github.com/parleybot/parley/internal/ml/weights"
)

// The tracker featurizers of rasa/core/featurizers/tracker_featurizers.py.
const (
	MaxHistoryFeaturizer   = "MaxHistoryTrackerFeaturizer"
	FullDialogueFeaturizer = "FullDialogueTrackerFeaturizer"
	IntentFeaturizer       = "IntentMaxHistoryTrackerFeaturizer"
)

// Tables number the names that states can have: tables[Intent]["greet"] is the column of the intent in its features. A
// slot has an entry for each of its numbers ("size_0", "size_1").
type Tables [attributeCount]map[string]int

// Spec is what a trained network is made of.
type Spec struct {
	// Options are those the network was trained with.
	Options Options
	// Featurizer is the kind of tracker featurizer, MaxHistory the number of turns it keeps, 0 for all.
	Featurizer string
	MaxHistory int
	Tables     Tables
	// Inputs are the widths of the attributes that occurred in training; others are not looked at.
	Inputs [attributeCount]*Size
	// EndToEnd tells the attributes whose features came from the pipeline.
	EndToEnd [attributeCount]bool
	// Labels are the features of all labels, and LabelSizes their widths.
	Labels     []Turn
	LabelSizes [attributeCount]*Size
	// Tags are the names of entity tags, empty when no entities are predicted. Tag 0 is that of no entity.
	Tags []string
	// Quantiles are the similarities that intents of UnexpecTEDIntentPolicy are measured with, by label.
	Quantiles map[int][]float32
	// Weights are the variables under TensorFlow's names.
	Weights *weights.Set
}

// reversed reports whether turns stand in the network with the last one first, as they do when only the last one is
// learnt.
func (s *Spec) reversed() bool { return s.Featurizer != FullDialogueFeaturizer }
