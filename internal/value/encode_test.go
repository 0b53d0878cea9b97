package value

import (
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestEncodeFormats(t *testing.T) {
	v := NewMap("text", "né/😀\x7f\"\\\n", "list", []any{int64(1), 1e-5, nil, true}, "empty", NewMap(), "none", []any{}, "a", false)
	tests := []struct {
		name   string
		format Format
		want   string
	}{
		{"json.dumps", JSON,
			`{"text": "n\u00e9/\ud83d\ude00\u007f\"\\\n", "list": [1, 1e-05, null, true], "empty": {}, "none": [], "a": false}`},
		{"compact", Compact,
			`{"text":"n\u00e9/\ud83d\ude00\u007f\"\\\n","list":[1,1e-05,null,true],"empty":{},"none":[],"a":false}`},
		{"non-ASCII kept", Unicode,
			`{"text": "né/😀` + "\x7f" + `\"\\\n", "list": [1, 1e-05, null, true], "empty": {}, "none": [], "a": false}`},
		{"compact and non-ASCII kept", Compact | Unicode,
			`{"text":"né/😀` + "\x7f" + `\"\\\n","list":[1,1e-05,null,true],"empty":{},"none":[],"a":false}`},
		{"sanic", Sanic,
			`{"text":"n\u00e9\/\ud83d\ude00` + "\x7f" + `\"\\\n","list":[1,1e-5,null,true],"empty":{},"none":[],"a":false}`},
		{"sorted keys", SortKeys,
			`{"a": false, "empty": {}, "list": [1, 1e-05, null, true], "none": [], "text": "n\u00e9/\ud83d\ude00\u007f\"\\\n"}`},
		{"indent 2", Indent2 | Unicode, strings.Join([]string{`{`, `  "text": "né/😀` + "\x7f" + `\"\\\n",`, `  "list": [`, `    1,`, `    1e-05,`,
			`    null,`, `    true`, `  ],`, `  "empty": {},`, `  "none": [],`, `  "a": false`, `}`}, "\n")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, string(Encode(v, test.format)))
		})
	}
	assert.Equal(t, "[\n    [\n        1\n    ]\n]", string(Encode([]any{[]any{int64(1)}}, Indent4)))
}

func TestEncodeScalars(t *testing.T) {
	tests := []struct {
		name        string
		v           any
		json, sanic string
	}{
		{"control characters", "\b\f\r\t\x00\x1f", `"\b\f\r\t\u0000\u001f"`, `"\b\f\r\t\u0000\u001f"`},
		{"line separator", "\u2028", `"\u2028"`, `"\u2028"`},
		{"invalid UTF-8", "a\xffb", `"a\ufffdb"`, `"a\ufffdb"`},
		{"nan", math.NaN(), "NaN", "NaN"},
		{"infinity", math.Inf(1), "Infinity", "Infinity"},
		{"minus infinity", math.Inf(-1), "-Infinity", "-Infinity"},
		{"whole float", 100000.0, "100000.0", "100000.0"},
		{"small float", 1.5e-7, "1.5e-07", "1.5e-7"},
		{"large float", 1e16, "1e+16", "1e+16"},
		{"long exponent", 5e-324, "5e-324", "5e-324"},
		{"big integer", new(big.Int).Lsh(big.NewInt(1), 65), "36893488147419103232", "36893488147419103232"},
		{"go int", 7, "7", "7"},
		{"nil map", (*Map)(nil), "{}", "{}"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.json, string(Append(nil, test.v, JSON)))
			assert.Equal(t, test.sanic, string(Append(nil, test.v, Sanic)))
		})
	}
	assert.Equal(t, "\"a\ufffdb\"", string(Encode("a\xffb", Unicode)))
}

func TestAppendKeepsPrefix(t *testing.T) {
	assert.Equal(t, "data: [1, 2]", string(Append([]byte("data: "), []any{int64(1), int64(2)}, JSON)))
}

func TestCanonicalKey(t *testing.T) {
	a := NewMap("x", int64(1), "y", []any{NewMap("b", nil, "a", "é")})
	b := NewMap("y", []any{NewMap("a", "é", "b", nil)}, "x", int64(1))
	assert.Equal(t, `{"x": 1, "y": [{"a": "\u00e9", "b": null}]}`, CanonicalKey(a))
	assert.Equal(t, CanonicalKey(a), CanonicalKey(b))
	assert.NotEqual(t, CanonicalKey(int64(1)), CanonicalKey(1.0))
}

func BenchmarkEncode(b *testing.B) {
	reply := []any{
		NewMap("recipient_id", "user-1234", "text", "Which cuisine would you like? We have Thai/Indian."),
		NewMap("recipient_id", "user-1234", "buttons", []any{NewMap("title", "Thai", "payload", `/inform{"cuisine": "thai"}`)}),
	}
	buf := make([]byte, 0, 512)
	b.ReportAllocs()
	b.SetBytes(int64(len(Encode(reply, Sanic))))
	for b.Loop() {
		buf = Append(buf[:0], reply, Sanic)
	}
}
