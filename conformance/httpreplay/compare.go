package httpreplay

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/parleybot/parley/internal/value"
)

// Difference is one place where two answers are not the same.
type Difference struct {
	// Where is the path to it, such as response.body.events[3].name.
	Where     string
	Want, Got any
}

// String returns "where: want | got".
func (d Difference) String() string {
	return fmt.Sprintf("%s: %.300s | %.300s", d.Where, value.Encode(d.Want, value.Unicode), value.Encode(d.Got, value.Unicode))
}

// missing stands for what one side does not have.
const missing = "<missing>"

// compare finds the differences. Numbers are equal by value, the order of keys does not count, "allow" is a set, the
// errors of a cross validation come in any order, and of texts about events that do not fit the schema only the
// beginning counts.
func compare(where string, want, got any) []Difference {
	switch w := want.(type) {
	case *value.Map:
		if g, ok := got.(*value.Map); ok {
			return compareMaps(where, w, g)
		}
	case []any:
		if g, ok := got.([]any); ok {
			return compareLists(where, w, g)
		}
	case string:
		if g, ok := got.(string); ok && sameText(where, w, g) {
			return nil
		}
	}
	_, wantBool := want.(bool)
	_, gotBool := got.(bool)
	if wantBool == gotBool && value.Equal(want, got) {
		return nil
	}
	return []Difference{{where, want, got}}
}

func compareMaps(where string, want, got *value.Map) []Difference {
	var out []Difference
	for k, w := range want.All() {
		if g, ok := got.Get(k); ok {
			out = append(out, compare(where+"."+k, w, g)...)
		} else {
			out = append(out, Difference{where + "." + k, w, missing})
		}
	}
	for k, g := range got.All() {
		if !want.Has(k) {
			out = append(out, Difference{where + "." + k, missing, g})
		}
	}
	return out
}

func compareLists(where string, want, got []any) []Difference {
	if strings.HasSuffix(where, ".errors") {
		want, got = sorted(want), sorted(got)
	}
	var out []Difference
	if len(want) != len(got) {
		out = append(out, Difference{where + ".length", int64(len(want)), int64(len(got))})
	}
	for i := range min(len(want), len(got)) {
		out = append(out, compare(fmt.Sprintf("%s[%d]", where, i), want[i], got[i])...)
	}
	return out
}

func sorted(list []any) []any {
	return slices.SortedFunc(slices.Values(list), func(a, b any) int { return strings.Compare(value.CanonicalKey(a), value.CanonicalKey(b)) })
}

func sameText(where, want, got string) bool {
	switch {
	case strings.HasSuffix(where, ".allow"):
		return maps.Equal(setOf(want), setOf(got))
	case strings.HasSuffix(where, ".message") && strings.HasPrefix(want, "Failed to validate the events format"):
		beginning, _, _ := strings.Cut(want, "Error:")
		return strings.HasPrefix(got, beginning+"Error:")
	}
	return want == got
}

func setOf(s string) map[string]bool {
	set := map[string]bool{}
	for item := range strings.SplitSeq(s, ", ") {
		set[item] = true
	}
	return set
}
