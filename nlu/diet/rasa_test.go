package diet_test

import (
	"archive/zip"
	"context"
	"io"
	"math"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/nlu"
	"github.com/parleybot/parley/project"

	_ "github.com/parleybot/parley/nlu/classifier/diet"
	_ "github.com/parleybot/parley/nlu/featurizer/countvectors"
	_ "github.com/parleybot/parley/nlu/featurizer/lexicalsyntactic"
	_ "github.com/parleybot/parley/nlu/featurizer/regex"
	_ "github.com/parleybot/parley/nlu/selector/response"
	_ "github.com/parleybot/parley/nlu/tokenizer/whitespace"
)

// resources are those of a model, by the names of components.
type resources map[string]*component.MemoryResource

func (r resources) open(id string) (component.Resource, error) {
	if r[id] == nil {
		r[id] = &component.MemoryResource{}
	}
	return r[id], nil
}

// recording is what testdata/record.py wrote about one bot.
type recording struct {
	entries   []project.Entry
	resources resources
	parses    []any
}

func readRecording(t testing.TB, file string) recording {
	z, err := zip.OpenReader(file)
	require.NoError(t, err)
	defer z.Close()
	r := recording{resources: resources{}}
	for _, f := range z.File {
		in, err := f.Open()
		require.NoError(t, err)
		data, err := io.ReadAll(in)
		require.NoError(t, err)
		require.NoError(t, in.Close())
		switch f.Name {
		case "config.json":
			list, err := value.Decode(data)
			require.NoError(t, err)
			r.entries = entriesOf(list.([]any))
		case "parses.json":
			list, err := value.Decode(data)
			require.NoError(t, err)
			r.parses = list.([]any)
		default:
			to, err := r.resources.open(path.Dir(f.Name))
			require.NoError(t, err)
			require.NoError(t, to.Put(path.Base(f.Name), data))
		}
	}
	return r
}

func entriesOf(list []any) []project.Entry {
	var out []project.Entry
	for _, e := range list {
		options := e.(*value.Map).Clone()
		name := options.String("name")
		options.Delete("name")
		out = append(out, project.Entry{Name: name, Options: options})
	}
	return out
}

func pipeline(t testing.TB, entries []project.Entry) *nlu.Pipeline {
	p, err := nlu.NewPipeline(nlu.Config{Entries: entries})
	require.NoError(t, err)
	return p
}

// TestLikeRasa serves what Rasa trained and compares with how Rasa parses; then once more after the models were written in
// parley's own form.
func TestLikeRasa(t *testing.T) {
	for _, name := range []string{"relative", "onesided", "margin"} {
		t.Run(name, func(t *testing.T) {
			r := readRecording(t, "testdata/"+name+".zip")
			served := pipeline(t, r.entries)
			require.NoError(t, served.LoadRasa(r.resources.open))
			own := resources{}
			require.NoError(t, served.Persist(own.open))
			again := pipeline(t, r.entries)
			require.NoError(t, again.Load(own.open))
			for _, w := range r.parses {
				want := w.(*value.Map)
				text := want.String("text")
				got := parse(t, served, text)
				compare(t, text, want, got, 1e-5)
				compare(t, text, got, parse(t, again, text), 0)
			}
		})
	}
}

func parse(t testing.TB, p *nlu.Pipeline, text string) *value.Map {
	m := nlu.NewMessage(text)
	require.NoError(t, p.Process(context.Background(), m))
	data := m.ParseData()
	data.Delete("text_tokens")
	return data
}

// compare looks at the keys of want; numbers may differ by tolerance.
func compare(t *testing.T, at string, want, got any, tolerance float64) {
	t.Helper()
	switch w := want.(type) {
	case *value.Map:
		g, _ := got.(*value.Map)
		require.NotNil(t, g, at)
		for key, v := range w.All() {
			compare(t, at+" "+key, v, g.Value(key), tolerance)
		}
	case []any:
		g, _ := got.([]any)
		require.Len(t, g, len(w), at)
		for i := range w {
			compare(t, at, w[i], g[i], tolerance)
		}
	case float64:
		g, ok := got.(float64)
		require.True(t, ok && math.Abs(w-g) <= tolerance, "%s: %v, want %v", at, got, w)
	default:
		require.Equal(t, want, got, at)
	}
}

// TestLoadRasaRefuses damages the files of a component in turn; loading must fail with the name of a file or tensor, and
// not panic.
func TestLoadRasaRefuses(t *testing.T) {
	r := readRecording(t, "testdata/relative.zip")
	const id = "train_DIETClassifier4"
	for _, file := range r.resources[id].Names() {
		if strings.Contains(file, "sparse_feature_sizes") {
			continue
		}
		for kind, damage := range map[string]func([]byte) []byte{
			"cut":      func(b []byte) []byte { return b[:len(b)/2] },
			"empty":    func([]byte) []byte { return nil },
			"a number": func([]byte) []byte { return []byte("7") },
		} {
			t.Run(file+" "+kind, func(t *testing.T) {
				bad := &component.MemoryResource{}
				for _, name := range r.resources[id].Names() {
					data, err := r.resources[id].Get(name)
					require.NoError(t, err)
					if name == file {
						data = damage(data)
					}
					require.NoError(t, bad.Put(name, data))
				}
				err := pipeline(t, r.entries).LoadRasa(func(of string) (component.Resource, error) {
					if of == id {
						return bad, nil
					}
					return r.resources.open(of)
				})
				require.ErrorContains(t, err, "DIETClassifier")
			})
		}
	}
}

// BenchmarkProcess parses a message by networks of Rasa.
func BenchmarkProcess(b *testing.B) {
	r := readRecording(b, "testdata/relative.zip")
	p := pipeline(b, r.entries)
	require.NoError(b, p.LoadRasa(r.resources.open))
	b.ReportAllocs()
	for b.Loop() {
		parse(b, p, "book a flight from Rome to Berlin please")
	}
}
