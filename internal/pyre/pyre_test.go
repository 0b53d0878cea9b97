package pyre

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// The expected spans were taken from re.finditer of Python 3.10.
func TestFindAll(t *testing.T) {
	cases := []struct {
		name, pattern string
		flags         Flags
		text          string
		want          []Span
	}{
		{"boundary knows unicode", `\bвет\b`, 0, "привет вет", []Span{{7, 10}}},
		{"boundary in ascii text", `\bfoo\b`, 0, "foo foobar foo", []Span{{0, 3}, {11, 14}}},
		{"boundary next to emoji", `\bhey 👋\b`, 0, "hey 👋", nil},
		{"word class", `\w+`, 0, "naïve_3 ٣٤", []Span{{0, 7}, {8, 10}}},
		{"word class without marks", `\w+`, 0, "ना", []Span{{0, 1}}},
		{"negated category in a set", `[^\W\d]+`, 0, "été 2x", []Span{{0, 3}, {5, 6}}},
		{"dollar before a line feed", `\d$`, 0, "1\n", []Span{{0, 1}}},
		{"dollar at the end only", `\d$`, 0, "1\n2", []Span{{2, 3}}},
		{"end of text", `\d\Z`, 0, "1\n", nil},
		{"multiline", `(?m)^x$`, 0, "x\ny\nx", []Span{{0, 1}, {4, 5}}},
		{"dot is no line feed", `.+`, 0, "ab\nc", []Span{{0, 2}, {3, 4}}},
		{"look behind", `(?<=€)\d+`, 0, "€12 7", []Span{{1, 3}}},
		{"named back reference", `(?P<q>["']).*?(?P=q)`, 0, `say "hi" 'x'`, []Span{{4, 8}, {9, 12}}},
		{"conditional", `(a)?(?(1)b|c)`, 0, "ab c", []Span{{0, 2}, {3, 4}}},
		{"brace is literal", `a{x}`, 0, "a{x}", []Span{{0, 4}}},
		{"open lower bound", `a{,2}b`, 0, "aaab", []Span{{1, 4}}},
		{"empty matches", `x*`, 0, "xxy", []Span{{0, 2}, {2, 2}, {3, 3}}},
		{"ignore case", `straße`, IgnoreCase, "STRAßE Straße", []Span{{0, 6}, {7, 13}}},
		{"final sigma", `\bοσ\b`, IgnoreCase, "ος ΟΣ", []Span{{0, 2}, {3, 5}}},
		{"case within a group", `(?i:a)b`, 0, "Ab AB ab", []Span{{0, 2}, {6, 8}}},
		{"verbose", "(?x) a b # c", 0, "a b ab", []Span{{4, 6}}},
		{"space separators", `\s+`, 0, "a\x1c\u0085b", []Span{{1, 3}}},
		{"lookup table takes the first listed", `(\bnew\b|\bnew york\b|\bnew york city\b|\bc\+\+\b|\bx\b|\bü\b|\bl\b)`, 0,
			"new york city c++ c++x newer Ü ü", []Span{{0, 3}, {18, 21}, {21, 22}, {31, 32}}},
		{"lookup table without boundaries", `(ab|abc|b|c|d|E)`, IgnoreCase, "ABCe", []Span{{0, 2}, {2, 3}, {3, 4}}},
		{"ascii flag", `(?a)\w+`, 0, "é_e", []Span{{1, 3}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			re, err := Compile(c.pattern, c.flags)
			if err != nil {
				t.Fatal(err)
			}
			got, err := re.FindAll(c.text)
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("got %v, %v, want %v", got, err, c.want)
			}
			if found, _ := re.Search(c.text); found != (len(c.want) > 0) {
				t.Errorf("search says %t", found)
			}
		})
	}
}

func TestCompileErrors(t *testing.T) {
	cases := map[string]string{
		`(`:           "missing ), unterminated subpattern at position 0",
		`a)`:          "unbalanced parenthesis at position 1",
		`*a`:          "nothing to repeat at position 0",
		`a**`:         "multiple repeat at position 2",
		`[b`:          "unterminated character set at position 0",
		`[z-a]`:       "bad character range z-a at position 1",
		`\q`:          `bad escape \q at position 0`,
		`(?<=a+)b`:    "look-behind requires fixed-width pattern",
		`\1`:          "invalid group reference 1 at position 1",
		`a{3,2}`:      "min repeat greater than max repeat at position 2",
		`(?P=zz)`:     "unknown group name 'zz' at position 4",
		`(?P<a>(?P=a`: "missing ), unterminated name at position 10",
	}
	for pattern, want := range cases {
		if _, err := Compile(pattern, 0); err == nil || err.Error() != want {
			t.Errorf("%q: error is %v, want %s", pattern, err, want)
		}
	}
}

func TestFindTexts(t *testing.T) {
	cases := []struct {
		pattern, text string
		want          []string
	}{
		{`[a-z]+`, "ab-cd", []string{"ab", "cd"}},
		{`(\d)\w`, "1a 2b", []string{"1", "2"}},
		{`(?<=-)(.)`, "a-b-ü", []string{"b", "ü"}},
	}
	for _, c := range cases {
		re, err := Compile(c.pattern, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := re.FindTexts(c.text); !slices.Equal(got, c.want) {
			t.Errorf("%q: got %q, want %q", c.pattern, got, c.want)
		}
	}
}

func TestLiterals(t *testing.T) {
	cases := []struct {
		pattern, word, required string
		flags                   Flags
	}{
		{`\bhello there\b`, "hello there", "hello there", 0},
		{`\bare we late?\b`, "", "are we lat", 0},
		{`\bHey|yo\b`, "", "", 0},
		{`\bnode.js\b`, "", "node", 0},
		{`\bÜber Alles\b`, "Über Alles", "ÜBER ALLES", IgnoreCase},
		{`(abc)+d*`, "", "abc", 0},
	}
	for _, c := range cases {
		re, err := Compile(c.pattern, c.flags)
		if err != nil {
			t.Fatal(err)
		}
		word, _ := re.WordLiteral()
		if required := re.RequiredLiteral(); word != c.word || required != c.required {
			t.Errorf("%q: word %q required %q, want %q and %q", c.pattern, word, required, c.word, c.required)
		}
	}
}

func TestEscape(t *testing.T) {
	if got, want := Escape(`c++ #1 a_b-ü`), `c\+\+\ \#1\ a_b\-ü`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSearchIsBounded(t *testing.T) {
	re, err := Compile(`(?=x)(x+x+)+y`, 0)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if found, err := re.Search(strings.Repeat("x", 200)); found || err == nil {
		t.Errorf("found %t, err %v", found, err)
	}
	if took := time.Since(began); took > 20*timeLimit {
		t.Errorf("took %v", took)
	}
}

// FuzzCompile checks that no pattern or text panics and that matches lie within the text.
func FuzzCompile(f *testing.F) {
	for _, s := range []string{`\bfoo\b`, `(?P<a>x)(?P=a)`, `[^\W_]`, `(?i)[a-z]{2,}?`, `(?<!\d)x$`, `(?(1)a|b)`} {
		f.Add(s, "foo x1\nyy")
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) > 30 || len(text) > 30 || strings.ContainsAny(pattern, "*+{") || !utf8.ValidString(text) {
			return
		}
		re, err := Compile(pattern, 0)
		if err != nil {
			return
		}
		spans, _ := re.FindAll(text)
		for _, s := range spans {
			if s.Start < 0 || s.End < s.Start || s.End > utf8.RuneCountInString(text) {
				t.Errorf("%q on %q: %v", pattern, text, s)
			}
		}
	})
}
