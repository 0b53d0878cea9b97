package value

import (
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestEqual(t *testing.T) {
	big63 := new(big.Int).Lsh(big.NewInt(1), 63)
	big64 := new(big.Int).Lsh(big.NewInt(1), 64)
	tests := []struct {
		name string
		a, b any
		want bool
	}{
		{"none", nil, nil, true},
		{"none and false", nil, false, false},
		{"none and empty text", nil, "", false},
		{"int and float", int64(1), 1.0, true},
		{"int and bool", int64(1), true, true},
		{"float and bool", 0.0, false, true},
		{"two and true", int64(2), true, false},
		{"zeros", 0.0, math.Copysign(0, -1), true},
		{"nan", math.NaN(), math.NaN(), false},
		{"text and number", "1", int64(1), false},
		{"text", "a", "a", true},
		{"beyond a float's precision", int64(1<<53 + 1), float64(1 << 53), false},
		{"largest int and its rounding", int64(math.MaxInt64), float64(1 << 63), false},
		{"smallest int", int64(math.MinInt64), -float64(1 << 63), true},
		{"fraction", int64(1), 1.5, false},
		{"big ints", big64, new(big.Int).Set(big64), true},
		{"different big ints", big64, big63, false},
		{"big int and float", big64, float64(1 << 64), true},
		{"big int and infinity", big64, math.Inf(1), false},
		{"big int and int", big63, int64(math.MaxInt64), false},
		{"lists", []any{int64(1), "a"}, []any{true, "a"}, true},
		{"list lengths", []any{int64(1)}, []any{int64(1), int64(2)}, false},
		{"list order", []any{int64(1), int64(2)}, []any{int64(2), int64(1)}, false},
		{"dict order", NewMap("a", int64(1), "b", nil), NewMap("b", nil, "a", 1.0), true},
		{"dict key missing", NewMap("a", nil), NewMap("b", nil), false},
		{"dict sizes", NewMap("a", nil), NewMap("a", nil, "b", nil), false},
		{"list and dict", []any{}, NewMap(), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, Equal(test.a, test.b))
			assert.Equal(t, test.want, Equal(test.b, test.a))
		})
	}
}

func TestTruthy(t *testing.T) {
	for _, v := range []any{true, int64(-1), 0.1, math.NaN(), "0", " ", []any{nil}, NewMap("a", nil), big.NewInt(5)} {
		assert.True(t, Truthy(v), Repr(v))
	}
	for _, v := range []any{nil, false, int64(0), math.Copysign(0, -1), "", []any{}, NewMap(), (*Map)(nil), new(big.Int)} {
		assert.False(t, Truthy(v), Repr(v))
	}
}
