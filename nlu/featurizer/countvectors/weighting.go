package countvectors

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/nlu"
)

// tfidf is the weighting by how often a term occurs in the text and how rarely in all texts.
const tfidf = "tfidf"

// weigh computes the weights of all columns from the training texts of each attribute; all are those of a shared
// vocabulary.
func (f *Featurizer) weigh(texts map[nlu.Attribute][]string, all []string) {
	f.weights = nil
	if f.Weighting == "" {
		return
	}
	f.weights = make(map[nlu.Attribute][]float64, len(f.vocabularies))
	for a, v := range f.vocabularies {
		docs := texts[a]
		if f.Shared {
			docs = all
		}
		f.weights[a] = v.rarity(docs, f.analyze)
	}
}

// rarity returns 1 + ln((1 + n) / (1 + m)) for each term, of n texts that are not empty m with the term: the inverse
// document frequency of scikit-learn's TfidfTransformer (smoothed).
func (v vocabulary) rarity(docs []string, a *analyzer) []float64 {
	counts, last := make([]int, len(v)), make([]int, len(v))
	n := 0
	for _, doc := range docs {
		if doc == "" {
			continue
		}
		n++
		a.each(doc, func(term string) {
			if column, ok := v[term]; ok && last[column] != n {
				counts[column]++
				last[column] = n
			}
		})
	}
	out := make([]float64, len(v))
	for i, m := range counts {
		out[i] = 1 + math.Log(float64(1+n)/float64(1+m))
	}
	return out
}

// weigh turns the counts of a row into (1 + ln count) times the column's weight, scaled to length 1.
func weigh(columns []int32, counts, weights []float64) {
	sum := 0.0
	for k, c := range columns {
		counts[k] = (1 + math.Log(counts[k])) * weights[c]
		sum += counts[k] * counts[k]
	}
	for k := range counts {
		counts[k] /= math.Sqrt(sum)
	}
}

func (f *Featurizer) persistWeights(to component.Resource) error {
	named := make(map[string][]float64, len(f.weights))
	for a, w := range f.weights {
		named[a.String()] = w
	}
	data, err := json.Marshal(named)
	if err != nil {
		return fmt.Errorf("writing %s: %w", weightsFile, err)
	}
	return to.Put(weightsFile, data)
}

func (f *Featurizer) loadWeights(from component.Resource) error {
	data, err := from.Get(weightsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reading %s: the model has been trained without weighting: %w", weightsFile, err)
	}
	var named map[string][]float64
	if err == nil {
		err = json.Unmarshal(data, &named)
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", weightsFile, err)
	}
	f.weights = make(map[nlu.Attribute][]float64, len(f.vocabularies))
	for a, v := range f.vocabularies {
		if len(named[a.String()]) != len(v) {
			return fmt.Errorf("reading %s: it has %d weights for %d terms of %s", weightsFile, len(named[a.String()]), len(v), a)
		}
		f.weights[a] = named[a.String()]
	}
	return nil
}
