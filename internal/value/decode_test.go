package value

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDecodeValues(t *testing.T) {
	tests := []struct{ name, in, repr string }{
		{"object keeps order", ` {"z": 1, "a": [true, false, null], "m": {}} `, `{'z': 1, 'a': [True, False, None], 'm': {}}`},
		{"last duplicate wins in the first place", `{"a": 1, "b": 2, "a": 3}`, `{'a': 3, 'b': 2}`},
		{"duplicates in a large object", `{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8,"i":9,"a":0}`,
			`{'a': 0, 'b': 2, 'c': 3, 'd': 4, 'e': 5, 'f': 6, 'g': 7, 'h': 8, 'i': 9}`},
		{"integers stay integers", `[0, -0, 12, -7, 9223372036854775807, 9223372036854775808, -9223372036854775809]`,
			`[0, 0, 12, -7, 9223372036854775807, 9223372036854775808, -9223372036854775809]`},
		{"floats", `[1.0, -0.0, 1e3, 1E-7, 1.5e400, 2.50]`, `[1.0, -0.0, 1000.0, 1e-07, inf, 2.5]`},
		{"python constants", `[NaN, Infinity, -Infinity]`, `[nan, inf, -inf]`},
		{"escapes", `"\"\\\/\b\f\n\r\t\u00e9"`, `'"\\/\x08\x0c\n\r\té'`},
		{"surrogate pair", `"\ud83d\ude00!"`, `'😀!'`},
		{"lone surrogates", `["\ud83d", "\ude00x", "\ud83d\u0041", "\ud83d\ud83d\ude00"]`, `['�', '�x', '�A', '�😀']`},
		{"encoded surrogate", "\"\xed\xa0\x80\"", `'�'`},
		{"byte order mark", "\ufeff[1]", `[1]`},
		{"empty containers", "[[ ], {\t}\r\n]", `[[], {}]`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v, err := Decode([]byte(test.in))
			require.NoError(t, err)
			assert.Equal(t, test.repr, Repr(v))
		})
	}
}

func TestDecodeErrors(t *testing.T) {
	tests := []struct{ name, in, err string }{
		{"empty", "", "Expecting value: line 1 column 1 (char 0)"},
		{"only space", " \n", "Expecting value: line 2 column 1 (char 2)"},
		{"word", "nul", "Expecting value: line 1 column 1 (char 0)"},
		{"minus", "[-]", "Expecting value: line 1 column 2 (char 1)"},
		{"extra data", "{} {}", "Extra data: line 1 column 4 (char 3)"},
		{"leading zero", "01", "Extra data: line 1 column 2 (char 1)"},
		{"dot without digits", "1.", "Extra data: line 1 column 2 (char 1)"},
		{"exponent without digits", "1e+", "Extra data: line 1 column 2 (char 1)"},
		{"second byte order mark", "\ufeff\ufeff1", "Expecting value: line 1 column 1 (char 0)"},
		{"key without quotes", "{a: 1}", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"},
		{"comma before brace", "{\"a\": 1,\n }", "Expecting property name enclosed in double quotes: line 2 column 2 (char 10)"},
		{"open object", "{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"},
		{"no colon", `{"a" 1}`, "Expecting ':' delimiter: line 1 column 6 (char 5)"},
		{"no value", `{"a":}`, "Expecting value: line 1 column 6 (char 5)"},
		{"no comma in object", `{"é": "é" "b"}`, "Expecting ',' delimiter: line 1 column 11 (char 10)"},
		{"no comma in list", "[1 2]", "Expecting ',' delimiter: line 1 column 4 (char 3)"},
		{"comma before bracket", "[1,]", "Expecting value: line 1 column 4 (char 3)"},
		{"open list", "[1", "Expecting ',' delimiter: line 1 column 3 (char 2)"},
		{"open string", `["a`, "Unterminated string starting at: line 1 column 2 (char 1)"},
		{"open escape", `"a\`, "Unterminated string starting at: line 1 column 1 (char 0)"},
		{"open string behind escape", `"a\n`, "Unterminated string starting at: line 1 column 1 (char 0)"},
		{"unknown escape", `"\x"`, `Invalid \escape: line 1 column 2 (char 1)`},
		{"short unicode escape", `"\u12"`, `Invalid \uXXXX escape: line 1 column 3 (char 2)`},
		{"unicode escape at the end", `"\u1234`, `Invalid \uXXXX escape: line 1 column 3 (char 2)`},
		{"bad second surrogate", `"\ud83d\uZ000"`, `Invalid \uXXXX escape: line 1 column 9 (char 8)`},
		{"control character", "\"a\n\"", "Invalid control character at: line 1 column 3 (char 2)"},
		{"control character behind escape", "\"\\t\x01\"", "Invalid control character at: line 1 column 4 (char 3)"},
		{"wrong start byte", "\"\xff\"", "'utf-8' codec can't decode byte 0xff in position 1: invalid start byte"},
		{"wrong continuation", "\"\xe2\x82\"", "'utf-8' codec can't decode bytes in position 1-2: invalid continuation byte"},
		{"cut character", "\"\xf0\x9f\x98", "'utf-8' codec can't decode bytes in position 1-3: unexpected end of data"},
		{"too many digits", strings.Repeat("1", 4301), "Exceeds the limit (4300) for integer string conversion: " +
			"value has 4301 digits; use sys.set_int_max_str_digits() to increase the limit"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v, err := Decode([]byte(test.in))
			require.EqualError(t, err, test.err)
			assert.Nil(t, v)
		})
	}
}

func TestDecodeDepth(t *testing.T) {
	_, err := DecodeString(strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth))
	require.NoError(t, err)
	_, err = DecodeString(strings.Repeat(`{"a":[`, 500_000))
	require.ErrorIs(t, err, ErrTooDeep)
}

