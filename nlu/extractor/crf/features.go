package crf

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/parleybot/parley/internal/ml/crfsuite"
	"github.com/parleybot/parley/internal/tagging"
	"github.com/parleybot/parley/internal/value"
)

// token is what the features of a token are made of (CRFToken).
type token struct {
	text string
	// patterns are those that RegexFeaturizer looked for, in training with the ones that do not match.
	patterns []pattern
	dense    []float64
	// tags are the true tags in training, later those found.
	tags [kindCount]string
}

// tag returns the token's tag of one kind; a token without one is outside of all entities.
func (t *token) tag(k kind) string {
	if t.tags[k] == "" {
		return tagging.Outside
	}
	return t.tags[k]
}

type pattern struct {
	name    string
	matches bool
}

// window says what features the tokens around a token give.
type window struct {
	// places are the tokens before, at and behind the token.
	places []place
	// dense tells that dense features are used.
	dense bool
}

type place struct {
	// offset is the distance to the token.
	offset   int
	features []feature
	// entity is the feature of the entity found.
	entity feature
}

// feature writes one or more attributes; prefix is their common beginning.
type feature struct {
	prefix []byte
	write  func(w *writer, t *token, prefix []byte)
}

// features are what the option features can name. What Rasa reads from spaCy is not among them.
var features = map[string]func(w *writer, t *token, prefix []byte){
	"low":     text(value.Lower),
	"bias":    text(func(string) string { return "bias" }),
	"prefix5": text(func(s string) string { return head(s, 5) }),
	"prefix2": text(func(s string) string { return head(s, 2) }),
	"suffix5": text(func(s string) string { return tail(s, 5) }),
	"suffix3": text(func(s string) string { return tail(s, 3) }),
	"suffix2": text(func(s string) string { return tail(s, 2) }),
	"suffix1": text(func(s string) string { return tail(s, 1) }),
	"title":   flag(value.IsTitle),
	"upper":   flag(value.IsUpper),
	"digit":   flag(value.IsDigit),
	"pattern": writePatterns,
	"entity": func(w *writer, t *token, prefix []byte) {
		w.attribute(prefix, t.tag(entityKind), 1)
	},
	"text_dense_features": writeDense,
}

// parseWindow reads the option features.
func parseWindow(option []any) (window, error) {
	var w window
	if len(option)%2 != 1 {
		return w, errors.New("must have an odd number of lists, the one in the middle for the token itself")
	}
	for i, v := range option {
		offset := i - len(option)/2
		p := place{offset: offset}
		list, ok := v.([]any)
		if !ok {
			return w, errors.New("must be a list of lists")
		}
		for _, item := range list {
			name, _ := item.(string)
			write, ok := features[name]
			switch {
			case name == "pos" || name == "pos2":
				return w, fmt.Errorf("has %q, which only SpacyTokenizer provides", name)
			case !ok:
				return w, fmt.Errorf("has %s, which is no feature", value.Repr(item))
			}
			f := feature{prefix: prefixOf(offset, name), write: write}
			if !slices.ContainsFunc(p.features, func(g feature) bool { return string(g.prefix) == string(f.prefix) }) {
				p.features = append(p.features, f)
			}
			w.dense = w.dense || name == "text_dense_features"
		}
		if !slices.Contains(list, any("entity")) {
			p.entity = feature{prefix: prefixOf(offset, "entity"), write: features["entity"]}
		}
		w.places = append(w.places, p)
	}
	return w, nil
}

func prefixOf(offset int, feature string) []byte {
	b := append(strconv.AppendInt(nil, int64(offset), 10), ':')
	b = append(append(b, feature...), ':')
	if feature == "text_dense_features" {
		b = append(b, "text_dense_features:"...)
	}
	return b
}

// writer turns tokens into attributes (_create_features_for_token).
type writer struct {
	window *window
	tokens []token
	// withEntity adds the tags of entities.
	withEntity bool
	sink       crfsuite.Sink
	buffer     []byte
}

var begin, end = []byte("BOS"), []byte("EOS")

// write writes the attributes of the i-th token.
func (w *writer) write(i int, sink crfsuite.Sink) {
	w.sink = sink
	atBegin, atEnd := false, false
	for k := range w.window.places {
		p := &w.window.places[k]
		at := i + p.offset
		switch {
		case at >= len(w.tokens):
			if !atEnd {
				sink.Attribute(end, 1)
			}
			atEnd = true
			continue
		case at < 0:
			if !atBegin {
				sink.Attribute(begin, 1)
			}
			atBegin = true
			continue
		}
		for j := range p.features {
			p.features[j].write(w, &w.tokens[at], p.features[j].prefix)
		}
		if w.withEntity && p.entity.write != nil {
			p.entity.write(w, &w.tokens[at], p.entity.prefix)
		}
	}
}

// attribute writes one attribute whose name is prefix and rest.
func (w *writer) attribute(prefix []byte, rest string, v float64) {
	w.buffer = append(append(w.buffer[:0], prefix...), rest...)
	w.sink.Attribute(w.buffer, v)
}

// text is a feature whose value is part of the attribute's name.
func text(of func(string) string) func(*writer, *token, []byte) {
	return func(w *writer, t *token, prefix []byte) { w.attribute(prefix, of(t.text), 1) }
}

// flag is a feature that is 1 or 0.
func flag(of func(string) bool) func(*writer, *token, []byte) {
	return func(w *writer, t *token, prefix []byte) {
		w.sink.Attribute(prefix[:len(prefix)-1], number(of(t.text)))
	}
}

func writePatterns(w *writer, t *token, prefix []byte) {
	for _, p := range t.patterns {
		w.attribute(prefix, p.name, number(p.matches))
	}
}

func writeDense(w *writer, t *token, prefix []byte) {
	for i, v := range t.dense {
		w.buffer = strconv.AppendInt(append(w.buffer[:0], prefix...), int64(i), 10)
		w.sink.Attribute(w.buffer, v)
	}
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// head returns the first n characters.
func head(s string, n int) string {
	i := 0
	for range n {
		_, size := utf8.DecodeRuneInString(s[i:])
		i += size
	}
	return s[:i]
}

// tail returns the last n characters.
func tail(s string, n int) string {
	i := len(s)
	for range n {
		_, size := utf8.DecodeLastRuneInString(s[:i])
		i -= size
	}
	return s[i:]
}
