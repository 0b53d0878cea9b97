package neural_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue/policy"
	"github.com/parleybot/parley/dialogue/policy/state"
	_ "github.com/parleybot/parley/dialogue/policy/ted"
	_ "github.com/parleybot/parley/dialogue/policy/unexpected"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// recording is what testdata/record.py recorded from Rasa: the files of policies and what they predict.
type recording struct {
	Policies map[string]struct {
		Class  string
		Config json.RawMessage
	}
	Conversations []struct {
		Events      json.RawMessage
		Predictions map[string]struct {
			Probabilities []float64
			E2E           bool
			Metadata      any
			Optional      any
			Error         string
		}
	}
	// Features are those of texts and names: by attribute, by text, by kind; a row lists columns and values.
	Features map[string]map[string]map[string][][][2]float32
	// Tokens are those of texts: the token, its start and its end.
	Tokens map[string][][3]any
	domain *project.Domain
	files  map[string]*component.MemoryResource
}

func readRecording(t testing.TB, file string) *recording {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	z, err := gzip.NewReader(bytes.NewReader(data))
	require.NoError(t, err)
	r := &recording{files: map[string]*component.MemoryResource{}}
	for archive := tar.NewReader(z); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return r
		}
		require.NoError(t, err)
		content, err := io.ReadAll(archive)
		require.NoError(t, err)
		dir, name := path.Split(strings.TrimPrefix(h.Name, "./"))
		dir = strings.Trim(dir, "/")
		switch {
		case h.FileInfo().IsDir():
		case name == "predictions.json":
			require.NoError(t, json.Unmarshal(content, r))
			doc, err := value.DecodeObject(content)
			require.NoError(t, err)
			var problems project.Problems
			r.domain, problems = project.DomainFromMap(doc.Map("domain"))
			require.NoError(t, problems.Err())
		default:
			if r.files[dir] == nil {
				r.files[dir] = &component.MemoryResource{}
			}
			require.NoError(t, r.files[dir].Put(name, content))
		}
	}
}

// load loads the policy that Rasa calls name.
func (r *recording) load(t testing.TB, name string) policy.Component {
	t.Helper()
	options, err := value.DecodeObject(r.Policies[name].Config)
	require.NoError(t, err)
	p, err := policy.Policies.Build(component.Config{Name: r.Policies[name].Class, Options: options})
	require.NoError(t, err)
	if r.Features != nil {
		p.(policy.ReadsTexts).ReadTexts(r)
	}
	require.NoError(t, p.(policy.RasaLoader).LoadRasa(r.domain, r.files[name]))
	p.Connect(state.NewHistory(state.NewFeaturizer(r.domain), state.RuleOnly{}, p.Window()))
	return p
}

// Read implements policy.TextReader.
func (r *recording) Read(_ context.Context, kind policy.TextKind, text string) (*policy.TextFeatures, error) {
	size := map[policy.TextKind]policy.FeatureSize{
		policy.UserText: {SentenceSparse: 160, SequenceSparse: 180}, policy.ActionText: {SentenceSparse: 52, SequenceSparse: 52},
		policy.IntentName: {SentenceSparse: 7}, policy.ActionName: {SentenceSparse: 21},
	}[kind]
	out := &policy.TextFeatures{Size: size}
	rows := func(kind string, f map[string][][][2]float32) (list []policy.FeatureRow) {
		for _, row := range f[kind] {
			var x policy.FeatureRow
			for _, e := range row {
				x.Cols, x.Values = append(x.Cols, int32(e[0])), append(x.Values, e[1])
			}
			list = append(list, x)
		}
		return list
	}
	f, ok := r.Features[string(kind)][text]
	if !ok {
		return &policy.TextFeatures{}, nil
	}
	out.Sequence, out.Sentence = rows("sequence", f), rows("sentence", f)[0]
	for _, token := range r.Tokens[text] {
		out.Tokens = append(out.Tokens, policy.Token{Start: int(token[1].(float64)), End: int(token[2].(float64))})
	}
	return out, nil
}

func (r *recording) tracker(t testing.TB, i int) *tracker.Tracker {
	t.Helper()
	list, err := value.Decode(r.Conversations[i].Events)
	require.NoError(t, err)
	tr := tracker.NewFactory(r.domain).New("x")
	for _, e := range list.([]any) {
		event, err := tracker.EventFromMap(e.(*value.Map))
		require.NoError(t, err)
		tr.Update(event)
	}
	return tr
}

// TestRecorded: what Rasa's networks predict is predicted.
func TestRecorded(t *testing.T) {
	for _, file := range []string{"testdata/plain.tar.gz", "testdata/e2e.tar.gz"} {
		r := readRecording(t, file)
		for name := range r.Policies {
			t.Run(path.Base(file)+"/"+name, func(t *testing.T) { r.compare(t, name) })
		}
	}
}

func (r *recording) compare(t *testing.T, name string) {
	p := r.load(t, name)
	worst := 0.0
	for i := range r.Conversations {
		want := r.Conversations[i].Predictions[name]
		got, err := p.Predict(context.Background(), r.tracker(t, i))
		require.NoError(t, err)
		require.Len(t, got.Probabilities, len(want.Probabilities))
		for a := range want.Probabilities {
			worst = max(worst, math.Abs(got.Probabilities[a]-want.Probabilities[a]))
		}
		require.Equal(t, want.E2E, got.EndToEnd)
		if diff := cmp.Diff(entities(want.Optional), entities(events(t, got.OptionalEvents)), cmpopts.EquateApprox(0, 2e-6)); diff != "" {
			t.Errorf("conversation %d: entities: %s", i, diff)
		}
		if diff := cmp.Diff(want.Metadata, plain(t, got.Metadata), cmpopts.EquateApprox(0, 2e-6)); diff != "" {
			t.Errorf("conversation %d: metadata: %s", i, diff)
		}
	}
	if worst > 2e-6 {
		t.Errorf("confidences differ by %g", worst)
	}
}

// entities returns those that events add.
func entities(list any) (out []any) {
	events, _ := list.([]any)
	for _, e := range events {
		out = append(out, e.(map[string]any)["entities"])
	}
	return out
}

func events(t *testing.T, list []tracker.Event) (out []any) {
	for _, e := range list {
		out = append(out, plain(t, tracker.AsMap(e)))
	}
	return out
}

func plain(t *testing.T, m *value.Map) any {
	if m == nil {
		return nil
	}
	var out any
	require.NoError(t, json.Unmarshal(value.Encode(m, value.JSON), &out))
	return out
}
