package bert

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/parleybot/parley/internal/value"
)

// maxWord is the number of characters from which on a word is unknown.
const maxWord = 100

// Tokenizer splits texts into word pieces (BertTokenizer of transformers 4.26).
type Tokenizer struct {
	vocabulary *Vocabulary
	options    tokenizerConfig
	unknown    int
	// special are tokens that are kept whole wherever they stand in a text.
	special []string
}

// tokenizerConfig is tokenizer_config.json.
type tokenizerConfig struct {
	LowerCase    *bool `json:"do_lower_case"`
	Basic        *bool `json:"do_basic_tokenize"`
	Chinese      *bool `json:"tokenize_chinese_chars"`
	StripAccents *bool `json:"strip_accents"`
	Unknown      any   `json:"unk_token"`
	Separator    any   `json:"sep_token"`
	Padding      any   `json:"pad_token"`
	Class        any   `json:"cls_token"`
	Mask         any   `json:"mask_token"`
}

// NewTokenizer returns a tokenizer with the options of tokenizer_config.json, which may be nil.
func NewTokenizer(v *Vocabulary, config []byte) (*Tokenizer, error) {
	t := &Tokenizer{vocabulary: v}
	if config != nil {
		if err := json.Unmarshal(config, &t.options); err != nil {
			return nil, err
		}
	}
	for _, s := range []struct {
		option any
		name   string
	}{
		{t.options.Unknown, "[UNK]"}, {t.options.Separator, "[SEP]"}, {t.options.Padding, "[PAD]"},
		{t.options.Class, "[CLS]"}, {t.options.Mask, "[MASK]"},
	} {
		switch v := s.option.(type) {
		case string:
			s.name = v
		case map[string]any:
			if content, ok := v["content"].(string); ok {
				s.name = content
			}
		}
		if s.name == "" {
			return nil, errors.New("a special token is empty")
		}
		t.special = append(t.special, s.name)
	}
	var ok bool
	if t.unknown, ok = v.Find([]byte(t.special[0])); !ok {
		return nil, fmt.Errorf("the vocabulary has no %q", t.special[0])
	}
	return t, nil
}

func on(option *bool) bool { return option == nil || *option }

// Tokenize returns the numbers of the text's word pieces.
func (t *Tokenizer) Tokenize(text string) []int {
	var ids []int
	for text != "" {
		at, special := len(text), ""
		for _, s := range t.special {
			if i := strings.Index(text, s); i >= 0 && (i < at || i == at && len(s) > len(special)) {
				at, special = i, s
			}
		}
		ids = t.plain(ids, text[:at])
		if special != "" {
			id, ok := t.vocabulary.Find([]byte(special))
			if !ok {
				id = t.unknown
			}
			ids = append(ids, id)
		}
		text = text[at+len(special):]
	}
	return ids
}

// plain appends the pieces of a text without special tokens.
func (t *Tokenizer) plain(ids []int, text string) []int {
	if on(t.options.LowerCase) {
		text = lower(text)
	}
	if !on(t.options.Basic) {
		for _, word := range value.SplitWhitespace(text) {
			ids = t.pieces(ids, []byte(word))
		}
		return ids
	}
	strip := on(t.options.LowerCase) && on(t.options.StripAccents) ||
		!on(t.options.LowerCase) && t.options.StripAccents != nil && *t.options.StripAccents
	for _, word := range value.SplitWhitespace(t.clean(text)) {
		if strip {
			word = stripAccents(word)
		}
		for _, part := range value.SplitWhitespace(separatePunctuation(word)) {
			ids = t.pieces(ids, []byte(part))
		}
	}
	return ids
}

// lower is str.lower() of each character by itself, as transformers applies it.
func lower(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r < utf8.RuneSelf {
			b.WriteRune(unicode.ToLower(r))
		} else {
			b.WriteString(value.Lower(string(r)))
		}
	}
	return b.String()
}

// clean drops control characters, makes blanks of all white space and puts blanks around Chinese characters.
func (t *Tokenizer) clean(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\t' || r == '\n' || r == '\r' || unicode.Is(unicode.Zs, r):
			b.WriteByte(' ')
		case r == 0 || r == utf8.RuneError || isControl(r):
		case on(t.options.Chinese) && isChinese(r):
			b.WriteByte(' ')
			b.WriteRune(r)
			b.WriteByte(' ')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// isControl tells whether the character is of one of Unicode's categories that begin with C; not assigned is one.
func isControl(r rune) bool {
	if r < unicode.MaxLatin1 {
		return unicode.IsControl(r) || r == 0xad
	}
	return unicode.Is(unicode.C, r) || !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z)
}

// chinese are the blocks of CJK ideographs.
var chinese = &unicode.RangeTable{
	R16: []unicode.Range16{{Lo: 0x3400, Hi: 0x4dbf, Stride: 1}, {Lo: 0x4e00, Hi: 0x9fff, Stride: 1}, {Lo: 0xf900, Hi: 0xfaff, Stride: 1}},
	R32: []unicode.Range32{
		{Lo: 0x20000, Hi: 0x2a6df, Stride: 1}, {Lo: 0x2a700, Hi: 0x2b73f, Stride: 1}, {Lo: 0x2b740, Hi: 0x2b81f, Stride: 1},
		{Lo: 0x2b820, Hi: 0x2ceaf, Stride: 1}, {Lo: 0x2f800, Hi: 0x2fa1f, Stride: 1},
	},
}

func isChinese(r rune) bool { return r >= 0x3400 && unicode.Is(chinese, r) }

func stripAccents(word string) string {
	ascii := true
	for i := range len(word) {
		ascii = ascii && word[i] < utf8.RuneSelf
	}
	if ascii {
		return word
	}
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFD.String(word))
}

// separatePunctuation puts blanks around punctuation.
func separatePunctuation(word string) string {
	if strings.IndexFunc(word, isPunctuation) < 0 {
		return word
	}
	var b strings.Builder
	for _, r := range word {
		if isPunctuation(r) {
			b.WriteByte(' ')
			b.WriteRune(r)
			b.WriteByte(' ')
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// isPunctuation counts all ASCII characters that are neither letters nor digits as punctuation.
func isPunctuation(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= 33 && r <= 47 || r >= 58 && r <= 64 || r >= 91 && r <= 96 || r >= 123 && r <= 126
	}
	return unicode.IsPunct(r)
}

var inner = []byte("##")

// pieces appends the longest pieces that make up the word, from its beginning on.
func (t *Tokenizer) pieces(ids []int, word []byte) []int {
	if utf8.RuneCount(word) > maxWord {
		return append(ids, t.unknown)
	}
	before := len(ids)
	var buffer []byte
	for start := 0; start < len(word); {
		end := len(word)
		for ; end > start; end = previous(word, end) {
			piece := word[start:end]
			if start > 0 {
				buffer = append(append(buffer[:0], inner...), piece...)
				piece = buffer
			}
			if id, ok := t.vocabulary.Find(piece); ok {
				ids = append(ids, id)
				break
			}
		}
		if end == start {
			return append(ids[:before], t.unknown)
		}
		start = end
	}
	return ids
}

// previous returns where the character before the position begins.
func previous(word []byte, at int) int {
	_, size := utf8.DecodeLastRune(word[:at])
	return at - size
}
