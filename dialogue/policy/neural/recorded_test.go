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
	require.NoError(t, p.(policy.RasaLoader).LoadRasa(r.domain, r.files[name]))
	p.Connect(state.NewHistory(state.NewFeaturizer(r.domain), state.RuleOnly{}, p.Window()))
	return p
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
	for _, file := range []string{"testdata/plain.tar.gz"} {
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
		if diff := cmp.Diff(want.Metadata, plain(t, got.Metadata), cmpopts.EquateApprox(0, 2e-6)); diff != "" {
			t.Errorf("conversation %d: metadata: %s", i, diff)
		}
	}
	t.Logf("worst %g", worst)
	if worst > 2e-6 {
		t.Errorf("confidences differ by %g", worst)
	}
}

func plain(t *testing.T, m *value.Map) any {
	if m == nil {
		return nil
	}
	var out any
	require.NoError(t, json.Unmarshal(value.Encode(m, value.JSON), &out))
	return out
}
