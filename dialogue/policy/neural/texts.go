package neural

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/parleybot/parley/dialogue/policy"
)

// Texts remembers the features of texts and names for end-to-end learning. It may be used by any number of goroutines; a
// nil *Texts has no features.
type Texts struct {
	reader policy.TextReader
	// expected are the widths that a trained network was made for.
	expected [attributeCount]*Size
	known    [512]atomic.Pointer[knownText]
}

type knownText struct {
	attribute Attribute
	text      string
	features  *Features
}

// NewTexts returns the texts that reader reads, nil without one. A trained network says by s what it was made for; nil
// for a training.
func NewTexts(reader policy.TextReader, s *Spec) *Texts {
	if reader == nil {
		return nil
	}
	t := &Texts{reader: reader}
	if s != nil {
		t.expected = s.Inputs
	}
	return t
}

// features returns those of a text or name, nil when there are none.
func (t *Texts) features(ctx context.Context, a Attribute, text string) (*Features, error) {
	if t == nil {
		return nil, nil
	}
	place := &t.known[place(a, text)%uint32(len(t.known))]
	if k := place.Load(); k != nil && k.attribute == a && k.text == text {
		return k.features, nil
	}
	read, err := t.reader.Read(ctx, policy.TextKind(a.String()), text)
	if err != nil {
		return nil, err
	}
	if read.Size == (Size{}) {
		return nil, nil
	}
	if want := t.expected[a]; want != nil && *want != read.Size {
		return nil, fmt.Errorf("the pipeline gives %+v features, the network has learnt from %+v", read.Size, *want)
	}
	f := &Features{Sequence: read.Sequence, Sentence: read.Sentence, tokens: read.Tokens, key: text}
	place.Store(&knownText{a, text, f})
	return f, nil
}

// size returns how wide the features of an attribute are.
func (t *Texts) size(ctx context.Context, a Attribute) (Size, error) {
	if t == nil {
		return Size{}, nil
	}
	read, err := t.reader.Read(ctx, policy.TextKind(a.String()), "text")
	if err != nil {
		return Size{}, err
	}
	return read.Size, nil
}

// place hashes a text (FNV-1a).
func place(a Attribute, text string) uint32 {
	h := uint32(2166136261) ^ uint32(a)
	for i := range len(text) {
		h = (h ^ uint32(text[i])) * 16777619
	}
	return h
}
