package compat

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/parleybot/parley/internal/value"
)

// shown bounds how much of a value a difference quotes, in bytes.
const shown = 200

// Difference returns the first difference between two JSON values as "path: want ..., got ...", or "" when there is
// none. Numbers may differ by tolerance, relatively or absolutely; keys may come in any order.
func Difference(want, got any, tolerance float64) string {
	d := differ{tolerance}
	return d.values(want, got, "")
}

type differ struct{ tolerance float64 }

func (d differ) values(want, got any, path string) string {
	if text, ok := want.(string); ok && strings.Contains(text, "<function ") {
		// Rasa prints a Python function's address there.
		if s, ok := got.(string); ok && s != "" {
			return ""
		}
	}
	switch w := want.(type) {
	case *value.Map:
		if g, ok := got.(*value.Map); ok {
			return d.maps(w, g, path)
		}
	case []any:
		if g, ok := got.([]any); ok {
			return d.lists(w, g, path)
		}
	case int64, float64:
		if d.near(w, got) {
			return ""
		}
	default:
		if value.TypeName(want) == value.TypeName(got) && value.Equal(want, got) {
			return ""
		}
	}
	return fmt.Sprintf("%s: want %s, got %s", path, quote(want), quote(got))
}

func (d differ) near(want, got any) bool {
	switch got.(type) {
	case int64, float64:
	default:
		return false
	}
	a, _ := value.ToFloat(want)
	b, _ := value.ToFloat(got)
	return a == b || math.Abs(a-b) <= math.Max(d.tolerance*math.Max(math.Abs(a), math.Abs(b)), d.tolerance)
}

func (d differ) maps(want, got *value.Map, path string) string {
	keys := slices.Concat(want.Keys(), got.Keys())
	slices.Sort(keys)
	for _, key := range slices.Compact(keys) {
		w, wanted := want.Get(key)
		g, there := got.Get(key)
		at := path + "." + key
		switch {
		case !there:
			return fmt.Sprintf("%s: missing, want %s", at, quote(w))
		case !wanted:
			return fmt.Sprintf("%s: unexpected %s", at, quote(g))
		}
		if found := d.values(w, g, at); found != "" {
			return found
		}
	}
	return ""
}

func (d differ) lists(want, got []any, path string) string {
	for i := range min(len(want), len(got)) {
		if found := d.values(want[i], got[i], fmt.Sprintf("%s[%d]", path, i)); found != "" {
			return found
		}
	}
	if len(want) == len(got) {
		return ""
	}
	longer := want
	if len(got) > len(want) {
		longer = got
	}
	return fmt.Sprintf("%s: want %d items, got %d; first extra %s", path, len(want), len(got), quote(longer[min(len(want), len(got))]))
}

func quote(v any) string {
	text := string(value.Encode(v, value.Unicode))
	if len(text) > shown {
		return strings.ToValidUTF8(text[:shown], "") + "..."
	}
	return text
}
