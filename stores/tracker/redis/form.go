package redis

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // what scripts of Redis have; it tells values apart, nothing secret
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
)

// A value begins with head and ends with the name of the conversation: json.dumps of Rasa's Dialogue. Events stand between,
// separated by separator.
const (
	head      = `{"events": [`
	separator = ", "
	// window is how many bytes at the end of the events a digest covers: one event or more. Scripts have the same.
	window = 1024
)

func ending(senderID string) string {
	return string(value.Append([]byte(`], "name": `), senderID, value.JSON)) + "}"
}

// encode returns events as they stand in a value, and where each begins.
func encode(events []tracker.Event) (text []byte, starts []int) {
	starts = make([]int, len(events))
	for i, e := range events {
		if i > 0 {
			text = append(text, separator...)
		}
		starts[i] = len(text)
		text = value.Append(text, tracker.AsMap(e), value.JSON)
	}
	return text, starts
}

// digest is that of scripts/common.lua.
func digest(events []byte) string {
	return sha1Hex(events[max(0, len(events)-window):])
}

func sha1Hex(b []byte) string {
	sum := sha1.Sum(b) //nolint:gosec // see above
	return hex.EncodeToString(sum[:])
}

// inForm returns the part of a value that has its events, head included, if the value is in the form that is written here.
func inForm(stored []byte, end string) (events []byte, ok bool) {
	if !bytes.HasPrefix(stored, []byte(head)) || !bytes.HasSuffix(stored, []byte(end)) || len(stored) < len(head)+len(end) {
		return nil, false
	}
	return stored[:len(stored)-len(end)], true
}

var errNotAList = errors.New("not a list of events")

// split returns where the objects of a list begin and end; list is what stands between its brackets.
func split(list []byte) (spans [][2]int, err error) {
	depth, start, inString, want := 0, 0, false, byte('{')
	for i := 0; i < len(list); i++ {
		switch c := list[i]; {
		case inString:
			switch c {
			case '\\':
				i++
			case '"':
				inString = false
			}
		case c == ' ' || c == '\n' || c == '\r' || c == '\t':
		case depth == 0:
			if c != want {
				return nil, errNotAList
			}
			if want = ','; c == ',' {
				want = '{'
			} else {
				depth, start = 1, i
			}
		case c == '"':
			inString = true
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				spans = append(spans, [2]int{start, i + 1})
			}
		}
	}
	if depth != 0 || inString || want == '{' && len(spans) > 0 {
		return nil, errNotAList
	}
	return spans, nil
}

// decode returns the event that text holds, nil for one that Rasa passes over.
func decode(text []byte) (tracker.Event, error) {
	m, err := value.DecodeObject(text)
	if err != nil {
		return nil, fmt.Errorf("decoding an event: %w", err)
	}
	e, err := tracker.EventFromMap(m)
	if err != nil {
		return nil, fmt.Errorf("decoding an event: %w", err)
	}
	return e, nil
}

// decodeList returns the events of a list.
func decodeList(list []byte) ([]tracker.Event, error) {
	spans, err := split(list)
	if err != nil {
		return nil, err
	}
	events, err := decodeSpans(list, spans)
	return withoutNil(events), err
}

// decodeSpans returns an event for each span, nil for those that Rasa passes over.
func decodeSpans(list []byte, spans [][2]int) ([]tracker.Event, error) {
	events := make([]tracker.Event, len(spans))
	for i, s := range spans {
		e, err := decode(list[s[0]:s[1]])
		if err != nil {
			return nil, err
		}
		events[i] = e
	}
	return events, nil
}

// withoutNil drops the events that Rasa passes over.
func withoutNil(events []tracker.Event) []tracker.Event {
	return slices.DeleteFunc(events, func(e tracker.Event) bool { return e == nil })
}
