package value

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDecodeBody(t *testing.T) {
	tests := []struct{ name, in, repr string }{
		{"line break in a string", "{\"message\": \"one\ntwo\tthree\"}", `{'message': 'one\ntwo\tthree'}`},
		{"control character behind escape", "\"\\n\x01\"", `'\n\x01'`},
		{"leading zeros", `[01, -007, 00.5]`, `[1, -7, 0.5]`},
		{"digits missing", `[1., -, -.5, 1.e2]`, `[1.0, 0, -0.5, 100.0]`},
		{"constants", `[NaN, Infinity, -Infinity]`, `[nan, inf, -inf]`},
		{"large integer", `123456789012345678901`, `123456789012345678901`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v, err := DecodeBody([]byte(test.in))
			require.NoError(t, err)
			assert.Equal(t, test.repr, Repr(v))
		})
	}
}

func TestDecodeBodyErrors(t *testing.T) {
	tests := []struct{ name, in string }{
		{"empty", ""}, {"byte order mark", "\ufeff1"}, {"NUL in a string", "\"\x00\""}, {"dot first", ".5"}, {"minus and dot", "-."},
		{"minus and exponent", "-e5"}, {"dot and exponent", "-.e3"}, {"exponent without digits", "1.e"}, {"two dots", "1.."},
		{"cut constant", "-Inf"}, {"plus", "+1"}, {"space behind minus", "- 1"}, {"comma before bracket", "[1,]"},
		{"no UTF-8", "\"\xff\""}, {"too deep", strings.Repeat("[", 1025) + strings.Repeat("]", 1025)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v, err := DecodeBody([]byte(test.in))
			require.Error(t, err)
			assert.Nil(t, v)
		})
	}
}

func TestDecodeBodyDepth(t *testing.T) {
	_, err := DecodeBody([]byte(strings.Repeat("[", maxDepthBody) + strings.Repeat("]", maxDepthBody)))
	require.NoError(t, err)
}

func FuzzDecodeBody(f *testing.F) {
	for _, seed := range []string{`{"sender": "u1", "message": "a` + "\n" + `b"}`, `[-, 1., 007, -.5e3]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		strict, strictErr := Decode(data)
		lax, err := DecodeBody(data)
		if strictErr == nil && !strings.HasPrefix(string(data), "\ufeff") && (err != nil || Repr(lax) != Repr(strict)) {
			t.Fatalf("Decode gives %s, DecodeBody %s, %v", Repr(strict), Repr(lax), err)
		}
	})
}
