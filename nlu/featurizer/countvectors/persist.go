package countvectors

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/nlu"
)

const (
	vocabularyFile = "vocabularies.json"
	oovFile        = "oov_words.json"
	weightsFile    = "weights.json"
)

// Persist writes the vocabularies in Rasa's format; without any it writes nothing.
func (f *Featurizer) Persist(to component.Resource) error {
	if len(f.vocabularies) == 0 {
		return nil
	}
	var out *value.Map
	if f.Shared {
		out = f.vocabularies[nlu.Text].encode()
	} else {
		out = value.NewMap()
		for _, a := range f.attributes {
			if v := f.vocabularies[a]; v != nil {
				out.Set(a.String(), v.encode())
			} else {
				out.Set(a.String(), nil)
			}
		}
	}
	if err := to.Put(vocabularyFile, value.Encode(out, value.JSON)); err != nil {
		return err
	}
	if f.Weighting != "" {
		if err := f.persistWeights(to); err != nil {
			return err
		}
	}
	return to.Put(oovFile, value.Encode(f.oov.words.value(), value.JSON))
}

func (v vocabulary) encode() *value.Map {
	out := value.NewMap()
	for _, term := range slices.SortedFunc(maps.Keys(v), func(a, b string) int { return cmp.Compare(v[a], v[b]) }) {
		out.Set(term, int64(v[term]))
	}
	return out
}

func decodeVocabulary(m *value.Map) (vocabulary, error) {
	v := make(vocabulary, m.Len())
	for term, column := range m.All() {
		n, ok := column.(int64)
		if !ok || n < 0 || n >= int64(m.Len()) {
			return nil, fmt.Errorf("column of term %q is not valid", term)
		}
		v[term] = int(n)
	}
	return v, nil
}

// Load reads what Persist, or Rasa, wrote.
func (f *Featurizer) Load(from component.Resource) error {
	f.vocabularies = nil
	m, err := component.ReadObject(from, vocabularyFile)
	if m == nil || err != nil {
		return err
	}
	vocabularies := make(map[nlu.Attribute]vocabulary)
	for _, a := range f.attributes {
		terms := m
		if !f.Shared {
			if terms = m.Map(a.String()); terms == nil {
				continue
			}
		}
		if vocabularies[a], err = decodeVocabulary(terms); err != nil {
			return fmt.Errorf("reading %s: %w", vocabularyFile, err)
		}
	}
	words, err := f.loadOOVWords(from)
	if err != nil {
		return err
	}
	f.use(vocabularies, words)
	if f.Weighting == "" {
		return nil
	}
	return f.loadWeights(from)
}

func (f *Featurizer) loadOOVWords(from component.Resource) (oovSet, error) {
	data, err := from.Get(oovFile)
	if err != nil {
		return oovSet{}, err
	}
	v, err := value.Decode(data)
	if err != nil {
		return oovSet{}, fmt.Errorf("reading %s: %w", oovFile, err)
	}
	words, ok := oovWords(v, false)
	if !ok {
		return oovSet{}, fmt.Errorf("reading %s: not a list of words", oovFile)
	}
	return words, nil
}
