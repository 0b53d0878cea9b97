package report

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/internal/evaluate"
	"github.com/parleybot/parley/internal/value"
)

func entity(start, end int64, kind, extractor string) *value.Map {
	m := value.NewMap("start", start, "end", end, "entity", kind)
	if extractor != "" {
		m.Set("extractor", extractor)
	}
	return m
}

func TestMarked(t *testing.T) {
	show := func(list []segment) string {
		var b strings.Builder
		for _, s := range list {
			if s.Label == "" {
				b.WriteString(s.Text)
			} else {
				b.WriteString("<" + s.Class + " " + s.Label + ":" + s.Text + ">")
			}
		}
		return b.String()
	}
	for _, c := range []struct {
		name               string
		text               string
		targets, predicted []any
		several            bool
		wrong              bool
		want               []string
	}{
		{"right", "to Bath", []any{entity(3, 7, "city", "")}, []any{entity(3, 7, "city", "D")}, false, false,
			[]string{"to <ok city:Bath>", "predicted: to <ok city:Bath>"}},
		{"missed and too much", "é🚲 to Bath", []any{entity(6, 10, "city", "")}, []any{entity(0, 2, "x", "D")}, false, true,
			[]string{"é🚲 to <missed city:Bath>", "predicted: <extra x:é🚲> to Bath"}},
		{"another role", "Bath", []any{entity(0, 4, "city", "").Set("role", "to")}, []any{entity(0, 4, "city", "D")}, false, true,
			[]string{"<missed city · to:Bath>", "predicted: <extra city:Bath>"}},
		{"several extractors", "a b", []any{entity(0, 1, "x", "")}, []any{entity(0, 1, "x", "R"), entity(2, 3, "y", "D")}, true, true,
			[]string{"<ok x:a> b", "D: a <extra y:b>", "R: <ok x:a> b"}},
		{"one inside of another", "abc", []any{entity(0, 3, "x", ""), entity(1, 2, "y", "")}, nil, true, true,
			[]string{"<missed x:abc><missed y:b>", "predicted: abc"}},
		{"beyond the end", "ab", nil, []any{entity(1, 9, "x", "D")}, false, true, []string{"ab", "predicted: a<extra x:b>"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, wrong := marked(evaluate.EntityResult{Text: c.text, Targets: c.targets, Predictions: c.predicted}, c.several)
			got := []string{show(e.Expected)}
			for _, u := range e.Predicted {
				got = append(got, u.By+": "+show(u.Segments))
			}
			require.Equal(t, c.want, got)
			require.Equal(t, c.wrong, wrong)
		})
	}
}

// TestPageEscapes: whatever users write stays text.
func TestPageEscapes(t *testing.T) {
	dir := t.TempDir()
	r, err := New(Options{Dir: filepath.Join(dir, "results"), Errors: true, Title: "<i>t</i>", Plots: true})
	require.NoError(t, err)
	const text = `<script>alert("1")</script> مرحبا`
	require.NoError(t, r.NLU(evaluate.Results{
		Intents:  []evaluate.Prediction{{Text: text, Target: "a", Label: "<b>", Confidence: 0.5}, {Text: "x", Target: "b", Label: "b", Confidence: nil}},
		Entities: []evaluate.EntityResult{{Text: text, Targets: []any{entity(0, 8, "<x>", "")}, Tokens: []evaluate.Token{{Start: 0, End: 8}}}},
	}))
	require.NoError(t, r.Finish())
	data, err := os.ReadFile(r.path(PageFile))
	require.NoError(t, err)
	require.NotContains(t, string(data), "<script>alert")
	require.NotContains(t, string(data), "<i>t</i>")
	require.Contains(t, string(data), "&lt;script&gt;alert")
	require.Contains(t, string(data), "مرحبا")
	require.FileExists(t, r.path("intent_histogram.png"))
	require.Contains(t, r.Text(), "accuracy 0.500")
}

func TestNothingEvaluated(t *testing.T) {
	r, err := New(Options{Dir: t.TempDir()})
	require.NoError(t, err)
	require.NoError(t, r.NLU(evaluate.Results{}))
	require.Empty(t, r.Text())
	require.NoError(t, r.Finish())
	data, err := os.ReadFile(r.path(PageFile))
	require.NoError(t, err)
	require.Contains(t, string(data), "Nothing was evaluated")
	_, err = New(Options{Dir: r.path(PageFile)})
	require.ErrorContains(t, err, "creating the folder for the results")
}