func TestDecodeSyntaxErrorPlace(t *testing.T) {
	_, err := DecodeString("{\"é\": 1,\n\"ü\" 2}")
	var syntax *SyntaxError
	require.True(t, errors.As(err, &syntax))
	assert.Equal(t, SyntaxError{"Expecting ':' delimiter", 2, 5, 13}, *syntax)
}

func TestDecodeObject(t *testing.T) {
	m, err := DecodeObject([]byte(`{"sender": "u1"}`))
	require.NoError(t, err)
	assert.Equal(t, "u1", m.String("sender"))
	_, err = DecodeObject([]byte(`[1]`))
	require.EqualError(t, err, "expecting a JSON object, found list")
	_, err = DecodeObject([]byte(`{`))
	require.Error(t, err)
}

// TestDecodeLarge reads a document beyond shareLimit, whose strings are copied, and checks that decoding does not
// keep values of the document before.
func TestDecodeLarge(t *testing.T) {
	item := `{"event": "slot", "name": "a\u0062", "value": "` + strings.Repeat("x", 50) + `"}`
	v, err := DecodeString("[" + strings.Repeat(item+",", 99) + item + "]")
	require.NoError(t, err)
	items := v.([]any)
	require.Len(t, items, 100)
	want := NewMap("event", "slot", "name", "ab", "value", strings.Repeat("x", 50))
	for _, item := range items {
		assert.True(t, Equal(want, item))
	}
	v, err = DecodeString(`{}`)
	require.NoError(t, err)
	assert.Zero(t, v.(*Map).Len())
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"sender": "u1", "message": "hi /there", "metadata": {"a": [1, -2.5e-7, NaN, 123456789012345678901]}}`,
		`["\ud83d\ude00", "\ud83d", "\u00e9", "é\n", null, true]`, `{"a": {"a": {"a": }}}`, "\ufeff\"\xed\xa0\x80\xff\"",
	} {
		f.Add([]byte(seed))
	}
	formats := []Format{JSON, Compact, Unicode, Indent2, Indent4, Sanic, SortKeys | Unicode}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := Decode(data)
		if err != nil {
			return
		}
		for _, format := range formats {
			again, err := Decode(Encode(v, format))
			if err != nil {
				t.Fatalf("format %d of %s: %v", format, Repr(v), err)
			}
			if format&SortKeys == 0 && Repr(v) != Repr(again) {
				t.Fatalf("format %d: %s became %s", format, Repr(v), Repr(again))
			}
			if CanonicalKey(v) != CanonicalKey(again) {
				t.Fatalf("format %d: %s became %s", format, CanonicalKey(v), CanonicalKey(again))
			}
		}
		if !strings.Contains(Repr(v), "nan") && !Equal(v, v) {
			t.Fatalf("%s differs from itself", Repr(v))
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	body := []byte(`{"sender": "user-1234", "message": "I want to book a table for two", "metadata": {"lang": "en", "n": 3}}`)
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := Decode(body); err != nil {
			b.Fatal(err)
		}
	}
}
