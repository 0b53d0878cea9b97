package regex

import (
	"context"
	"slices"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/nlu"
)

var _ nlu.Finetuner = (*Featurizer)(nil)

// Finetune keeps the columns of the known patterns: those of a known name are replaced where they are, new ones come
// at the end (RegexFeaturizer._merge_new_patterns).
func (f *Featurizer) Finetune(ctx context.Context, data *nlu.TrainingData, from component.Resource, _ float64) error {
	if err := f.Load(from); err != nil {
		return err
	}
	known := f.patterns
	if err := f.Train(ctx, data); err != nil {
		return err
	}
	at := make(map[string]int, len(known))
	for i := range known {
		at[known[i].Name] = i
	}
	merged := slices.Clone(known)
	for _, p := range f.patterns {
		if i, ok := at[p.Name]; ok {
			merged[i] = p
		} else {
			merged = append(merged, p)
		}
	}
	f.patterns = merged
	return nil
}
