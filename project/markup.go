package project

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/parleybot/parley/internal/value"
)

// MarkupError says what is wrong with an entity annotation.
type MarkupError struct {
	// Offset is where the annotation begins in the annotated text, in code points.
	Offset int
	What   string
}

// Error returns what is wrong.
func (e *MarkupError) Error() string { return e.What }

// The patterns of rasa/shared/nlu/training_data/entities_parser.py (3.6.21): `[text](entity)`,
// `[text](entity:value)`, `[text]{"entity": ...}` and `[text][{"entity": ...}, ...]`. What does not match is plain text.
var (
	annotation     = regexp.MustCompile(`\[([^\]]+?)\](?:\(([^:)]+?)(?::([^)]+))?\)|\{([^}]+?)\}|\[(.*?)\])`)
	annotationDict = regexp.MustCompile(`\{([^}]+?)\}`)
)

// The groups of annotation.
const (
	groupText = iota + 1
	groupEntity
	groupValue
	groupDict
	groupDicts
)

// parseMarkup splits an annotated text into its plain text and its entities, whose offsets count code points of the
// plain text. The error is a *MarkupError: an annotation in braces that is no JSON object or lacks an entity.
func parseMarkup(annotated string) (text string, entities []EntityAnnotation, err error) {
	if !strings.Contains(annotated, "[") {
		return annotated, nil, nil
	}
	var plain strings.Builder
	length, last := 0, 0
	for _, m := range annotation.FindAllStringSubmatchIndex(annotated, -1) {
		group := func(i int) string {
			if m[2*i] < 0 {
				return ""
			}
			return annotated[m[2*i]:m[2*i+1]]
		}
		before := annotated[last:m[0]]
		covered := group(groupText)
		start := length + utf8.RuneCountInString(before)
		found, err := annotated1(covered, group(groupEntity), group(groupValue), group(groupDict), group(groupDicts))
		if err != nil {
			return "", nil, &MarkupError{Offset: utf8.RuneCountInString(annotated[:m[0]]), What: err.Error()}
		}
		length = start + utf8.RuneCountInString(covered)
		for i := range found {
			found[i].Start, found[i].End = start, length
		}
		entities = append(entities, found...)
		plain.WriteString(before)
		plain.WriteString(covered)
		last = m[1]
	}
	plain.WriteString(annotated[last:])
	return plain.String(), entities, nil
}

