package value

import (
	"encoding/json"
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestFromGo(t *testing.T) {
	type name string
	text := "x"
	tests := []struct {
		name string
		in   any
		want string
	}{
		{"nil", nil, "None"},
		{"ints", []any{int(1), int8(2), uint16(3), uint64(math.MaxUint64)}, "[1, 2, 3, 18446744073709551615]"},
		{"float32", float32(0.5), "0.5"},
		{"json numbers", []json.Number{"1", "1.0", "x"}, "[1, 1.0, 'x']"},
		{"map is sorted", map[string]any{"b": []string{"x"}, "a": map[string]int{"n": 1}}, "{'a': {'n': 1}, 'b': ['x']}"},
		{"numbers as keys", map[int]bool{2: true, 1: false}, "{'1': False, '2': True}"},
		{"named text", name("n"), "'n'"},
		{"bytes", []byte("abc"), "'abc'"},
		{"raw bytes", json.RawMessage("{}"), "'{}'"},
		{"array", [2]int{1, 2}, "[1, 2]"},
		{"pointers", []*string{&text, nil}, "['x', None]"},
		{"values inside a Map", NewMap("z", 1, "a", []int{2}), "{'z': 1, 'a': [2]}"},
		{"small big int", big.NewInt(3), "3"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, Repr(FromGo(test.in)))
		})
	}
	assert.IsType(t, int64(0), FromGo(big.NewInt(3)))
}

func TestToFloat(t *testing.T) {
	for _, test := range []struct {
		in   any
		want float64
	}{{int64(3), 3}, {2.5, 2.5}, {true, 1}, {false, 0}, {" 1_0.5 ", 10.5}, {new(big.Int).Lsh(big.NewInt(1), 70), 1 << 70}} {
		got, ok := ToFloat(test.in)
		assert.True(t, ok)
		assert.Equal(t, test.want, got)
	}
	for _, in := range []any{nil, "x", "", []any{}, NewMap(), new(big.Int).Lsh(big.NewInt(1), 2000)} {
		_, ok := ToFloat(in)
		assert.False(t, ok, TypeName(in))
	}
}
