package languagemodel

import (
	"compress/gzip"
	"context"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/nlu"
	_ "github.com/parleybot/parley/nlu/tokenizer/whitespace"
	"github.com/parleybot/parley/project"
)

// reader makes a pipeline compute all features.
type reader struct{}

func (reader) Process(context.Context, *nlu.Message) error { return nil }
func (reader) ReadsFeatures() nlu.FeatureType {
	return nlu.SequenceFeatures | nlu.SentenceFeatures
}

func init() {
	nlu.Components.Register(component.Spec{Name: "FeatureReader"}, func(component.Config) (nlu.Component, error) { return reader{}, nil })
}

func pipeline(t testing.TB, options *value.Map, readers ...string) *nlu.Pipeline {
	t.Helper()
	entries := []project.Entry{{Name: "WhitespaceTokenizer"}, {Name: name, Options: options}}
	for _, r := range readers {
		entries = append(entries, project.Entry{Name: r})
	}
	p, err := nlu.NewPipeline(nlu.Config{Entries: entries})
	require.NoError(t, err)
	return p
}

func recorded(t testing.TB, path string) []any {
	t.Helper()
	f, err := os.Open(path)
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

// TestLikeRasa compares with what testdata/record.py recorded.
func TestLikeRasa(t *testing.T) {
	for _, item := range recorded(t, "testdata/rasa.json.gz") {
		c := item.(*value.Map)
		t.Run(c.String("model_name"), func(t *testing.T) {
			compareModel(t, c, filepath.Join("testdata", c.String("model_name")), 2e-5)
		})
	}
}

// compareModel compares what the model in a folder makes of recorded messages.
func compareModel(t *testing.T, c *value.Map, folder string, tolerance float64) {
	t.Helper()
	encoder, err := load(folder)
	require.NoError(t, err)
	for _, own := range []bool{false, true} {
		p := pipeline(t, value.NewMap("model_name", c.String("model_name"), "model_weights", folder, "sentence_embeddings", own), "FeatureReader")
		examples := &nlu.TrainingData{}
		for _, item := range c.List("messages") {
			want := item.(*value.Map)
			m := nlu.NewMessage(want.String("text"))
			require.NoError(t, p.Process(context.Background(), m))
			compare(t, m, want, own, tolerance)
			if pieces := want.List("pieces"); len(pieces) > 0 {
				require.Equal(t, value.Repr(pieces), value.Repr(integers(encoder.Tokenize(m.Value(nlu.Text)))))
			}
			if len(m.Value(nlu.Text)) < 1000 {
				examples.Examples = append(examples.Examples, nlu.NewMessage(m.Value(nlu.Text)))
			}
		}
		require.NoError(t, p.Train(context.Background(), examples, nil))
		for i, m := range examples.Examples {
			compare(t, m, c.List("messages")[i].(*value.Map), own, tolerance)
		}
	}
}

func integers(list []int) []any {
	out := make([]any, len(list))
	for i, n := range list {
		out[i] = int64(n)
	}
	return out
}

func compare(t *testing.T, m *nlu.Message, want *value.Map, own bool, tolerance float64) {
	t.Helper()
	require.Len(t, m.Features, 2, want.String("text"))
	sequence, sentence := m.Features[0], m.Features[1]
	require.Equal(t, []nlu.FeatureType{nlu.SequenceFeatures, nlu.SentenceFeatures}, []nlu.FeatureType{sequence.Type, sentence.Type})
	key := "sentence"
	if own {
		key = "embedding"
	}
	near(t, want.List(key), sentence.Dense[0], tolerance, want.String("text"))
	rows := want.List("sequence")
	require.EqualValues(t, want.Value("rows"), len(sequence.Dense), want.String("text"))
	got := sequence.Dense
	if len(got) > len(rows) {
		got = got[250:300]
	}
	for i, row := range rows {
		near(t, row.([]any), got[i], tolerance, want.String("text"))
	}
}

func near(t *testing.T, want []any, got []float32, tolerance float64, text string) {
	t.Helper()
	for i := range want {
		w, _ := value.ToFloat(want[i])
		if math.Abs(w-float64(got[i])) > tolerance {
			t.Fatalf("%q: feature %d is %v, want %v", text, i, got[i], w)
		}
	}
}

func TestOnlySentence(t *testing.T) {
	for _, own := range []bool{false, true} {
		p := pipeline(t, value.NewMap("model_weights", "testdata/bert", "sentence_embeddings", own))
		m := nlu.NewMessage("hello weather")
		require.NoError(t, p.Process(context.Background(), m))
		require.Len(t, m.Features, 1)
		require.Equal(t, nlu.SentenceFeatures, m.Features[0].Type)
		require.Equal(t, name+"1", m.Features[0].Origin)
	}
}

func TestTooLongExample(t *testing.T) {
	p := pipeline(t, value.NewMap("model_weights", "testdata/bert"), "FeatureReader")
	data := &nlu.TrainingData{Examples: []*nlu.Message{nlu.NewMessage(strings.Repeat("hello ", 600))}}
	require.ErrorContains(t, p.Train(context.Background(), data, nil), "602 word pieces, the model takes 512")
}

func TestFind(t *testing.T) {
	cache := t.TempDir()
	snapshots := filepath.Join(cache, "models--some--model", "snapshots")
	for i, revision := range []string{"old", "new"} {
		require.NoError(t, os.MkdirAll(filepath.Join(snapshots, revision), 0o755))
		when := time.Unix(int64(1000+i), 0)
		require.NoError(t, os.Chtimes(filepath.Join(snapshots, revision), when, when))
	}
	got, err := find("some/model", cache)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(snapshots, "new"), got, "the latest")
	require.NoError(t, os.MkdirAll(filepath.Join(cache, "models--some--model", "refs"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(cache, "models--some--model", "refs", "main"), []byte("old\n"), 0o644))
	got, err = find("some/model", cache)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(snapshots, "old"), got, "the branch main")
	t.Setenv("HF_HUB_CACHE", "")
	t.Setenv("HUGGINGFACE_HUB_CACHE", "")
	t.Setenv("TRANSFORMERS_CACHE", "")
	t.Setenv("HF_HOME", filepath.Dir(cache))
	require.Equal(t, []string{filepath.Join(filepath.Dir(cache), "hub")}, standardCaches())
}

func TestRefusals(t *testing.T) {
	empty := t.TempDir()
	for _, c := range []struct {
		name    string
		options *value.Map
		want    string
	}{
		{"not local", value.NewMap("cache_dir", empty), `is "rasa/LaBSE", which is neither a folder nor a model in ` + empty +
			"; nothing is downloaded at run time. Run `hf download sentence-transformers/LaBSE"},
		{"other kind", value.NewMap("model_name", "xlnet"), `is "xlnet"`},
		{"wrong kind", value.NewMap("model_name", "distilbert", "model_weights", "testdata/bert"), `is of type "bert"`},
		{"empty folder", value.NewMap("model_weights", empty), "config.json"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := nlu.Components.Build(component.Config{Name: name, Options: c.options})
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestLoadedOnce(t *testing.T) {
	a, err := load("testdata/bert")
	require.NoError(t, err)
	b, err := load("testdata/bert")
	require.NoError(t, err)
	require.Same(t, a, b)
}

func BenchmarkProcess(b *testing.B) {
	p := pipeline(b, value.NewMap("model_weights", "testdata/bert"), "FeatureReader")
	for b.Loop() {
		if err := p.Process(context.Background(), nlu.NewMessage("hello what is the weather")); err != nil {
			b.Fatal(err)
		}
	}
}
