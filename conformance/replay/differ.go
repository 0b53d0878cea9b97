package replay

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"

	"github.com/parleybot/parley/internal/value"
)

// volatile are the keys whose values differ from run to run.
var volatile = []string{"timestamp", "message_id", "model_id", "latest_event_time", "date_time"}

// scrub returns v without what differs from run to run.
func scrub(v any) any {
	switch v := v.(type) {
	case *value.Map:
		out := &value.Map{}
		for k, x := range v.All() {
			if !slices.Contains(volatile, k) {
				out.Set(k, scrub(x))
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = scrub(v[i])
		}
		return out
	}
	return v
}

// Difference is the first place where an answer is not what was recorded.
type Difference struct {
	// Path leads to the place, Want and Got are shortened JSON, or words.
	Path, Want, Got string
}

// Error returns "path: want ..., got ...".
func (d *Difference) Error() string { return fmt.Sprintf("%s: want %s, got %s", d.Path, d.Want, d.Got) }

// Differ returns the first difference between two JSON values, nil when there is none. Numbers may differ by tolerance.
func Differ(want, got any, path string, tolerance float64) *Difference {
	c := comparison{tolerance}
	return c.values(want, got, path)
}

type comparison struct{ tolerance float64 }

func (c comparison) values(want, got any, path string) *Difference {
	switch w := want.(type) {
	case string:
		g, ok := got.(string)
		// Rasa prints the address of a Python function in one message.
		if ok && (w == g || g != "" && strings.Contains(w, "<function ")) {
			return nil
		}
	case nil:
		if got == nil {
			return nil
		}
	case bool:
		if g, ok := got.(bool); ok && g == w {
			return nil
		}
	case int64, float64, *big.Int:
		if c.near(want, got) {
			return nil
		}
	case *value.Map:
		if g, ok := got.(*value.Map); ok {
			return c.maps(w, g, path)
		}
	case []any:
		if g, ok := got.([]any); ok {
			return c.lists(w, g, path)
		}
	}
	return &Difference{path, short(want), short(got)}
}

func (c comparison) near(want, got any) bool {
	if _, isBool := got.(bool); isBool {
		return false
	}
	if _, isText := got.(string); isText {
		return false
	}
	w, _ := value.ToFloat(want)
	g, ok := value.ToFloat(got)
	return ok && (w == g || math.Abs(w-g) <= c.tolerance*max(1, math.Abs(w), math.Abs(g)))
}

func (c comparison) maps(want, got *value.Map, path string) *Difference {
	for k, w := range want.All() {
		g, ok := got.Get(k)
		if !ok {
			return &Difference{path + "." + k, short(w), "nothing"}
		}
		if d := c.values(w, g, path+"."+k); d != nil {
			return d
		}
	}
	for k, g := range got.All() {
		if !want.Has(k) {
			return &Difference{path + "." + k, "nothing", short(g)}
		}
	}
	return nil
}

func (c comparison) lists(want, got []any, path string) *Difference {
	for i := range min(len(want), len(got)) {
		if d := c.values(want[i], got[i], fmt.Sprintf("%s[%d]", path, i)); d != nil {
			return d
		}
	}
	switch n := len(got); {
	case len(want) > n:
		return &Difference{fmt.Sprintf("%s[%d]", path, n), short(want[n]), "nothing"}
	case len(want) < n:
		return &Difference{fmt.Sprintf("%s[%d]", path, len(want)), "nothing", short(got[len(want)])}
	}
	return nil
}

func short(v any) string {
	const most = 200
	text := string(value.Encode(v, value.SortKeys))
	if len(text) > most {
		return text[:most] + "..."
	}
	return text
}
