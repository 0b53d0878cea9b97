// Package lexicalsyntactic provides LexicalSyntacticFeaturizer, whose features say how a token and its neighbours are
// written (rasa/nlu/featurizers/sparse_featurizer/lexical_syntactic_featurizer.py, 3.6.21).
package lexicalsyntactic

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/ml"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/nlu"
)

const (
	fileName  = "feature_to_idx_dict.json"
	separator = "###"
)

var spec = component.Spec{
	Name:    "LexicalSyntacticFeaturizer",
	Summary: "Has features for how each token and its neighbours are written: case, digits, prefixes, suffixes, position.",
	Source:  "rasa/nlu/featurizers/sparse_featurizer/lexical_syntactic_featurizer.py",
	Fields: []component.Field{
		{Name: "alias", Kind: component.String, Doc: "Name of the features, to choose them elsewhere."},
		{Name: "features", Kind: component.List, Doc: "Lists of features for the tokens before, at and behind each token.",
			Default: []any{
				[]any{"low", "title", "upper"},
				[]any{"BOS", "EOS", "low", "upper", "title", "digit"},
				[]any{"low", "title", "upper"},
			}},
	},
	Provides: []string{nlu.RoleFeaturizer},
	Requires: []string{nlu.RoleTokenizer},
}

func init() { nlu.Components.Register(spec, build) }

// Featurizer is LexicalSyntacticFeaturizer.
type Featurizer struct {
	Alias  string `option:"alias"`
	Window []any  `option:"features"`

	log    *slog.Logger
	window [][]string
	// index maps the position in the window, the feature's name and its value to a column.
	index   map[key]map[string]int
	columns int
}

type key struct {
	position int
	name     string
}

var _ nlu.Trainable = (*Featurizer)(nil)

func build(cfg component.Config) (nlu.Component, error) {
	f := &Featurizer{log: cfg.Env.Logger}
	if err := cfg.Decode(f); err != nil {
		return nil, err
	}
	if f.Alias == "" {
		f.Alias = cfg.ID
	}
	for _, position := range f.Window {
		names, ok := position.([]any)
		if !ok {
			return nil, cfg.OptionError("features", "must be a list of lists of feature names")
		}
		var list []string
		for _, n := range names {
			name, _ := n.(string)
			if _, known := extractors[name]; !known {
				return nil, cfg.OptionError("features", "names %s, known are %s", value.Repr(n),
					strings.Join(slices.Sorted(maps.Keys(extractors)), ", "))
			}
			if name == "pos" || name == "pos2" {
				f.log.Warn("no tokenizer finds parts of speech, feature is always None", "feature", name)
			}
			if !slices.Contains(list, name) {
				list = append(list, name)
			}
		}
		f.window = append(f.window, list)
	}
	return f, nil
}

// DependsOn implements nlu.Trainable.
func (f *Featurizer) DependsOn() nlu.DataParts { return nlu.ExampleTexts }

// Train gives each value of a feature that occurs a column.
func (f *Featurizer) Train(_ context.Context, data *nlu.TrainingData) error {
	values := make(map[key]map[string]int)
	for _, m := range data.Examples {
		tokens := m.Tokens(nlu.Text)
		for t := range tokens {
			f.each(tokens, t, func(k key, v string) {
				if values[k] == nil {
					values[k] = make(map[string]int)
				}
				values[k][v] = 0
			})
		}
	}
	keys := slices.SortedFunc(maps.Keys(values), func(a, b key) int {
		return cmp.Or(cmp.Compare(a.position, b.position), cmp.Compare(a.name, b.name))
	})
	column := 0
	for _, k := range keys {
		for _, v := range slices.Sorted(maps.Keys(values[k])) {
			values[k][v] = column
			column++
		}
	}
	f.index, f.columns = values, column
	return nil
}

// each visits the features of the tokens in the window around token t.
func (f *Featurizer) each(tokens []nlu.Token, t int, visit func(k key, v string)) {
	half := len(f.window) / 2
	for position, names := range f.window {
		at := t + position - half
		if at < 0 || at >= len(tokens) {
			continue
		}
		for _, name := range names {
			visit(key{position, name}, extractors[name](tokens[at].Text, at, len(tokens)))
		}
	}
}

// Process adds sequence features of the text; there are no sentence features.
func (f *Featurizer) Process(_ context.Context, m *nlu.Message) error {
	tokens := m.Tokens(nlu.Text)
	if len(f.index) == 0 || len(tokens) == 0 {
		return nil
	}
	if m.SkipSequence {
		// That there are features may count all the same.
		m.AddSparse(nlu.Text, nlu.SequenceFeatures, f.Alias, ml.NewSparse(f.columns, 0, 0))
		return nil
	}
	features := ml.NewSparse(f.columns, len(tokens), len(tokens)*12)
	for t := range tokens {
		f.each(tokens, t, func(k key, v string) {
			if column, ok := f.index[k][v]; ok {
				features.Add(column, 1)
			}
		})
		features.EndRowUnsorted()
	}
	m.AddSparse(nlu.Text, nlu.SequenceFeatures, f.Alias, features)
	return nil
}

// Persist writes the columns in Rasa's format; without any it writes nothing.
func (f *Featurizer) Persist(to component.Resource) error {
	if len(f.index) == 0 {
		return nil
	}
	out := value.NewMap()
	for _, k := range slices.SortedFunc(maps.Keys(f.index), func(a, b key) int {
		return cmp.Or(cmp.Compare(a.position, b.position), cmp.Compare(a.name, b.name))
	}) {
		values := value.NewMap()
		for _, v := range slices.Sorted(maps.Keys(f.index[k])) {
			values.Set(v, int64(f.index[k][v]))
		}
		out.Set(strconv.Itoa(k.position)+separator+k.name, values)
	}
	return to.Put(fileName, value.Encode(out, value.JSON))
}

// Load reads what Persist, or Rasa, wrote.
func (f *Featurizer) Load(from component.Resource) error {
	f.index, f.columns = nil, 0
	m, err := component.ReadObject(from, fileName)
	if m == nil || err != nil {
		return err
	}
	f.index = make(map[key]map[string]int)
	for text, v := range m.All() {
		position, name, _ := strings.Cut(text, separator)
		p, err := strconv.Atoi(position)
		values, ok := v.(*value.Map)
		if err != nil || !ok {
			return fmt.Errorf("reading %s: entry %q is not valid", fileName, text)
		}
		columns := make(map[string]int, values.Len())
		for text, column := range values.All() {
			n, _ := column.(int64)
			columns[text] = int(n)
		}
		f.index[key{p, name}] = columns
		f.columns += len(columns)
	}
	return nil
}
