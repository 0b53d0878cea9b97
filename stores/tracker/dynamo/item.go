package dynamo

import (
	"fmt"
	"strconv"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// The fields of a conversation's item: Rasa's, and one that is there after the whole conversation was replaced.
const (
	fieldSender     = "sender_id"
	fieldName       = "name"
	fieldEvents     = "events"
	fieldGeneration = "_parley_generation"
)

// Fields of events.
const (
	fieldTime     = "timestamp"
	fieldMetadata = "metadata"
)

// mark is what the first event of a list says, in its metadata, of the events before it. Those metadata stay when a node of Rasa
// writes the list. The zero mark is that of a list with all events.
type mark struct {
	// base is how many events came before the first of the list, in segments, the last of which is segment.
	base    int
	segment string
	// skip is how many events of the list stand for those before only, see lead.
	skip int
	// session is the number of events before the session of the list's first event.
	session int
}

// markOf reads the mark of a list's first event.
func markOf(event attr) mark {
	m := mapOf(mapOf(mapOf(event)[fieldMetadata])[fieldOwn])
	return mark{base: intOf(m["base"]), segment: textOf(m["segment"]), skip: intOf(m["skip"]), session: intOf(m["session"])}
}

// on returns the event with m in its metadata.
func (m mark) on(event attr) attr {
	fields := copied(mapOf(event))
	metadata := copied(mapOf(fields[fieldMetadata]))
	metadata[fieldOwn] = &mapping{Value: document{"base": numberOf(m.base), "segment": &text{Value: m.segment},
		"skip": numberOf(m.skip), "session": numberOf(m.session)}}
	fields[fieldMetadata] = &mapping{Value: metadata}
	return &mapping{Value: fields}
}

// unmarked returns the event without a mark.
func unmarked(event attr) attr {
	metadata := mapOf(mapOf(event)[fieldMetadata])
	if metadata[fieldOwn] == nil {
		return event
	}
	fields, rest := copied(mapOf(event)), copied(metadata)
	delete(rest, fieldOwn)
	fields[fieldMetadata] = &mapping{Value: rest}
	if len(rest) == 0 {
		delete(fields, fieldMetadata)
	}
	return &mapping{Value: fields}
}

func copied(d document) document {
	out := make(document, len(d)+1)
	for k, v := range d {
		out[k] = v
	}
	return out
}

// item is a conversation's item as it was read.
type item struct {
	mark       mark
	generation string
	// size is how many events the list has, those to be skipped included.
	size int
	// events are those of the list from the index from on.
	events []attr
	from   int
	// bare tells that there is no list.
	bare bool
}

// newItem reads an item that was read as a whole.
func newItem(d document) *item {
	it := &item{generation: textOf(d[fieldGeneration]), events: listOf(d[fieldEvents]), bare: d[fieldEvents] == nil}
	it.size = len(it.events)
	if it.size > 0 {
		it.mark = markOf(it.events[0])
	}
	return it
}

// token is the Token of positions: by what an item is recognised as the one that was read.
type token struct {
	mark       mark
	generation string
	size       int
	bare       bool
	// last is the time of the last event as DynamoDB has it, a float or more exact; "" where that has none.
	last string
	// bytes is about how large the item is, outbox how large that of its commits was.
	bytes, outbox int
}

// token returns that of an item of which the last event is known.
func (it *item) token() *token {
	t := &token{mark: it.mark, generation: it.generation, size: it.size, bare: it.bare}
	if len(it.events) > 0 {
		t.see(it.events[len(it.events)-1])
	}
	return t
}

// see remembers the last event.
func (t *token) see(event attr) { t.last = timeOf(event) }

func timeOf(event attr) string {
	if n, ok := mapOf(event)[fieldTime].(*number); ok {
		return n.Value
	}
	return ""
}

// sameTime compares numbers however they are written.
func sameTime(a, b string) bool {
	x, _ := strconv.ParseFloat(a, 64)
	y, _ := strconv.ParseFloat(b, 64)
	return x == y && (a == "") == (b == "")
}

func (t *token) position() stores.Position {
	return stores.Position{Count: t.mark.base + t.size - t.mark.skip, Token: t}
}

// follows reports whether the item goes on from t; the events from t's last one on must have been read.
func (it *item) follows(t *token) bool {
	if t.size == 0 || it.size < t.size || it.mark != t.mark || it.generation != t.generation || t.size-1 < it.from {
		return false
	}
	return sameTime(t.last, timeOf(it.events[t.size-1-it.from]))
}

// encodeEvents returns events as Rasa stores them.
func encodeEvents(events []tracker.Event) []attr {
	out := make([]attr, len(events))
	for i, e := range events {
		out[i] = encodeEvent(tracker.AsMap(e))
	}
	return out
}

// decodeEvents reads events like Rasa: entries without a name and obsolete ones are passed over.
func (l *Log) decodeEvents(events []attr) ([]tracker.Event, error) {
	maps := make([]*value.Map, 0, len(events))
	for _, a := range events {
		m, err := decodeEvent(mapOf(a))
		if err != nil {
			return nil, err
		}
		maps = append(maps, m)
	}
	return l.eventsOf(maps)
}

func (l *Log) eventsOf(maps []*value.Map) ([]tracker.Event, error) {
	out := make([]tracker.Event, 0, len(maps))
	for _, m := range maps {
		if !m.Has("event") {
			continue
		}
		e, err := tracker.EventFromMap(m)
		if err != nil {
			return nil, fmt.Errorf("reading an event: %w", err)
		}
		if e == nil {
			continue
		}
		if e.Meta().Timestamp == 0 {
			e.Meta().Timestamp = float64(l.now().UnixMicro()) / 1e6
		}
		out = append(out, e)
	}
	return out, nil
}
