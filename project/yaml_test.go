package project

import (
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parleybot/parley/internal/value"
)

// TestScalars has what ruamel.yaml 0.17 makes of plain scalars with version 1.2.
func TestScalars(t *testing.T) {
	huge, _ := new(big.Int).SetString("123456789012345678901234567890", 10)
	cases := map[string]any{
		"yes": "yes", "no": "no", "on": "on", "off": "off", "y": "y",
		"true": true, "True": true, "TRUE": true, "tRue": "tRue", "false": false,
		"null": nil, "Null": nil, "~": nil, "": nil,
		"017": int64(17), "08": int64(8), "0o17": int64(15), "0x1F": int64(31), "0X1F": "0X1F", "0b11": int64(3),
		"1_000": int64(1000), "-017": int64(-17), "+1": int64(1), "0o8": "0o8", "-_9": int64(-9), "_1": "_1",
		"123456789012345678901234567890": huge,
		"3.1":                            3.1, "1e3": 1000.0, "1.e3": 1000.0, ".5": 0.5, "5.": 5.0, ".5e3": ".5e3", "1_0.5": 10.5,
		".inf": math.Inf(1), "-.INF": math.Inf(-1), "inf": "inf", "1e400": math.Inf(1),
		"12:30": "12:30", "190:20:30": "190:20:30", "1,000": "1,000", "0.1.2": "0.1.2",
		"2001-01-01": "2001-01-01", "2001-01-01T10:00:00+02:00": "2001-01-01 08:00:00", "2001-1-1 1:2:3": "2001-1-1 1:2:3",
		`"017"`: "017", `'yes'`: "yes", `"\u0041\n"`: "A\n", `\u0041 x`: "A x", `"\ud83d\ude00"`: "😀", `"\\u0041"`: `\u0041`,
		"!!str 12": "12", `!!int "12"`: int64(12), "!!float 12": 12.0, `!!bool "yes"`: true, "...": "...", "1#c": "1#c",
	}
	for text, want := range cases {
		t.Run(text, func(t *testing.T) {
			root, ps := parseYAML([]byte("a: "+text), "f.yml")
			if ps != nil {
				t.Fatal(ps)
			}
			got := root.get("a").Scalar
			if b, ok := want.(*big.Int); ok {
				if b.Cmp(got.(*big.Int)) != 0 {
					t.Errorf("got %v", got)
				}
				return
			}
			if got != want {
				t.Errorf("got %T %v, want %T %v", got, got, want, want)
			}
		})
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("PARLEY_A", "one")
	cases := map[string]string{
		"${PARLEY_A}":           "one",
		"x${PARLEY_A}y":         "xoney",
		"$PARLEY_A ${PARLEY_A}": "one one",
		"$PARLEY_A":             "$PARLEY_A",
		`"${PARLEY_A}"`:         "${PARLEY_A}",
		"x${PARLEY_UNSET}":      "x${PARLEY_UNSET}",
		"${PARLEY_A":            "${PARLEY_A",
	}
	for text, want := range cases {
		t.Run(text, func(t *testing.T) {
			root, ps := parseYAML([]byte("a: "+text), "f.yml")
			if ps != nil {
				t.Fatal(ps)
			}
			if got := root.get("a").Scalar; got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

func TestDocuments(t *testing.T) {
	cases := []struct{ name, text, want, err string }{
		{"empty", "", "{}", ""},
		{"comment only", "# nothing", "{}", ""},
		{"merge keys", "a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  y: 3\n", `{"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}}`, ""},
		{"alias", "a: &a [1]\nb: *a\n", `{"a": [1], "b": [1]}`, ""},
		{"keys of other types", "1: a\ntrue: b\n", `{"1": "a", "true": "b"}`, ""},
		{"tabs in texts", "a: \"x\ty\" # c\td\nb: |\n  x\ty\n\n  z\t\n", `{"a": "x\ty", "b": "x\ty\n\nz\t\n"}`, ""},
		{"byte order mark", "\ufeffa: 1", `{"a": 1}`, ""},
		{"duplicate key", "a: 1\nb: 2\na: 3\n", "", `f.yml:3:1: duplicate key "a" (first in line 1)`},
		{"colon in flow", "a: [http://x]", "", `f.yml:1:5: a colon in "http://x": within [] and {} write a space after it, or quote the text`},
		{"list as key", "[a]: 1", "", "f.yml:1:1: a key must be a text, not a list"},
		{"tab after text", "a: b\t", "", "f.yml:1:5: a tab stands here; use spaces"},
		{"merging a number", "<<: 3", "", "f.yml:1:5: << merges mappings, not an integer"},
		{"half a pair", `a: "\ud83d"`, "", `f.yml: half a surrogate pair is written as \u escape`},
		{"cut escape", `a: \u12`, "", `f.yml: a \u escape is cut short`},
		{"not UTF-8", "a: ä\nb: ä\xff", "", "f.yml:2:5: the file is not UTF-8"},
		{"control character", "a: ä\nb: ä\x07", "", "f.yml:2:5: control characters are not allowed (U+0007)"},
		{"null character", "a\x00: b", "", "f.yml:1:2: control characters are not allowed (U+0000)"},
		{"undefined alias", "a: *x", "", "f.yml:1:4: unknown anchor 'x' referenced"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			root, ps := parseYAML([]byte(c.text), "f.yml")
			if diff := cmp.Diff(c.err, ps.Error()); diff != "" {
				t.Fatal(diff)
			}
			if root != nil {
				if diff := cmp.Diff(c.want, string(value.Encode(root.mapValue(), 0))); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

// TestAliasBomb makes sure that a small file cannot fill the memory.
func TestAliasBomb(t *testing.T) {
	var text strings.Builder
	text.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	names := "0123456789"
	for i := 1; i < 10; i++ {
		ref := "*a" + names[i-1:i]
		text.WriteString("a" + names[i:i+1] + ": &a" + names[i:i+1] + " [" + strings.Repeat(ref+", ", 9) + ref + "]\n")
	}
	_, ps := parseYAML([]byte(text.String()), "f.yml")
	if len(ps) != 1 || !strings.Contains(ps.Error(), "once its aliases are followed") {
		t.Errorf("got %v", ps)
	}
}

func TestNearest(t *testing.T) {
	known := []string{"required_slots", "ignored_intents", "type", "from_entity", "from_text"}
	cases := map[string]string{
		"requried_slots": "required_slots", "ignored_intent": "ignored_intents", "tpye": "type", "from_entiti": "from_entity",
		"from_test": "from_text", "x": "", "": "", "pipeline": "",
	}
	for name, want := range cases {
		if got := nearest(name, known); got != want {
			t.Errorf("nearest(%q) = %q, want %q", name, got, want)
		}
	}
}
