package sklearn

import (
	"context"
	"encoding/base64"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/nlu"
)

func recorded(t *testing.T) []any {
	t.Helper()
	data, err := os.ReadFile("testdata/rasa.json")
	require.NoError(t, err)
	list, err := value.Decode(data)
	require.NoError(t, err)
	return list.([]any)
}

func built(t *testing.T, options *value.Map) *Classifier {
	t.Helper()
	c, err := nlu.Components.Build(component.Config{Name: name, Options: options})
	require.NoError(t, err)
	return c.(*Classifier)
}

// message returns a message with the vector as its features, in two parts.
func message(text string, vector []any) *nlu.Message {
	m := nlu.NewMessage(text)
	var x []float32
	for _, v := range vector {
		number, _ := value.ToFloat(v)
		x = append(x, float32(number))
	}
	for _, part := range [][]float32{x[:2], x[2:]} {
		m.Features = append(m.Features, nlu.Features{
			Attribute: nlu.Text, Type: nlu.SentenceFeatures, Origin: "x", Dense: [][]float32{part},
		})
	}
	return m
}

func examples(c *value.Map) *nlu.TrainingData {
	data := &nlu.TrainingData{}
	for i, item := range c.List("examples") {
		pair := item.([]any)
		m := message("text "+strconv.Itoa(i), pair[1].([]any))
		m.Set(nlu.Intent, pair[0].(string))
		data.Examples = append(data.Examples, m)
	}
	return data
}

// TestLikeRasa compares with what testdata/record.py recorded: the model of Rasa's archive, and one trained here, whose
// probabilities come from other folds.
func TestLikeRasa(t *testing.T) {
	for _, item := range recorded(t) {
		c := item.(*value.Map)
		t.Run(c.String("name")+" by Rasa", func(t *testing.T) {
			files := &component.MemoryResource{}
			for file, text := range c.Map("files").All() {
				data, err := base64.StdEncoding.DecodeString(text.(string))
				require.NoError(t, err)
				require.NoError(t, files.Put(file, data))
			}
			x := built(t, c.Map("options"))
			require.NoError(t, x.LoadRasa(files))
			compare(t, x, c.List("tests"), 1e-6)
		})
		t.Run(c.String("name"), func(t *testing.T) {
			x, store := built(t, c.Map("options")), &component.MemoryResource{}
			require.NoError(t, x.Train(context.Background(), examples(c)))
			require.NoError(t, x.Persist(store))
			require.NoError(t, x.Load(store))
			require.Equal(t, c.Map("best").String("kernel"), x.model.Kernel.Name)
			compare(t, x, c.List("tests"), 0.15)
		})
	}
}

func compare(t *testing.T, x *Classifier, tests []any, tolerance float64) {
	t.Helper()
	for _, item := range tests {
		test := item.(*value.Map)
		m := message("text", test.List("vector"))
		require.NoError(t, x.Process(context.Background(), m))
		require.Len(t, m.Ranking, len(test.List("ranking")))
		require.Equal(t, m.Ranking[0], *m.Predicted)
		got := make(map[string]float64)
		for i, p := range m.Ranking {
			got[p.Name] = p.Confidence
			want := test.List("ranking")[i].(*value.Map)
			if tolerance < 1e-3 {
				require.Equal(t, want.String("name"), p.Name)
			}
		}
		for _, r := range test.List("ranking") {
			confidence, _ := value.ToFloat(r.(*value.Map).Value("confidence"))
			if confidence > tolerance {
				require.InDelta(t, confidence, got[r.(*value.Map).String("name")], tolerance)
			}
		}
	}
}

func TestWithoutModel(t *testing.T) {
	x := built(t, nil)
	require.NoError(t, x.Load(&component.MemoryResource{}))
	require.NoError(t, x.LoadRasa(&component.MemoryResource{}))
	m := message("text", []any{1.0, 2.0, 3.0})
	require.NoError(t, x.Process(context.Background(), m))
	require.Nil(t, m.Predicted)
	require.NotNil(t, m.ParseData().Value("intent_ranking"))

	one := examples(recorded(t)[0].(*value.Map))
	for _, m := range one.Examples {
		m.Set(nlu.Intent, "same")
	}
	require.NoError(t, x.Train(context.Background(), one))
	require.Nil(t, x.model)
}

func TestFeaturesThatDoNotFit(t *testing.T) {
	c := recorded(t)[1].(*value.Map)
	x := built(t, c.Map("options"))
	require.NoError(t, x.Train(context.Background(), examples(c)))
	require.ErrorContains(t, x.Process(context.Background(), message("text", []any{1.0, 2.0, 3.0})), "3 features instead of 6")
	sparse := nlu.NewMessage("text")
	sparse.Features = []nlu.Features{{Attribute: nlu.Text, Type: nlu.SentenceFeatures}}
	require.ErrorIs(t, x.Process(context.Background(), sparse), errNoFeatures)
	require.NoError(t, x.Process(context.Background(), nlu.NewMessage("")))
}

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		name    string
		options *value.Map
		want    string
	}{
		{"C", value.NewMap("C", []any{int64(0)}), "positive numbers, not 0"},
		{"gamma", value.NewMap("gamma", []any{"wide"}), `"scale" or "auto", not 'wide'`},
		{"kernel", value.NewMap("kernels", []any{"round"}), `has "round"`},
		{"nothing", value.NewMap("kernels", []any{}), "must not be empty"},
		{"score", value.NewMap("scoring_function", "best"), `is "best"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := nlu.Components.Build(component.Config{Name: name, Options: c.options})
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestDamagedFiles(t *testing.T) {
	x, store := built(t, nil), &component.MemoryResource{}
	require.NoError(t, store.Put(weightsFile, []byte("{}")))
	require.ErrorContains(t, x.Load(store), weightsFile)
	require.NoError(t, store.Put(estimatorFile, []byte("no zip file")))
	require.ErrorContains(t, x.LoadRasa(store), estimatorFile)
}
