package whitespace

import (
	"context"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/nlu"
)

func build1(t testing.TB, options ...any) *Tokenizer {
	t.Helper()
	c, err := nlu.Components.Build(component.Config{Name: spec.Name, Options: value.NewMap(options...)})
	if err != nil {
		t.Fatal(err)
	}
	return c.(*Tokenizer)
}

// The expected tokens were taken from WhitespaceTokenizer of Rasa 3.6.21.
func TestTokenize(t *testing.T) {
	cases := []struct {
		name, text string
		want       []string
	}{
		{"punctuation", "Hi, what's up? (all good!)", []string{"Hi", "what", "s", "up", "all", "good"}},
		{"numbers", "pay 10'000.00 or 3.5%", []string{"pay", "10'000.00", "or", "3.5"}},
		{"addresses", "write x@y.org or see http://a.b/c?d=1", []string{"write", "x@y.org", "or", "see", "http://a.b/c?d=1"}},
		{"tags", "#tag &co @home", []string{"#tag", "&co", "@home"}},
		{"emoji", "hi 👋 there", []string{"hi", "there"}},
		{"emoji only", "👋", []string{"👋"}},
		{"smiley", ":)", []string{":)"}},
		{"empty", "", []string{""}},
		{"other alphabets", "привет мир", []string{"привет", "мир"}},
		{"combining marks", "cafe\u0301 ok", []string{"cafe\u0301", "ok"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, token := range build1(t).Tokenize(c.text) {
				got = append(got, token.Text)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTokenPatternKeepsLemma(t *testing.T) {
	got := build1(t, "token_pattern", "[a-z]+|[0-9]+").Tokenize("é room12b")
	want := []nlu.Token{
		{Text: "é", Start: 0, End: 1, Lemma: "é"},
		{Text: "room", Start: 2, End: 6, Lemma: "room12b"},
		{Text: "12", Start: 6, End: 8, Lemma: "room12b"},
		{Text: "b", Start: 8, End: 9, Lemma: "room12b"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSplitNames(t *testing.T) {
	tok := build1(t, "intent_tokenization_flag", true, "intent_split_symbol", "+", "prefix_separator_symbol", ":")
	m := &nlu.Message{}
	m.Set(nlu.Intent, "a:b+c")
	m.Set(nlu.IntentResponseKey, "faq+x/who")
	m.Set(nlu.ActionText, "")
	if err := tok.ProcessExample(context.Background(), m); err != nil {
		t.Fatal(err)
	}
	texts := func(a nlu.Attribute) (out []string) {
		for _, token := range m.Tokens(a) {
			out = append(out, token.Text)
		}
		return out
	}
	if diff := cmp.Diff([]string{"a", "b", "c"}, texts(nlu.Intent)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"faq", "x", "who"}, texts(nlu.IntentResponseKey)); diff != "" {
		t.Error(diff)
	}
	if m.Tokens(nlu.ActionText) != nil {
		t.Error("an empty text of an example was tokenized")
	}
}

func TestBadOptions(t *testing.T) {
	cases := map[string]*value.Map{
		`component "WhitespaceTokenizer": option "token_pattern" is no valid regular expression: missing ), unterminated subpattern at position 0`: value.NewMap("token_pattern", "(a"),
		`component "WhitespaceTokenizer": option "token_pattern" must have at most one group; write (?:...) for the others`:                        value.NewMap("token_pattern", "(a)(b)"),
		`component "WhitespaceTokenizer": option "intent_split_symbol" must not be empty`:                                                          value.NewMap("intent_tokenization_flag", true, "intent_split_symbol", ""),
	}
	for want, options := range cases {
		if _, err := nlu.Components.Build(component.Config{Name: spec.Name, Options: options}); err == nil || err.Error() != want {
			t.Errorf("error is %v, want %s", err, want)
		}
	}
}

// FuzzTokenize checks that offsets point at the tokens and ascend.
func FuzzTokenize(f *testing.F) {
	for _, s := range []string{"Hi, there!", "10'000.00 x@y.org", "👋 a\u200d", " \t", "é(ü)", "...a"} {
		f.Add(s)
	}
	plain, pattern := build1(f), build1(f, "token_pattern", `\w+?|[^\w]`)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 300 || !utf8.ValidString(text) {
			return
		}
		for _, tok := range []*Tokenizer{plain, pattern} {
			last := 0
			for _, token := range tok.Tokenize(text) {
				if token.Start < last || nlu.Slice(text, token.Start, token.End) != token.Text {
					t.Fatalf("token %q from %d to %d of %q", token.Text, token.Start, token.End, text)
				}
				last = token.End
			}
		}
	})
}
