package evaluate

import (
	"maps"
	"slices"

	"github.com/parleybot/parley/internal/value"
)

// SpanScores are the scores of entities as wholes, which Rasa does not have: one counts as found when its start, its end and
// its type are exactly those expected, whichever extractor found it and however often.
type SpanScores struct {
	// Types has a row for each entity type, by name.
	Types map[string]SpanScore
	// All counts the entities of all types (micro average).
	All SpanScore
	// Labels is All with role and group compared, too.
	Labels SpanScore
}

// SpanScore counts entities.
type SpanScore struct {
	Correct, Predicted, Expected int
}

// Precision is the share of the predicted entities that are right, 0 when none was predicted.
func (s SpanScore) Precision() float64 { return s.counts().precision() }

// Recall is the share of the expected entities that were found, 0 when none was expected.
func (s SpanScore) Recall() float64 { return s.counts().recall() }

// F1 is the harmonic mean of both, 0 when both are.
func (s SpanScore) F1() float64 { return s.counts().f1() }

func (s SpanScore) counts() counts { return counts{s.Correct, s.Predicted, s.Expected} }

// AsMap is the score as parley_entity_spans.json has it.
func (s SpanScore) AsMap() *value.Map {
	return value.NewMap("precision", s.Precision(), "recall", s.Recall(), "f1-score", s.F1(),
		"correct", int64(s.Correct), "predicted", int64(s.Predicted), "support", int64(s.Expected))
}

// spanKey is what must be equal.
type spanKey struct {
	start, end int64
	label      string
}

// Spans compares the entities of all messages.
func Spans(list []EntityResult) SpanScores {
	out := SpanScores{Types: map[string]SpanScore{}}
	for _, r := range list {
		wanted, found := spansOf(r.Targets, typeOf), spansOf(r.Predictions, typeOf)
		for k := range wanted {
			score := out.Types[k.label]
			score.Expected++
			if found[k] {
				score.Correct++
			}
			out.Types[k.label] = score
		}
		for k := range found {
			score := out.Types[k.label]
			score.Predicted++
			out.Types[k.label] = score
		}
		wanted, found = spansOf(r.Targets, labelOf), spansOf(r.Predictions, labelOf)
		out.Labels.Expected += len(wanted)
		out.Labels.Predicted += len(found)
		for k := range wanted {
			if found[k] {
				out.Labels.Correct++
			}
		}
	}
	for _, score := range out.Types {
		out.All.Correct += score.Correct
		out.All.Predicted += score.Predicted
		out.All.Expected += score.Expected
	}
	return out
}

func typeOf(e *value.Map) string { return value.Str(e.Value("entity")) }

func spansOf(entities []any, label func(*value.Map) string) map[spanKey]bool {
	out := map[spanKey]bool{}
	for _, item := range entities {
		if e, ok := item.(*value.Map); ok {
			b := bounds(e)
			out[spanKey{b.Start, b.End, label(e)}] = true
		}
	}
	return out
}

// AsMap is the content of parley_entity_spans.json.
func (s SpanScores) AsMap() *value.Map {
	types := &value.Map{}
	for _, name := range slices.Sorted(maps.Keys(s.Types)) {
		types.Set(name, s.Types[name].AsMap())
	}
	return value.NewMap("micro avg", s.All.AsMap(), "with roles and groups", s.Labels.AsMap(), "types", types)
}
