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

// trained returns an extractor that was trained, stored and loaded.
func trained(t *testing.T, options *value.Map) *Extractor {
	t.Helper()
	data := nlu.NewTrainingData(&project.NLUData{
		Examples: []project.Example{
			{Text: "go to Rome", Intent: "go", Entities: []project.EntityAnnotation{{Start: 6, End: 10, Entity: "city", Value: "Rome"}}},
			{Text: "AB12", Intent: "code", Entities: []project.EntityAnnotation{{Start: 0, End: 4, Entity: "code", Value: "AB12"}}},
		},
		Regexes: []project.Regex{{Name: "code", Pattern: `[A-Z]{2}\d+`}, {Name: "unused", Pattern: "x"}, {Name: "code", Pattern: `\d{3}`}},
		Lookups: []project.Lookup{{Name: "city", Elements: []string{"Rome", "New York", "São Paulo"}}, {Name: "dish", Elements: []string{"soup"}}},
	}, nil)
	built := func() *Extractor {
		c, err := nlu.Components.Build(component.Config{Name: name, Options: options})
		require.NoError(t, err)
		return c.(*Extractor)
	}
	first, store := built(), &component.MemoryResource{}
	require.NoError(t, first.Train(context.Background(), data))
	require.NoError(t, first.Persist(store))
	second := built()
	require.NoError(t, second.Load(store))
	return second
}

// The wanted entities are those of Rasa 3.6.21 for the same data.
func TestProcess(t *testing.T) {
	cases := []struct{ name, option, text, want string }{
		{"in the order of patterns", "", "ab12 to ROME 345", "code 0-4 ab12, code 13-16 345, city 8-12 ROME"},
		{"between word boundaries", "", "Romeo in são paulo", "city 9-18 são paulo"},
		{"not annotated", "", "x soup", ""},
		{"overlaps, offsets in characters", "", "🚲 AB1234 New York", "code 2-8 AB1234, code 4-7 123, city 9-17 New York"},
		{"case counts", "case_sensitive=true", "ab12 to ROME 345", "code 13-16 345"},
		{"case counts in tables", "case_sensitive=true", "Romeo in são paulo", ""},
		{"no tables", "use_lookup_tables=false", "ab12 to ROME 345", "code 0-4 ab12, code 13-16 345"},
		{"no regexes", "use_regexes=false", "ab12 to ROME 345", "city 8-12 ROME"},
		{"inside of words", "use_word_boundaries=false", "Romeo in são paulo", "city 0-4 Rome, city 9-18 são paulo"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			options := &value.Map{}
			if key, v, ok := strings.Cut(c.option, "="); ok {
				options.Set(key, v == "true")
			}
			m := nlu.NewMessage(c.text)
			require.NoError(t, trained(t, options).Process(context.Background(), m))
			var got []string
			for _, e := range m.Entities {
				require.Equal(t, name, e.String("extractor"))
				got = append(got, fmt.Sprintf("%s %v-%v %s", e.String("entity"), e.Value("start"), e.Value("end"), e.String("value")))
			}
			require.Equal(t, c.want, strings.Join(got, ", "))
		})
	}
}

func TestTrainRefusesBadRegex(t *testing.T) {
	data := nlu.NewTrainingData(&project.NLUData{
		Examples: []project.Example{{Text: "x", Intent: "code", Entities: []project.EntityAnnotation{{Start: 0, End: 1, Entity: "code", Value: "x"}}}},
		Regexes:  []project.Regex{{Name: "code", Pattern: "(", Pos: project.Pos{File: "nlu.yml", Line: 7, Col: 5}}},
	}, nil)
	x := &Extractor{UseRegexes: true, log: component.Env{}.WithDefaults().Logger}
	require.ErrorContains(t, x.Train(context.Background(), data), `nlu.yml:7:5: regex "(" of "code" is not valid`)
}

func TestLoad(t *testing.T) {
	cases := []struct{ name, stored, wantErr string }{
		{"as Rasa stores it", `[{"name": "code", "pattern": "\\d+"}]`, ""},
		{"no list", `{}`, "reading regex.json"},
		{"no regular expression", `[{"name": "code", "pattern": "("}]`, `reading regex.json: pattern "code"`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			store, x := &component.MemoryResource{}, &Extractor{}
			require.NoError(t, x.Load(store), "nothing is stored")
			require.NoError(t, store.Put(fileName, []byte(c.stored)))
			err := x.Load(store)
			if c.wantErr == "" {
				require.NoError(t, err)
				require.Len(t, x.patterns, 1)
				return
			}
			require.ErrorContains(t, err, c.wantErr)
		})
	}
}
