package value

import (
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestStrAndRepr(t *testing.T) {
	tests := []struct {
		name      string
		v         any
		str, repr string
	}{
		{"none", nil, "None", "None"},
		{"true", true, "True", "True"},
		{"false", false, "False", "False"},
		{"int", int64(-42), "-42", "-42"},
		{"big int", new(big.Int).Exp(big.NewInt(10), big.NewInt(20), nil), "100000000000000000000", "100000000000000000000"},
		{"whole float", 3.0, "3.0", "3.0"},
		{"negative zero", math.Copysign(0, -1), "-0.0", "-0.0"},
		{"shortest float", 0.30000000000000004, "0.30000000000000004", "0.30000000000000004"},
		{"largest without exponent", 9999999999999998.0, "9999999999999998.0", "9999999999999998.0"},
		{"smallest with exponent", 1e16, "1e+16", "1e+16"},
		{"small without exponent", 0.0001, "0.0001", "0.0001"},
		{"small with exponent", 0.00001, "1e-05", "1e-05"},
		{"nan", math.NaN(), "nan", "nan"},
		{"infinities", []any{math.Inf(1), math.Inf(-1)}, "[inf, -inf]", "[inf, -inf]"},
		{"text", "it's", "it's", `"it's"`},
		{"both quotes", `it's "so"`, `it's "so"`, `'it\'s "so"'`},
		{"double quotes", `"so"`, `"so"`, `'"so"'`},
		{"escapes", "a\\b\n\r\t\x00\x7f", "a\\b\n\r\t\x00\x7f", `'a\\b\n\r\t\x00\x7f'`},
		{"not printable", "é\u00a0\u00ad\u200b\ue000\U000e0001", "é\u00a0\u00ad\u200b\ue000\U000e0001", `'é\xa0\xad\u200b\ue000\U000e0001'`},
		{"newer than Python", "😀\U0001fae0", "😀\U0001fae0", `'😀\U0001fae0'`},
		{"list", []any{"a", int64(1), nil, []any{}}, "['a', 1, None, []]", "['a', 1, None, []]"},
		{"dict", NewMap("a", 1.5, "it's", NewMap()), `{'a': 1.5, "it's": {}}`, `{'a': 1.5, "it's": {}}`},
		{"go value", []string{"a"}, "['a']", "['a']"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.str, Str(test.v))
			assert.Equal(t, test.repr, Repr(test.v))
		})
	}
}

func TestAppendReprKeepsPrefix(t *testing.T) {
	assert.Equal(t, "{x{'a': 1, 'b': 2}", string(AppendRepr([]byte("{x"), NewMap("a", int64(1), "b", int64(2)))))
}

func TestTypeName(t *testing.T) {
	for want, v := range map[string]any{
		"NoneType": nil, "bool": true, "int": int64(1), "float": 1.0, "str": "", "list": []any{}, "dict": NewMap(), "uint8": uint8(1),
	} {
		assert.Equal(t, want, TypeName(v))
	}
	assert.Equal(t, "int", TypeName(new(big.Int)))
}

func FuzzRepr(f *testing.F) {
	f.Add("it's \"\\\x00é\u2028\U0001fae0\xff")
	f.Fuzz(func(t *testing.T, s string) {
		if Str(s) != s {
			t.Fatalf("Str(%q) = %q", s, Str(s))
		}
		v := []any{s, NewMap(s, s)}
		quoted := Repr(s)
		if want := "[" + quoted + ", {" + quoted + ": " + quoted + "}]"; Str(v) != want {
			t.Fatalf("Str = %q, want %q", Str(v), want)
		}
		for _, r := range quoted {
			if !isPrintable(r) {
				t.Fatalf("Repr(%q) = %q holds %U", s, quoted, r)
			}
		}
	})
}
