package state

import (
	"slices"
	"strings"
	"unicode"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// slot knows how to featurize one slot (the as_feature methods of rasa/shared/core/slots.py).
type slot struct {
	name   string
	index  int
	source *project.Slot
	// options are the features the slot can have: [1.0] for text and list; false and true for bool; one for each value
	// of a categorical slot. A float slot has none, its features are made on the fly.
	options []*Feature
	notSet  *Feature
	other   int
}

const otherValue = "__other__"

func newSlot(s *project.Slot, index int) *slot {
	n := &slot{name: s.Name, index: index, source: s, other: -1}
	n.notSet = n.feature(notSetText)
	switch s.Type {
	case project.SlotText, project.SlotList:
		n.options = []*Feature{n.feature("[1.0]")}
	case project.SlotBool:
		n.options = []*Feature{n.feature("[1.0, 0.0]"), n.feature("[1.0, 1.0]")}
	case project.SlotCategorical:
		for i := range s.Values {
			n.options = append(n.options, n.feature(oneHot(i, len(s.Values))))
		}
		n.other = slices.Index(s.Values, otherValue)
	}
	return n
}

func (s *slot) feature(text string) *Feature {
	return &Feature{Text: text, hash: hashSlot(s.name, text)}
}

func oneHot(hot, size int) string {
	numbers := make([]string, size)
	for i := range numbers {
		numbers[i] = "0.0"
	}
	numbers[hot] = "1.0"
	return "[" + strings.Join(numbers, ", ") + "]"
}

// hasFeatures reports whether the slot is featurized at all.
func hasFeatures(s *project.Slot) bool {
	if !s.InfluenceConversation || s.Type == project.SlotAny {
		return false
	}
	return s.Type != project.SlotCategorical || len(s.Values) > 0
}

// of returns the feature of v, nil when it does not count.
func (s *slot) of(v tracker.SlotValue) *Feature {
	if v.Value == nil {
		return nil
	}
	if v.Value == any(ShouldNotBeSet) {
		return s.notSet
	}
	switch s.source.Type {
	case project.SlotText:
		return s.options[0]
	case project.SlotList:
		if value.Truthy(v.Value) {
			return s.options[0]
		}
	case project.SlotBool:
		if b, ok := boolFromAny(v.Value); ok {
			return s.options[b2i(b)]
		}
	case project.SlotCategorical:
		return s.categorical(v.Value)
	case project.SlotFloat:
		return s.float(v.Value)
	}
	return nil
}

func (s *slot) categorical(v any) *Feature {
	text := value.Lower(value.Str(v))
	for i, known := range s.source.Values {
		if known == text {
			return s.options[i]
		}
	}
	if s.other >= 0 {
		return s.options[s.other]
	}
	return nil
}

func (s *slot) float(v any) *Feature {
	f, ok := value.ToFloat(v)
	if !ok {
		return nil
	}
	low, high := s.source.MinValue, s.source.MaxValue
	// As Python's min and max, which keep the first argument beside NaN.
	capped := high
	if f < high {
		capped = f
	}
	if !(capped > low) {
		capped = low
	}
	share := (capped - low) / (high - low)
	return s.feature("[1.0, " + value.FormatFloat(share) + "]")
}

// boolFromAny is bool_from_any of rasa/shared/core/slots.py; ok is false where it raises.
func boolFromAny(v any) (b, ok bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case string:
		if isNumeric(v) {
			f, err := value.ParseFloat(v)
			return f == 1, err == nil
		}
		switch value.Lower(value.Strip(v)) {
		case "true":
			return true, true
		case "false":
			return false, true
		}
		return false, false
	case []any, *value.Map:
		return false, false
	}
	return value.Equal(v, 1.0), true
}

// isNumeric is Python's str.isnumeric, except for the ideographs that stand for numbers, which float() refuses anyway.
func isNumeric(s string) bool {
	for _, r := range s {
		if !unicode.IsNumber(r) {
			return false
		}
	}
	return s != ""
}
