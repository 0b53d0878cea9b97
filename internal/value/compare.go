package value

import (
	"math"
	"math/big"
)

// Truthy returns Python's bool(v): false for None, False, zero and everything empty.
func Truthy(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case float64:
		return v != 0
	case *big.Int:
		return v.Sign() != 0
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case *Map:
		return v.Len() > 0
	}
	return true
}

// Equal returns Python's a == b: numbers by value whatever their type (True is 1), lists item by item, dictionaries
// without regard to order. NaN equals nothing.
func Equal(a, b any) bool {
	switch a := a.(type) {
	case nil:
		return b == nil
	case string:
		b, ok := b.(string)
		return ok && a == b
	case []any:
		b, ok := b.([]any)
		return ok && equalLists(a, b)
	case *Map:
		b, ok := b.(*Map)
		return ok && equalMaps(a, b)
	}
	return equalNumbers(a, b)
}

func equalLists(a, b []any) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

func equalMaps(a, b *Map) bool {
	if a.Len() != b.Len() {
		return false
	}
	for key, v := range a.All() {
		if other, ok := b.Get(key); !ok || !Equal(v, other) {
			return false
		}
	}
	return true
}

func equalNumbers(a, b any) bool {
	if m, ok := asInt(a); ok {
		if n, ok := asInt(b); ok {
			return m == n
		}
		f, ok := b.(float64)
		return ok && intEqualsFloat(m, f)
	}
	switch a := a.(type) {
	case float64:
		if f, ok := b.(float64); ok {
			return a == f
		}
		if n, ok := b.(*big.Int); ok {
			return bigEqualsFloat(n, a)
		}
		n, ok := asInt(b)
		return ok && intEqualsFloat(n, a)
	case *big.Int:
		if n, ok := b.(*big.Int); ok {
			return a.Cmp(n) == 0
		}
		f, ok := b.(float64)
		return ok && bigEqualsFloat(a, f)
	}
	return false
}

// asInt returns the value of a bool or int64.
func asInt(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

// intEqualsFloat compares without rounding, as Python does.
func intEqualsFloat(n int64, f float64) bool {
	const limit = 1 << 63
	return f >= -limit && f < limit && int64(f) == n && f == math.Trunc(f)
}

func bigEqualsFloat(n *big.Int, f float64) bool {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return false
	}
	exact, accuracy := new(big.Float).SetFloat64(f).Int(nil)
	return accuracy == big.Exact && exact.Cmp(n) == 0
}

// CanonicalKey returns a text that is the same for equal documents whatever the order of their keys:
// json.dumps(v, sort_keys=True). As in Python, 1, 1.0 and True give different texts.
func CanonicalKey(v any) string { return string(Encode(v, SortKeys)) }
