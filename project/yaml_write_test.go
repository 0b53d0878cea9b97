package project

import (
	"math"
	"math/big"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/parleybot/parley/internal/value"
)

// scalarTests are values with what ruamel.yaml 0.17.21 writes.
var scalarTests = map[string]struct {
	val  any
	want string
}{
	"word":                  {"soup", "soup"},
	"empty":                 {"", "''"},
	"number":                {"12", "'12'"},
	"number with underline": {"1_000", "'1_000'"},
	"float":                 {"1.5e3", "'1.5e3'"},
	"dot":                   {".5", "'.5'"},
	"octal":                 {"0o17", "'0o17'"},
	"boolean":               {"True", "'True'"},
	"yes is a word":         {"yes", "yes"},
	"null":                  {"~", "'~'"},
	"date":                  {"2020-01-01", "'2020-01-01'"},
	"time":                  {"2020-1-1 10:00:00", "'2020-1-1 10:00:00'"},
	"clock":                 {"12:30", "12:30"},
	"variable":              {"at ${HOME} now", "'at ${HOME} now'"},
	"dash":                  {"-", "'-'"},
	"dash and text":         {"- a", "'- a'"},
	"negative word":         {"-a", "-a"},
	"question":              {"?a", "?a"},
	"colon and space":       {"a: b", "'a: b'"},
	"colon":                 {"a:b", "a:b"},
	"colon at the end":      {"a:", "'a:'"},
	"hash":                  {"a #b", "'a #b'"},
	"hash in a word":        {"a#b", "a#b"},
	"brackets within":       {"a [b] {c}", "a [b] {c}"},
	"bracket first":         {"[b]", "'[b]'"},
	"at":                    {"@b", "'@b'"},
	"apostrophe within":     {"it's", "it's"},
	"apostrophe first":      {"'tis", `"'tis"`},
	"quote first":           {`"a"`, `'"a"'`},
	"space first":           {" a", "' a'"},
	"space last":            {"a ", "'a '"},
	"line break":            {"a\nb", `"a\nb"`},
	"tab":                   {"a\tb", `"a\tb"`},
	"control":               {"a\x07\x1b\x01", `"a\a\e\x01"`},
	"emoji":                 {"🚲 é", "🚲 é"},
	"emoji with line break": {"🚲\né", `"\U0001F6B2\né"`},
	"byte order mark":       {"\ufeff", `"\uFEFF"`},
	"line separator":        {"a\u2028b", "'a\u2028  b'"},
	"document mark":         {"---", `'---'`},
	"merge":                 {"<<", "'<<'"},
	"literal":               {LiteralText("a\nb"), "|-\n  a\n  b"},
	"literal, line at end":  {LiteralText("a\n"), "|\n  a"},
	"literal, lines at end": {LiteralText("a\n\n"), "|+\n  a\n\n..."},
	"literal, spaces first": {LiteralText("  a"), "|2-\n    a"},
	"nil":                   {nil, "null"},
	"true":                  {true, "true"},
	"int":                   {int64(-5), "-5"},
	"big":                   {new(big.Int).Exp(big.NewInt(10), big.NewInt(20), nil), "100000000000000000000"},
	"whole float":           {3.0, "3.0"},
	"large float":           {1e22, "1e+22"},
	"nan":                   {math.NaN(), ".nan"},
	"infinite":              {math.Inf(-1), "-.inf"},
	"empty list":            {[]any{}, "[]"},
	"empty map":             {value.NewMap(), "{}"},
}

// TestWriteYAMLScalars compares how texts and numbers are written with what ruamel.yaml 0.17.21 writes.
func TestWriteYAMLScalars(t *testing.T) {
	for name, tt := range scalarTests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff("k: "+tt.want+"\n", strings.Replace(string(WriteYAML(value.NewMap("k", tt.val))), "k:\n", "k: ", 1)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWriteYAMLStructure(t *testing.T) {
	long := strings.Repeat("x", 123)
	doc := value.NewMap(
		"list", []any{[]any{int64(1), []any{int64(2)}}, value.NewMap("a", []any{"b"}, "c", value.NewMap("d", nil)), []any{}},
		"map", value.NewMap("1", "one", "", "empty", "a b", LiteralText("x"), "c", true),
		long, []any{int64(1), int64(2)},
		"two\nlines", value.NewMap("a", int64(1), "b", int64(2)),
	)
	want := `list:
- - 1
  - - 2
- a:
  - b
  c:
    d: null
- []
map:
  '1': one
  '': empty
  a b: |-
    x
  c: true
? ` + long + `
: - 1
  - 2
? "two\nlines"
: a: 1
  b: 2
`
	if diff := cmp.Diff(want, string(WriteYAML(doc))); diff != "" {
		t.Error(diff)
	}
}

func TestWriteYAMLFolding(t *testing.T) {
	words := strings.Repeat("word ", 1000) + "end"
	for name, text := range map[string]string{"plain": words, "double": words + "'\n", "single": "#" + words} {
		t.Run(name, func(t *testing.T) {
			written := WriteYAML(value.NewMap("k", text))
			lines := strings.Split(string(written), "\n")
			if len(lines) != 3 || len(lines[0]) < maxLine || len(lines[0]) > maxLine+6 || !strings.HasPrefix(lines[1], "  ") {
				t.Errorf("%d lines, the first of %d characters", len(lines), len(lines[0]))
			}
			root, ps := parseYAML(written, "f.yml")
			if ps.HasErrors() {
				t.Fatal(ps)
			}
			if got, _ := root.get("k").str(); got != text {
				t.Error("the text is another one when it is read again")
			}
		})
	}
}

// FuzzWriteYAML checks that what is written reads back as it was.
func FuzzWriteYAML(f *testing.F) {
	for _, s := range []string{"a: b", "- x", "1e3", "it's\n", " \u2028x", "é\t🚲", "${A}", "2020-01-01", "\x85", strings.Repeat("ab ", 2000)} {
		f.Add(s, "key")
		f.Add("value", s)
	}
	f.Fuzz(func(t *testing.T, text, key string) {
		if strings.ContainsAny(text+key, "\u0085\u2028\u2029\\") || !utf8.ValidString(text) || !utf8.ValidString(key) {
			return
		}
		written := WriteYAML(value.NewMap(key, []any{text, value.NewMap("in", text)}))
		root, ps := parseYAML(written, "f.yml")
		if ps.HasErrors() {
			t.Fatalf("%v\n%q", ps, written)
		}
		if len(root.Entries) != 1 || root.Entries[0].Key != key {
			t.Fatalf("key %q reads as %v in %q", key, root.Entries, written)
		}
		list := root.Entries[0].Val.Items
		first, _ := list[0].str()
		second, _ := list[1].get("in").str()
		if first != text || second != text {
			t.Fatalf("%q reads as %q and %q in %q", text, first, second, written)
		}
	})
}
