package evaluate

import (
	"cmp"
	"maps"
	"slices"

	"github.com/parleybot/parley/internal/value"
)

// annotated is an entity with the text of its message.
type annotated struct {
	text       string
	start, end int64
	// key is equal for equal entities, label how reports call them.
	key, label string
}

// annotations describes cleaned entities.
func annotations(text string, entities []any) []annotated {
	out := make([]annotated, 0, len(entities))
	runes := []rune(text)
	for _, item := range entities {
		e, ok := item.(*value.Map)
		if !ok {
			continue
		}
		b := bounds(e)
		end := min(max(b.End, 0), int64(len(runes)))
		covered := string(runes[min(max(b.Start, 0), end):end])
		out = append(out, annotated{text, b.Start, b.End, value.CanonicalKey(e), markup(covered, e.Value("entity"), e.Value("value"))})
	}
	return out
}

// differ reports whether the lists hold different entities, whatever their order and number.
func differ(a, b []annotated) bool {
	keys := func(list []annotated) map[string]bool {
		out := map[string]bool{}
		for _, e := range list {
			out[e.key] = true
		}
		return out
	}
	return !maps.Equal(keys(a), keys(b))
}

// markup writes an entity as training data does.
func markup(covered string, kind, v any) string {
	if v == nil || value.Truthy(v) && value.Equal(v, covered) {
		return "[" + covered + "](" + value.Str(kind) + ")"
	}
	return "[" + covered + "]" + string(value.Encode(value.NewMap("entity", kind, "value", v), value.JSON))
}

// align pairs the entities of each message by their place; what has no partner is paired with "None"
// (EvaluationStore.serialise).
func align(targets, predictions []annotated) (alignedTargets, alignedPredictions []string) {
	texts := map[string]bool{}
	for _, e := range slices.Concat(targets, predictions) {
		// Entities of a step without a message have no place to be paired by.
		if e.text != "" {
			texts[e.text] = true
		}
	}
	for _, text := range slices.Sorted(maps.Keys(texts)) {
		wanted, found := of(targets, text), of(predictions, text)
		for len(wanted) > 0 || len(found) > 0 {
			target, predicted := "None", "None"
			order := compare(wanted, found)
			if order <= 0 {
				target, wanted = wanted[0].label, wanted[1:]
			}
			if order >= 0 {
				predicted, found = found[0].label, found[1:]
			}
			alignedTargets, alignedPredictions = append(alignedTargets, target), append(alignedPredictions, predicted)
		}
	}
	return alignedTargets, alignedPredictions
}

// of returns the entities of one text, by their beginning.
func of(list []annotated, text string) []annotated {
	var out []annotated
	for _, e := range list {
		if e.text == text {
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, func(a, b annotated) int { return cmp.Compare(a.start, b.start) })
	return out
}

// compare tells which list has the first entity: negative when it is wanted, positive when it is found.
func compare(wanted, found []annotated) int {
	switch {
	case len(wanted) == 0:
		return 1
	case len(found) == 0:
		return -1
	}
	return cmp.Or(cmp.Compare(wanted[0].start, found[0].start), cmp.Compare(wanted[0].end, found[0].end))
}
