package evaluate

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// TestCompare has the numbers of scikit-learn 1.1.3.
func TestCompare(t *testing.T) {
	cases := []struct {
		name                 string
		targets, predictions []string
		exclude              string
		want                 string
	}{
		{"all right", []string{"a", "b"}, []string{"a", "b"}, "",
			`{"a":{"precision":1.0,"recall":1.0,"f1-score":1.0,"support":1},"b":{"precision":1.0,"recall":1.0,"f1-score":1.0,"support":1},` +
				`"micro avg":{"precision":1.0,"recall":1.0,"f1-score":1.0,"support":2},"macro avg":{"precision":1.0,"recall":1.0,"f1-score":1.0,"support":2},` +
				`"weighted avg":{"precision":1.0,"recall":1.0,"f1-score":1.0,"support":2},"accuracy":1.0}`},
		{"a label only predicted", []string{"a", "a", "a"}, []string{"a", "a", "x"}, "",
			`{"a":{"precision":1.0,"recall":0.6666666666666666,"f1-score":0.8,"support":3},` +
				`"micro avg":{"precision":1.0,"recall":0.6666666666666666,"f1-score":0.8,"support":3},` +
				`"macro avg":{"precision":1.0,"recall":0.6666666666666666,"f1-score":0.8,"support":3},` +
				`"weighted avg":{"precision":1.0,"recall":0.6666666666666666,"f1-score":0.8000000000000002,"support":3},"accuracy":0.6666666666666666}`},
		{"nothing to compare", nil, nil, "", `{}`},
		{"only the excluded label", []string{"no"}, []string{"no"}, "no", `{}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := Compare(c.targets, c.predictions, c.exclude)
			require.Equal(t, c.want, string(value.Encode(got.Report, value.Compact)))
		})
	}
}

func TestConfusions(t *testing.T) {
	targets := []string{"a", "a", "a", "b", "no"}
	predictions := []string{"b", "b", "c", "b", "a"}
	m := Compare(targets, predictions, "no")
	m.addConfusions(Confusion(targets, predictions), "no")
	require.Equal(t, `{"b":2,"c":1}`, string(value.Encode(m.Report.Map("a").Map("confused_with"), value.Compact)))
	require.Equal(t, `{}`, string(value.Encode(m.Report.Map("b").Map("confused_with"), value.Compact)))
	require.False(t, m.Report.Has("no"))
}

func TestAlign(t *testing.T) {
	at := func(text string, start, end int64, kind, v string) annotated {
		return annotations(text, []any{value.NewMap("start", start, "end", end, "entity", kind, "value", v)})[0]
	}
	targets := []annotated{at("to Rome now", 3, 7, "city", "Rome"), at("b", 0, 1, "x", "b")}
	predictions := []annotated{at("to Rome now", 3, 7, "city", "ROM"), at("to Rome now", 8, 11, "time", "now")}
	wanted, found := align(targets, predictions)
	require.Equal(t, []string{"[b](x)", "[Rome](city)", "None"}, wanted)
	require.Equal(t, []string{"None", `[Rome]{"entity": "city", "value": "ROM"}`, "[now](time)"}, found)
}

func TestStratify(t *testing.T) {
	var examples []project.Example
	for i := range 20 {
		examples = append(examples, project.Example{Intent: string(rune('a' + i%2))})
	}
	fold, err := stratify(examples, 5, func() float64 { return 0.5 })
	require.NoError(t, err)
	seen := map[string]int{}
	for i, f := range fold {
		seen[examples[i].Intent+string(rune('0'+f))]++
	}
	for key, n := range seen {
		require.Equal(t, 2, n, key)
	}
	_, err = stratify(examples, 1, nil)
	require.ErrorContains(t, err, "n_splits=1")
	_, err = stratify(examples, 11, nil)
	require.ErrorContains(t, err, "n_splits=11 cannot be greater")
}

// table understands what is in it.
type table map[string]*value.Map

func (p table) Parse(_ context.Context, text string) (*value.Map, error) {
	if m := p[text]; m != nil {
		return m, nil
	}
	return value.NewMap("text", text, "intent", value.NewMap("name", nil, "confidence", 0.0), "entities", []any{},
		"text_tokens", []any{[]any{int64(0), int64(len(text))}}), nil
}

func TestNLU(t *testing.T) {
	city := value.NewMap("start", int64(3), "end", int64(7), "entity", "city", "value", "Rome", "extractor", "X")
	p := table{
		"hi": value.NewMap("text", "hi", "intent", value.NewMap("name", "nlu_fallback", "confidence", 0.3), "intent_ranking", []any{
			value.NewMap("name", "nlu_fallback", "confidence", 0.3), value.NewMap("name", "greet", "confidence", 0.2)}),
		"to Rome": value.NewMap("text", "to Rome", "intent", value.NewMap("name", "go", "confidence", 0.9), "entities", []any{city},
			"text_tokens", []any{[]any{int64(0), int64(2)}, []any{int64(3), int64(7)}}),
	}
	got, err := NLU(t.Context(), p, []project.Example{
		{Text: "hi", Intent: "greet"}, {Text: "what", Intent: "go"},
		{Text: "to Rome", Intent: "go", Entities: []project.EntityAnnotation{{Start: 3, End: 7, Entity: "city", Value: "Rome"}}},
	})
	require.NoError(t, err)
	intents := got.Map("intent_evaluation")
	require.Equal(t, 2.0/3, intents.Value("accuracy"))
	require.Len(t, intents.List("errors"), 1)
	require.Equal(t, 1.0, got.Map("entity_evaluation").Map("X").Value("accuracy"))
	require.Nil(t, got.Value("response_selection_evaluation"))
}
