package jsonschema

import (
	"cmp"
	"slices"
)

// relevance orders errors as jsonschema.exceptions.relevance: the nearer to the top of the value the higher, oneOf
// below others, errors of a value that has not even the right type above those of one that has.
type relevance struct{ depth, strong, mistyped int }

func relevanceOf(e *Error) relevance {
	r := relevance{depth: -len(e.path)}
	if e.keyword != "oneOf" {
		r.strong = 1
	}
	if t, ok := e.schema.Get("type"); !ok || !isAny(e.instance, t) {
		r.mistyped = 1
	}
	return r
}

func compare(a, b *Error) int {
	x, y := relevanceOf(a), relevanceOf(b)
	return cmp.Or(cmp.Compare(x.depth, y.depth), cmp.Compare(x.strong, y.strong), cmp.Compare(x.mistyped, y.mistyped))
}

// bestMatch returns the most relevant error and goes down into alternatives as long as one of them stands out; nil when
// there is no error.
func bestMatch(errs []*Error) *Error {
	if len(errs) == 0 {
		return nil
	}
	best := errs[0]
	for _, e := range errs[1:] {
		if compare(e, best) > 0 {
			best = e
		}
	}
	for len(best.alternatives) > 0 {
		sorted := slices.Clone(best.alternatives)
		slices.SortStableFunc(sorted, compare)
		if len(sorted) > 1 && compare(sorted[0], sorted[1]) == 0 {
			return best
		}
		best = sorted[0]
	}
	return best
}
