package replay

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"

	"github.com/parleybot/parley/internal/value"
)

// shown bounds how much of a value a difference quotes, in bytes.
const shown = 200

// Difference is the first place where two JSON values are not the same.
type Difference struct {
	// Path leads to the place, What says what is there and what was recorded.
	Path, What string
}

// Error returns "path: want ..., got ...".
func (d *Difference) Error() string { return d.Path + ": " + d.What }

// Differ returns the first difference between two JSON values, nil when there is none. Numbers may differ by tolerance,
// relatively or absolutely; keys may come in any order. path leads to the values.
func Differ(want, got any, path string, tolerance float64) *Difference {
	d := differ{tolerance}
	return d.values(want, got, path)
}

type differ struct{ tolerance float64 }

func (d differ) values(want, got any, path string) *Difference {
	if text, ok := want.(string); ok && strings.Contains(text, "<function ") {
		// Rasa prints a Python function's address there.
		if s, ok := got.(string); ok && s != "" {
			return nil
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
	case int64, *big.Int, float64:
		if d.near(w, got) {
			return nil
		}
	default:
		if value.TypeName(want) == value.TypeName(got) && value.Equal(want, got) {
			return nil
		}
	}
	return &Difference{path, fmt.Sprintf("want %s, got %s", quote(want), quote(got))}
}

func (d differ) near(want, got any) bool {
	switch got.(type) {
	case int64, *big.Int, float64:
	default:
		return false
	}
	a, _ := value.ToFloat(want)
	b, _ := value.ToFloat(got)
	return a == b || math.Abs(a-b) <= math.Max(d.tolerance*math.Max(math.Abs(a), math.Abs(b)), d.tolerance)
}

func (d differ) maps(want, got *value.Map, path string) *Difference {
	keys := slices.Concat(want.Keys(), got.Keys())
	slices.Sort(keys)
	for _, key := range slices.Compact(keys) {
		w, wanted := want.Get(key)
		g, there := got.Get(key)
		at := path + "." + key
		switch {
		case !there:
			return &Difference{at, "missing, want " + quote(w)}
		case !wanted:
			return &Difference{at, "unexpected " + quote(g)}
		}
		if found := d.values(w, g, at); found != nil {
			return found
		}
	}
	return nil
}

func (d differ) lists(want, got []any, path string) *Difference {
	for i := range min(len(want), len(got)) {
		if found := d.values(want[i], got[i], fmt.Sprintf("%s[%d]", path, i)); found != nil {
			return found
		}
	}
	if len(want) == len(got) {
		return nil
	}
	longer := want
	if len(got) > len(want) {
		longer = got
	}
	return &Difference{path, fmt.Sprintf("want %d items, got %d; first extra %s", len(want), len(got), quote(longer[min(len(want), len(got))]))}
}

func quote(v any) string {
	text := string(value.Encode(v, value.Unicode))
	if len(text) > shown {
		return strings.ToValidUTF8(text[:shown], "") + "..."
	}
	return text
}