// annotated1 reads one annotation of the text covered; the entities have no offsets yet.
func annotated1(covered, entity, short, dict, dicts string) ([]EntityAnnotation, error) {
	switch {
	case dict != "":
		e, err := annotationEntity(covered, dict)
		return []EntityAnnotation{e}, err
	case entity != "":
		if short == "" {
			short = covered
		}
		return []EntityAnnotation{{Entity: entity, Value: short}}, nil
	}
	var out []EntityAnnotation
	for _, m := range annotationDict.FindAllStringSubmatch(dicts, -1) {
		e, err := annotationEntity(covered, m[1])
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// annotationEntity reads the inside of the braces of an annotation.
func annotationEntity(covered, inside string) (EntityAnnotation, error) {
	fields, err := value.DecodeObject([]byte("{" + inside + "}"))
	if err != nil {
		return EntityAnnotation{}, fmt.Errorf("the annotation of %q is no JSON object: {%s}: %w", covered, inside, err)
	}
	if !fields.Has("entity") {
		return EntityAnnotation{}, fmt.Errorf(`the annotation of %q has no "entity": {%s}`, covered, inside)
	}
	for _, key := range []string{"entity", "role", "group"} {
		if v, ok := fields.Get(key); ok {
			if _, isText := v.(string); !isText {
				return EntityAnnotation{}, fmt.Errorf("%q of the annotation of %q must be a text, not %s", key, covered, value.Repr(v))
			}
		}
	}
	e := EntityAnnotation{
		Entity: fields.String("entity"), Value: covered, Role: fields.String("role"), Group: fields.String("group"),
	}
	if v, ok := fields.Get("value"); ok {
		if !isTextOrNumber(v) {
			return e, fmt.Errorf(`"value" of the annotation of %q must be a text or a number, not %s`, covered, value.Repr(v))
		}
		e.Value = v
	}
	return e, nil
}

func isTextOrNumber(v any) bool {
	if _, ok := v.(string); ok {
		return true
	}
	_, isBool := v.(bool)
	_, isNumber := value.ToFloat(v)
	return isNumber && !isBool
}

// FormatMessage returns text with markup for entities, as test stories and the comments of failed ones show messages.
// The error is a message whose entities cannot be written.
func FormatMessage(text string, entities []*value.Map) (string, error) {
	return formatMessage(text, entities)
}

// formatMessage writes the entities of a tracker's user event into its text (rasa/shared/core/events.py
// format_message, 3.6.21). Annotations that the text itself contains are removed first. A text that begins with / is
// left alone, since its entities stand in its JSON. Entities without start and end are left out.
func formatMessage(text string, entities []*value.Map) (string, error) {
	plain, _, err := parseMarkup(text)
	if err != nil {
		return "", fmt.Errorf("format message: %w", err)
	}
	return annotate(plain, entities)
}

// annotate is TrainingDataWriter.generate_message (rasa/shared/nlu/training_data/formats/readerwriter.py, 3.6.21).
func annotate(text string, entities []*value.Map) (string, error) {
	if strings.HasPrefix(text, "/") {
		return text, nil
	}
	spans, err := groupBySpan(entities)
	if err != nil {
		return "", err
	}
	runes := []rune(text)
	var out strings.Builder
	pos := 0
	for _, s := range spans {
		out.WriteString(slice(runes, pos, s.start))
		covered := slice(runes, s.start, s.end)
		out.WriteString("[" + covered + "]")
		if len(s.entities) == 1 {
			out.WriteString(annotationFor(covered, s.entities[0], true))
		} else {
			all := make([]string, len(s.entities))
			for i, e := range s.entities {
				all[i] = annotationFor(covered, e, false)
			}
			out.WriteString("[" + strings.Join(all, ", ") + "]")
		}
		pos = s.end
	}
	out.WriteString(slice(runes, pos, len(runes)))
	return out.String(), nil
}

// span is a part of a text with its entities.
type span struct {
	start, end int
	entities   []*value.Map
}

// groupBySpan groups entities that begin at the same place, ordered by place.
func groupBySpan(entities []*value.Map) ([]span, error) {
	var spans []span
next:
	for _, e := range entities {
		if !e.Has("start") || !e.Has("end") {
			continue
		}
		start, ok1 := e.Value("start").(int64)
		end, ok2 := e.Value("end").(int64)
		if !ok1 || !ok2 {
			return nil, errors.New("annotate entities: start and end must be integers")
		}
		at := 0
		for ; at < len(spans) && spans[at].start <= int(start); at++ {
			if spans[at].start != int(start) {
				continue
			}
			if spans[at].end != int(end) {
				return nil, fmt.Errorf("annotate entities: two entities begin at %d but end at %d and %d", start, spans[at].end, end)
			}
			spans[at].entities = append(spans[at].entities, e)
			continue next
		}
		spans = append(spans, span{})
		copy(spans[at+1:], spans[at:])
		spans[at] = span{int(start), int(end), []*value.Map{e}}
	}
	return spans, nil
}

// annotationFor writes what follows the text in brackets.
func annotationFor(covered string, e *value.Map, shortAllowed bool) string {
	v := e.Value("value")
	if value.Truthy(v) && value.Equal(v, covered) {
		v = nil
	}
	if shortAllowed && v == nil && e.Value("role") == nil && e.Value("group") == nil {
		return "(" + value.Str(e.Value("entity")) + ")"
	}
	long := value.NewMap("entity", e.Value("entity"), "role", e.Value("role"), "group", e.Value("group"), "value", v)
	for _, key := range long.Keys() {
		if long.Value(key) == nil {
			long.Delete(key)
		}
	}
	return string(value.Encode(long, 0))
}

// slice is Python's runes[from:to].
func slice(runes []rune, from, to int) string {
	clamp := func(i int) int {
		if i < 0 {
			i += len(runes)
		}
		return min(max(i, 0), len(runes))
	}
	from, to = clamp(from), clamp(to)
	if from >= to {
		return ""
	}
	return string(runes[from:to])
}
