package crf

import (
	"cmp"
	"compress/gzip"
	"context"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/nlu"
	_ "github.com/parleybot/parley/nlu/featurizer/regex"
	_ "github.com/parleybot/parley/nlu/tokenizer/whitespace"
	"github.com/parleybot/parley/project"
)

// letters is a featurizer with dense features like those of testdata/record.py.
type letters struct {
	Alias string `option:"alias"`
	Width int    `option:"width"`
}

func init() {
	nlu.Components.Register(component.Spec{
		Name: "Letters", Provides: []string{nlu.RoleFeaturizer},
		Fields: []component.Field{{Name: "alias", Kind: component.String}, {Name: "width", Kind: component.Int}},
	}, func(cfg component.Config) (nlu.Component, error) {
		f := &letters{}
		return f, cfg.Decode(f)
	})
}

func (f *letters) Process(_ context.Context, m *nlu.Message) error {
	var rows [][]float32
	for _, t := range m.Tokens(nlu.Text) {
		var row []float32
		letters := []rune(cmp.Or(t.Text, "?"))
		for i := range f.Width {
			row = append(row, float32(float64(letters[(i+1)%len(letters)]%23)/7-1.5))
		}
		rows = append(rows, row)
	}
	if rows != nil {
		m.Features = append(m.Features,
			nlu.Features{Attribute: nlu.Text, Type: nlu.SequenceFeatures, Origin: f.Alias, Dense: rows},
			nlu.Features{Attribute: nlu.Text, Type: nlu.SentenceFeatures, Origin: f.Alias, Dense: rows[:1]})
	}
	return nil
}

func pipeline(t *testing.T, options *value.Map) *nlu.Pipeline {
	t.Helper()
	entries := []project.Entry{
		{Name: "WhitespaceTokenizer"}, {Name: "RegexFeaturizer"},
		{Name: "Letters", Options: value.NewMap("alias", "first", "width", int64(3))},
		{Name: "Letters", Options: value.NewMap("alias", "second", "width", int64(2))},
		{Name: name, Options: options},
	}
	p, err := nlu.NewPipeline(nlu.Config{Entries: entries})
	require.NoError(t, err)
	return p
}

// resources keeps what a pipeline persists.
type resources map[string]component.Resource

func (r resources) open(id string) (component.Resource, error) {
	if r[id] == nil {
		r[id] = &cached{}
	}
	return r[id], nil
}

// cached is a resource with a place beside it.
type cached struct {
	component.MemoryResource
	beside component.MemoryResource
}

func (c *cached) Cache() component.Resource { return &c.beside }

func trainingData(t *testing.T) *nlu.TrainingData {
	t.Helper()
	source, err := os.ReadFile("testdata/nlu.yml")
	require.NoError(t, err)
	data, problems := project.ParseNLU(source, "nlu.yml")
	require.False(t, problems.HasErrors(), problems)
	return nlu.NewTrainingData(data, nil)
}

// TestLikeRasa compares with what testdata/record.py recorded: trained here, and from the files that Rasa persisted.
func TestLikeRasa(t *testing.T) {
	for _, item := range recorded(t) {
		c := item.(*value.Map)
		t.Run(c.String("name"), func(t *testing.T) {
			store := make(resources)
			p := pipeline(t, c.Map("options"))
			require.NoError(t, p.Train(context.Background(), trainingData(t), nil))
			require.NoError(t, p.Persist(store.open))
			p = pipeline(t, c.Map("options"))
			require.NoError(t, p.Load(store.open))
			compare(t, p, c.List("messages"))
		})
		if c.Map("files").Len() == 0 {
			continue
		}
		t.Run(c.String("name")+" by Rasa", func(t *testing.T) {
			p := pipeline(t, c.Map("options"))
			store := make(resources)
			require.NoError(t, p.Train(context.Background(), trainingData(t), nil))
			require.NoError(t, p.Persist(store.open))
			files := &cached{}
			for file, text := range c.Map("files").All() {
				require.NoError(t, files.Put(file, []byte(text.(string))))
			}
			store["train_"+name+"4"] = files
			for range 2 {
				p = pipeline(t, c.Map("options"))
				require.NoError(t, p.LoadRasa(store.open))
				compare(t, p, c.List("messages"))
				require.Len(t, files.beside.Names(), 1)
			}
		})
	}
}

func recorded(t *testing.T) []any {
	t.Helper()
	f, err := os.Open("testdata/rasa.json.gz")
	require.NoError(t, err)
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	require.NoError(t, err)
	data, err := io.ReadAll(unzipped)
	require.NoError(t, err)
	list, err := value.Decode(data)
	require.NoError(t, err)
	return list.([]any)
}

// compare parses the messages and compares entities; confidences may differ by 1e-4.
func compare(t *testing.T, p *nlu.Pipeline, messages []any) {
	t.Helper()
	for _, item := range messages {
		want := item.(*value.Map)
		m := nlu.NewMessage(want.String("text"))
		require.NoError(t, p.Process(context.Background(), m))
		got := make([]any, len(m.Entities))
		for i, e := range m.Entities {
			got[i] = e
		}
		if !equalLists(want.List("entities"), got) {
			t.Errorf("%q: found %s, want %s", want.String("text"), value.Repr(got), value.Repr(want.List("entities")))
		}
	}
}

func equalLists(a, b []any) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !equalEntities(a[i].(*value.Map), b[i].(*value.Map)) {
			return false
		}
	}
	return true
}

func equalEntities(a, b *value.Map) bool {
	if !slices.Equal(a.Keys(), b.Keys()) {
		return false
	}
	for key, v := range a.All() {
		if strings.HasPrefix(key, "confidence") {
			x, _ := value.ToFloat(v)
			y, _ := value.ToFloat(b.Value(key))
			if math.Abs(x-y) > 1e-4 {
				return false
			}
		} else if !value.Equal(v, b.Value(key)) {
			return false
		}
	}
	return true
}

func TestOptions(t *testing.T) {
	list := func(names ...any) []any { return []any{names} }
	cases := []struct {
		name    string
		options *value.Map
		want    string
	}{
		{"lists", value.NewMap("features", []any{[]any{"low"}, []any{"low"}}), "odd number"},
		{"no list", value.NewMap("features", []any{"low"}), "list of lists"},
		{"unknown feature", value.NewMap("features", list("lower")), "'lower', which is no feature"},
		{"spaCy", value.NewMap("features", list("pos")), "SpacyTokenizer"},
		{"iterations", value.NewMap("max_iterations", int64(-1)), "must not be negative"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := nlu.Components.Build(component.Config{Name: name, Options: c.options})
			require.ErrorContains(t, err, c.want)
		})
	}
}
