package regex

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/nlu"
	"github.com/parleybot/parley/project"
)

// split makes tokens of the words of an ASCII text.
func split(m *nlu.Message) {
	var tokens []nlu.Token
	at := 0
	for word := range strings.SplitSeq(m.Value(nlu.Text), " ") {
		tokens = append(tokens, nlu.Token{Text: word, Start: at, End: at + len(word), Lemma: word})
		at += len(word) + 1
	}
	m.SetTokens(nlu.Text, tokens)
}

// rows shows features as the columns that are 1, one row between bars for each token.
func rows(f *nlu.Features) string {
	var out []string
	for r := range f.Sparse.Rows {
		cols, _ := f.Sparse.Row(r)
		out = append(out, strings.Trim(fmt.Sprint(cols), "[]"))
	}
	return strings.Join(out, "|")
}

// The wanted features and names are those of Rasa 3.6.21 for the same data.
func TestProcess(t *testing.T) {
	data := nlu.NewTrainingData(&project.NLUData{
		Regexes: []project.Regex{{Name: "code", Pattern: `[A-Z]{2}\d+`}, {Name: "phrase", Pattern: "to ro"}, {Name: "code", Pattern: `\d{3}`}},
		Lookups: []project.Lookup{{Name: "city", Elements: []string{"Rome", "New York"}}},
	}, nil)
	// Columns: the regexes by name and pattern (code, code, phrase), then city.
	cases := []struct{ name, option, text, tokens, sentence, patterns string }{
		{"the last pattern of a name counts", "", "AB12 to rome 345", "0|2|2|1", "0 1 2", "|phrase|phrase|code"},
		{"a phrase of a table", "", "Romeo in New York", "||3|3", "3", "||city|city"},
		{"case ignored", "case_sensitive=false", "AB12 to rome 345", "0|2|2 3|1", "0 1 2 3", "|phrase|phrase city|code"},
		{"no tables", "use_lookup_tables=false", "Romeo in New York", "|||", "", "|||"},
		{"no regexes", "use_regexes=false", "Romeo in New York", "||0|0", "0", "||city|city"},
		{"inside of words", "use_word_boundaries=false", "Romeo in New York", "3||3|3", "3", "city||city|city"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			options := &value.Map{}
			if key, v, ok := strings.Cut(c.option, "="); ok {
				options.Set(key, v == "true")
			}
			built, err := nlu.Components.Build(component.Config{Name: spec.Name, ID: "RegexFeaturizer1", Options: options})
			require.NoError(t, err)
			f := built.(*Featurizer)
			require.NoError(t, f.Train(context.Background(), data))
			store := &component.MemoryResource{}
			require.NoError(t, f.Persist(store))
			require.NoError(t, f.Load(store))

			m := nlu.NewMessage(c.text)
			split(m)
			require.NoError(t, f.Process(context.Background(), m))
			require.Len(t, m.Features, 2)
			require.Equal(t, "RegexFeaturizer1", m.Features[0].Origin)
			require.Equal(t, c.tokens, rows(&m.Features[0]))
			require.Equal(t, c.sentence, rows(&m.Features[1]))
			var names []string
			for _, token := range m.Tokens(nlu.Text) {
				names = append(names, strings.Join(token.Patterns, " "))
			}
			require.Equal(t, c.patterns, strings.Join(names, "|"))
		})
	}
}
