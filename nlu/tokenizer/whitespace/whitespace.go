// Package whitespace provides WhitespaceTokenizer, which splits texts at white space and drops punctuation around words
// (rasa/nlu/tokenizers/whitespace_tokenizer.py and tokenizer.py, 3.6.21).
package whitespace

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/pyre"
	"github.com/parleybot/parley/nlu"
)

var spec = component.Spec{
	Name:    "WhitespaceTokenizer",
	Summary: "Splits texts at white space and drops punctuation around words.",
	Source:  "rasa/nlu/tokenizers/whitespace_tokenizer.py",
	Fields: []component.Field{
		{Name: "intent_tokenization_flag", Kind: component.Bool, Default: false, Doc: "Whether intents are split into several labels."},
		{Name: "intent_split_symbol", Kind: component.String, Default: "_", Doc: "What intents are split at."},
		{Name: "token_pattern", Kind: component.String, Doc: "Python regular expression that splits tokens further; its matches become tokens."},
		{Name: "prefix_separator_symbol", Kind: component.String, Doc: "What a prefix of intents is split at."},
	},
	Provides:     []string{nlu.RoleTokenizer},
	NotLanguages: []string{"zh", "ja", "th"},
}

func init() { nlu.Components.Register(spec, build) }

// Tokenizer is WhitespaceTokenizer.
type Tokenizer struct {
	SplitIntents    bool    `option:"intent_tokenization_flag"`
	SplitSymbol     string  `option:"intent_split_symbol"`
	TokenPattern    string  `option:"token_pattern"`
	PrefixSeparator *string `option:"prefix_separator_symbol"`

	pattern *pyre.Regexp
}

var (
	_ nlu.Component    = (*Tokenizer)(nil)
	_ nlu.Preprocessor = (*Tokenizer)(nil)
)

func build(cfg component.Config) (nlu.Component, error) {
	t := &Tokenizer{}
	if err := cfg.Decode(t); err != nil {
		return nil, err
	}
	if t.SplitIntents && t.SplitSymbol == "" {
		return nil, cfg.OptionError("intent_split_symbol", "must not be empty")
	}
	if t.PrefixSeparator != nil && *t.PrefixSeparator == "" {
		return nil, cfg.OptionError("prefix_separator_symbol", "must not be empty")
	}
	if t.TokenPattern == "" {
		return t, nil
	}
	var err error
	if t.pattern, err = pyre.Compile(t.TokenPattern, 0); err != nil {
		return nil, cfg.OptionError("token_pattern", "is no valid regular expression: %v", err)
	}
	if t.pattern.Groups() > 1 {
		return nil, cfg.OptionError("token_pattern", "must have at most one group; write (?:...) for the others")
	}
	return t, nil
}

// Process tokenizes a user's message.
func (t *Tokenizer) Process(_ context.Context, m *nlu.Message) error {
	for _, a := range nlu.Attributes {
		v, ok := m.Get(a)
		switch {
		case !ok:
		case a == nlu.Intent || a == nlu.ActionName:
			if err := t.splitName(m, a, v); err != nil {
				return err
			}
		default:
			m.SetTokens(a, t.Tokenize(v))
		}
	}
	return nil
}

// ProcessExample tokenizes a training example: unlike Process it leaves out what is empty and splits response keys as
// names.
func (t *Tokenizer) ProcessExample(_ context.Context, m *nlu.Message) error {
	for _, a := range nlu.Attributes {
		switch v := m.Value(a); {
		case v == "":
		case a.IsLabel():
			if err := t.splitName(m, a, v); err != nil {
				return err
			}
		default:
			m.SetTokens(a, t.Tokenize(v))
		}
	}
	return nil
}

// Tokenize splits a text.
func (t *Tokenizer) Tokenize(text string) []nlu.Token {
	tokens := wordsToTokens(splitWords(text), text)
	if t.pattern == nil {
		return tokens
	}
	var out []nlu.Token
	for _, token := range tokens {
		out = t.applyPattern(out, token)
	}
	return out
}

// applyPattern appends the pieces of a token. They keep the lemma of the whole token, as in Rasa.
func (t *Tokenizer) applyPattern(out []nlu.Token, token nlu.Token) []nlu.Token {
	pieces, err := t.pattern.FindTexts(token.Text)
	split := false
	offset := 0
	for _, piece := range pieces {
		if piece == "" || err != nil {
			continue
		}
		split = true
		i := strings.Index(token.Text[offset:], piece)
		if i < 0 {
			continue
		}
		i += offset
		start := token.Start + utf8.RuneCountInString(token.Text[:i])
		out = append(out, nlu.Token{Text: piece, Start: start, End: start + utf8.RuneCountInString(piece), Lemma: token.Lemma})
		offset = i + len(piece)
	}
	if !split {
		out = append(out, token)
	}
	return out
}

// splitName tokenizes an intent, an action name or a response key.
func (t *Tokenizer) splitName(m *nlu.Message, a nlu.Attribute, name string) error {
	var words []string
	rest := name
	if t.PrefixSeparator != nil {
		if prefix, after, found := strings.Cut(name, *t.PrefixSeparator); found {
			words, rest = t.splitLabel(words, prefix), after
		}
	}
	if a == nlu.IntentResponseKey {
		intent, key, found := strings.Cut(rest, "/")
		if !found || strings.Contains(key, "/") {
			return fmt.Errorf("tokenizing the response key %q: not of the form intent/key", name)
		}
		words = t.splitLabel(t.splitLabel(words, intent), key)
	} else {
		words = t.splitLabel(words, rest)
	}
	m.SetTokens(a, wordsToTokens(words, name))
	return nil
}

func (t *Tokenizer) splitLabel(words []string, s string) []string {
	if !t.SplitIntents {
		return append(words, s)
	}
	return append(words, strings.Split(s, t.SplitSymbol)...)
}

// wordsToTokens finds the words in the text, one behind the other.
func wordsToTokens(words []string, text string) []nlu.Token {
	tokens := make([]nlu.Token, len(words))
	at, runes := 0, 0
	for i, word := range words {
		j := strings.Index(text[at:], word)
		start := runes + utf8.RuneCountInString(text[at:at+j])
		end := start + utf8.RuneCountInString(word)
		tokens[i] = nlu.Token{Text: word, Start: start, End: end, Lemma: word}
		at, runes = at+j+len(word), end
	}
	return tokens
}
