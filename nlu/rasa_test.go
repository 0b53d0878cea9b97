package nlu_test

import (
	"compress/gzip"
	"context"
	"io"
	"math"
	"os"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/nlu"
	"github.com/parleybot/parley/project"
)

// featureReader makes a pipeline compute all features.
type featureReader struct{}

func (featureReader) Process(context.Context, *nlu.Message) error { return nil }
func (featureReader) ReadsFeatures() nlu.FeatureType {
	return nlu.SequenceFeatures | nlu.SentenceFeatures
}

func init() {
	nlu.Components.Register(component.Spec{Name: "FeatureReader"}, func(component.Config) (nlu.Component, error) {
		return featureReader{}, nil
	})
}

// TestLikeRasa trains pipelines with many options on testdata/project.yml and compares features, intents and entities
// with testdata/rasa.json.gz, which holds what the components of Rasa 3.6.21 (scikit-learn 1.1.3) found.
func TestLikeRasa(t *testing.T) {
	source, err := os.ReadFile("testdata/project.yml")
	if err != nil {
		t.Fatal(err)
	}
	data, problems := project.ParseNLU(source, "project.yml")
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	for _, c := range goldenCases(t) {
		t.Run(c.String("name"), func(t *testing.T) {
			p := trained(t, nlu.Config{Entries: goldenEntries(c)}, nlu.NewTrainingData(data, nil))
			for _, v := range c.List("messages") {
				want := v.(*value.Map)
				m := nlu.NewMessage(want.String("text"))
				if err := p.Process(context.Background(), m); err != nil {
					t.Fatal(err)
				}
				compareParse(t, m, want.Map("parse"))
				compareFeatures(t, m, want.List("features"))
			}
		})
	}
}

func goldenCases(t *testing.T) (cases []*value.Map) {
	f, err := os.Open("testdata/rasa.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(unzipped)
	if err != nil {
		t.Fatal(err)
	}
	list, err := value.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list.([]any) {
		cases = append(cases, c.(*value.Map))
	}
	return cases
}

func goldenEntries(c *value.Map) []project.Entry {
	var list []project.Entry
	for _, e := range c.List("config") {
		options := e.(*value.Map).Clone()
		name := options.String("name")
		options.Delete("name")
		list = append(list, project.Entry{Name: name, Options: options})
	}
	return append(list, project.Entry{Name: "FeatureReader"})
}

// compareParse compares parse data; confidences may differ a little.
func compareParse(t *testing.T, m *nlu.Message, want *value.Map) {
	t.Helper()
	got := m.ParseData()
	const tolerance = 1e-4
	predictions := func(data *value.Map) []any {
		return append([]any{data.Value("intent")}, data.List("intent_ranking")...)
	}
	gotIntents, wantIntents := predictions(got), predictions(want)
	if len(gotIntents) != len(wantIntents) {
		t.Fatalf("%q: %d intents, want %d", m.Value(nlu.Text), len(gotIntents), len(wantIntents))
	}
	for i := range gotIntents {
		g, w := gotIntents[i].(*value.Map), wantIntents[i].(*value.Map)
		gc, _ := value.ToFloat(g.Value("confidence"))
		wc, _ := value.ToFloat(w.Value("confidence"))
		if g.Value("name") != w.Value("name") || math.Abs(gc-wc) > tolerance {
			t.Errorf("%q: intent %d is %s, want %s", m.Value(nlu.Text), i, value.Repr(g), value.Repr(w))
		}
	}
	for _, key := range []string{"text", "entities", "text_tokens"} {
		if !value.Equal(got.Value(key), want.Value(key)) {
			t.Errorf("%q: %s is %s, want %s", m.Value(nlu.Text), key, value.Repr(got.Value(key)), value.Repr(want.Value(key)))
		}
	}
	if diff := cmp.Diff(want.Keys(), got.Keys()); diff != "" {
		t.Errorf("%q: keys differ: %s", m.Value(nlu.Text), diff)
	}
}

func compareFeatures(t *testing.T, m *nlu.Message, want []any) {
	t.Helper()
	if len(m.Features) != len(want) {
		t.Fatalf("%q: %d features, want %d", m.Value(nlu.Text), len(m.Features), len(want))
	}
	for i := range m.Features {
		f, w := &m.Features[i], want[i].(*value.Map)
		if (f.Type == nlu.SentenceFeatures) != (w.String("type") == "sentence") || int64(f.Sparse.Cols) != w.Value("cols") {
			t.Errorf("%q: feature %d has %d columns, want %v of %s", m.Value(nlu.Text), i, f.Sparse.Cols, w.Value("cols"), w.String("type"))
			continue
		}
		var got []any
		for r := range f.Sparse.Rows {
			row := value.NewMap()
			cols, vals := f.Sparse.Row(r)
			for k, c := range cols {
				row.Set(strconv.Itoa(int(c)), vals[k])
			}
			got = append(got, row)
		}
		if !value.Equal(got, w.List("rows")) {
			t.Errorf("%q: feature %d is %s, want %s", m.Value(nlu.Text), i, value.Repr(got), value.Repr(w.List("rows")))
		}
	}
}
