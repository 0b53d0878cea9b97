package diet

import (
	"slices"

	"github.com/parleybot/parley/internal/tagging"
)

// SparseSizes are how many sparse features each featurizer has.
type SparseSizes struct {
	Sequence []int `json:"sequence"`
	Sentence []int `json:"sentence"`
}

// TagSpec lists the tags of one kind: "entity", "role" or "group".
type TagSpec struct {
	Name string `json:"name"`
	// Tags are in the order of their numbers; the first is tagging.Outside.
	Tags []string `json:"tags"`
}

// The kinds of tags, in the order in which they are predicted.
const (
	entityTags = "entity"
	roleTags   = "role"
	groupTags  = "group"
)

// newTagSpec numbers the names that occur. With BILOU each has four tags.
func newTagSpec(kind string, names []string, bilou bool) TagSpec {
	slices.Sort(names)
	spec := TagSpec{Name: kind, Tags: []string{tagging.Outside}}
	for _, n := range slices.Compact(names) {
		if !bilou {
			spec.Tags = append(spec.Tags, n)
			continue
		}
		for _, prefix := range tagging.Prefixes {
			spec.Tags = append(spec.Tags, prefix+n)
		}
	}
	return spec
}

// State is all that belongs to a trained network beside its weights.
type State struct {
	// Text and Label say what the network takes in.
	Text  Signature `json:"text"`
	Label Signature `json:"label"`
	// Labels are the names of the labels in the order of their numbers.
	Labels []string `json:"labels"`
	// Tags are empty when no entities were learnt.
	Tags        []TagSpec   `json:"tags"`
	SparseSizes SparseSizes `json:"sparse_feature_sizes"`

	// LabelFeatures are the features of Labels, in their order.
	LabelFeatures Features `json:"-"`
}
