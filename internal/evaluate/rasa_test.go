package evaluate_test

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/dialogue"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/evaluate"
	"github.com/parleybot/parley/internal/evaluate/report"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// recorded is testdata/rasa.json: what Rasa makes of the predictions in testdata/script.json (testdata/record.py).
type recorded struct {
	Stories  map[string]any
	Entities struct {
		Files       map[string]any
		Confidences []float64
	}
}

func readRecorded(t *testing.T) (recorded, *value.Map) {
	t.Helper()
	data, err := os.ReadFile("testdata/rasa.json")
	require.NoError(t, err)
	var r recorded
	require.NoError(t, json.Unmarshal(data, &r))
	data, err = os.ReadFile("testdata/script.json")
	require.NoError(t, err)
	script, err := value.Decode(data)
	require.NoError(t, err)
	return r, script.(*value.Map)
}

// scripted answers what script.json says, story by story.
type scripted struct {
	script *value.Map
	next   map[string]int
}

func (s *scripted) Parse(_ context.Context, text string) (*value.Map, error) {
	return s.script.Map("parse").Map(text), nil
}

func (s *scripted) PredictWithTracker(_ context.Context, sender string, _ []tracker.Event, _ tracker.Verbosity) (*dialogue.NextAction, error) {
	a, _ := s.script.Map("actions").List(sender)[s.next[sender]].(*value.Map)
	s.next[sender]++
	next := &dialogue.NextAction{Scores: []dialogue.ActionScore{{Action: "action_listen"}, {Action: a.String("name"), Score: 1}},
		Policy: "MemoizationPolicy", Confidence: 1}
	if a.Has("entities") {
		next.Events = []tracker.Event{&tracker.EntitiesAdded{Entities: a.List("entities")}}
	}
	if a.Has("severity") {
		next.Metadata = value.NewMap("query_intent", value.NewMap("severity", a.Value("severity")))
	}
	return next, nil
}

// TestStoriesAsRasa plays stories with warnings, entities of a policy, end-to-end texts and response selectors.
func TestStoriesAsRasa(t *testing.T) {
	want, script := readRecorded(t)
	d, problems := project.LoadDomain("testdata/domain.yml")
	require.NoError(t, problems.Err())
	_, tests, problems := project.LoadStories([]string{"testdata/test_stories.yml"}, d)
	require.NoError(t, problems.Err())
	m := dialogue.NewModel(dialogue.ModelSpec{Domain: d})
	played, err := evaluate.Stories(t.Context(), &scripted{script, map[string]int{}}, m, tests, evaluate.StoryOptions{EndToEnd: true})
	require.NoError(t, err)
	for i := range played {
		played[i].File = filepath.Base(played[i].File)
	}
	dir := t.TempDir()
	out, err := report.New(report.Options{Dir: dir, Successes: true, Errors: true, Warnings: true})
	require.NoError(t, err)
	require.NoError(t, out.Stories(played))
	require.NoError(t, out.Finish())
	compareFiles(t, want.Stories, dir)
}

func TestEntitiesAsRasa(t *testing.T) {
	want, script := readRecorded(t)
	var list []evaluate.EntityResult
	for _, item := range script.List("messages") {
		m := item.(*value.Map)
		r := evaluate.EntityResult{Text: m.Value("text"), Targets: m.List("entities"), Predictions: m.List("predicted")}
		for _, token := range m.List("tokens") {
			pair := token.([]any)
			r.Tokens = append(r.Tokens, evaluate.Token{Start: pair[0].(int64), End: pair[1].(int64)})
		}
		list = append(list, r)
	}
	dir := t.TempDir()
	out, err := report.New(report.Options{Dir: dir, Successes: true, Errors: true})
	require.NoError(t, err)
	require.NoError(t, out.NLU(evaluate.Results{Entities: list}))
	require.NoError(t, out.Finish())
	compareFiles(t, want.Entities.Files, dir)
	all, err := evaluate.Entities(list, []string{"DIETClassifier"})
	require.NoError(t, err)
	sum := 0.0
	for _, c := range append(all[0].Right, all[0].Wrong...) {
		sum += c
	}
	for _, c := range want.Entities.Confidences {
		sum -= c
	}
	require.InDelta(t, 0, sum, 1e-9, "confidences")
	spans := evaluate.Spans(list)
	require.Equal(t, evaluate.SpanScore{Correct: 2, Predicted: 7, Expected: 3}, spans.All)
	require.Equal(t, evaluate.SpanScore{Correct: 1, Predicted: 2, Expected: 2}, spans.Types["city"])
	require.Equal(t, evaluate.SpanScore{Correct: 2, Predicted: 7, Expected: 3}, spans.Labels)
}

func TestOverlap(t *testing.T) {
	entity := func(start, end int64, kind string) *value.Map {
		return value.NewMap("start", start, "end", end, "entity", kind, "value", "x", "extractor", "DIETClassifier")
	}
	list := []evaluate.EntityResult{{Text: "ab cd", Predictions: []any{entity(0, 4, "a"), entity(3, 5, "b")}}}
	_, err := evaluate.Entities(list, evaluate.Extractors(list))
	require.ErrorIs(t, err, evaluate.ErrOverlap)
}

// compareFiles compares the files that Rasa wrote with those in dir; others in dir must be parley's own.
func compareFiles(t *testing.T, want map[string]any, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		if _, ok := want[e.Name()]; !ok && e.Name() != report.PageFile && !strings.HasPrefix(e.Name(), "parley_") {
			t.Errorf("%s: Rasa writes no such file", e.Name())
		}
	}
	near := cmp.Comparer(func(x, y float64) bool { return math.Abs(x-y) <= 1e-6 })
	for name, content := range want {
		data, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		var got any = string(data)
		if filepath.Ext(name) == ".json" {
			require.NoError(t, json.Unmarshal(data, &got))
		}
		if diff := cmp.Diff(content, got, near); diff != "" {
			t.Errorf("%s (-Rasa +parley):\n%s", name, diff)
		}
	}
}
