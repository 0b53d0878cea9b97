package countvectors

import (
	"context"
	"maps"
	"slices"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/nlu"
)

var _ nlu.Finetuner = (*Featurizer)(nil)

// Finetune keeps the columns of the known terms; new ones get the columns behind them, in alphabetical order, however
// rare they are (CountVectorsFeaturizer._fit_loaded_vectorizer, where the order is that of a Python set).
func (f *Featurizer) Finetune(_ context.Context, data *nlu.TrainingData, from component.Resource, _ float64) error {
	if err := f.Load(from); err != nil {
		return err
	}
	texts, all := f.documents(data)
	vocabularies := make(map[nlu.Attribute]vocabulary, len(f.vocabularies))
	for a, known := range f.vocabularies {
		docs := texts[a]
		if f.Shared {
			docs = all
		}
		vocabularies[a] = known.extended(docs, f.analyze)
	}
	f.use(vocabularies, f.oov.words)
	f.weigh(texts, all)
	return nil
}

// extended returns v with the terms of docs that it lacks.
func (v vocabulary) extended(docs []string, a *analyzer) vocabulary {
	fresh := map[string]bool{}
	for _, doc := range docs {
		a.each(doc, func(term string) {
			if _, known := v[term]; !known {
				fresh[term] = true
			}
		})
	}
	out := maps.Clone(v)
	for _, term := range slices.Sorted(maps.Keys(fresh)) {
		out[term] = len(out)
	}
	return out
}
