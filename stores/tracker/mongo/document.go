package mongo

import (
	"crypto/sha256"
	"fmt"
	"hash/fnv"
	"math"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// The fields of a conversation that Rasa knows, and the one it passes over.
const (
	fieldID     = "_id"
	fieldSender = "sender_id"
	fieldEvents = "events"
	fieldTime   = "latest_event_time"
	fieldOwn    = "_parley"
	fieldSize   = "n"
)

// own is what parley keeps of a conversation beside Rasa's fields. The field is absent where all of it is zero.
type own struct {
	// Base is how many events came before the first of the document's, in segments.
	Base int `bson:"base"`
	// Skip is how many events of the document only repeat for Rasa what happened before, see summary.
	Skip int `bson:"skip"`
	// Generation is another one after the whole conversation was replaced.
	Generation string `bson:"generation"`
	// Commits are those that are not settled, in order.
	Commits []commit `bson:"commits"`
}

// commit is the note of a turn that is to be delivered.
type commit struct {
	ID string `bson:"id"`
	// At is the number of events before the turn's, Count how many it has.
	At    int       `bson:"at"`
	Count int       `bson:"count"`
	Time  time.Time `bson:"time"`
	// Events are those of a turn that is no part of the conversation any more.
	Events []bson.Raw `bson:"events,omitempty"`
}

// document is what a query returns of a conversation.
type document struct {
	ID bson.RawValue `bson:"_id"`
	// Sender is not always asked for.
	Sender string `bson:"sender_id"`
	Own    own    `bson:"_parley"`
	// Size is how many events the document has, those to be skipped included.
	Size int `bson:"n"`
	// Events are those that were asked for.
	Events bson.RawValue `bson:"events"`
}

// count returns the number of events of the conversation.
func (d *document) count() int { return d.Own.Base + d.Size - d.Own.Skip }

// unsettled returns the IDs of the commits, nil when there are none.
func (d *document) unsettled() []string {
	var ids []string
	for _, c := range d.Own.Commits {
		ids = append(ids, c.ID)
	}
	return ids
}

// token is the Token of positions: by what a document is recognised as the one that was read.
type token struct {
	id               bson.RawValue
	generation       string
	base, skip, size int
	last             uint64
	lastIsValid      bool
	lastTime         float64
	// bytes is about how large the list of events is, or more than that.
	bytes int
	// patience is the size below which it is no use to look for something to cut off.
	patience int
}

// token returns that of a document whose last events are events.
func (d *document) token(events []bson.Raw) *token {
	t := &token{id: d.ID, generation: d.Own.Generation, base: d.Own.Base, skip: d.Own.Skip, size: d.Size}
	t.see(events)
	if len(events) > 0 {
		t.bytes = total(events) / len(events) * d.Size
	}
	return t
}

// see remembers the last event.
func (t *token) see(events []bson.Raw) {
	if len(events) == 0 {
		return
	}
	last := events[len(events)-1]
	t.last, t.lastIsValid = fingerprint(last), true
	t.lastTime = math.NaN()
	if f, ok := last.Lookup("timestamp").DoubleOK(); ok {
		t.lastTime = f
	}
}

// follows reports whether the document, of which events are those from the last one known on, goes on from t, which knew
// count events.
func (d *document) follows(t *token, count int, events []bson.Raw) bool {
	switch {
	case !d.ID.Equal(t.id) || d.Own.Generation != t.generation || d.count() < count:
		return false
	case count == 0:
		return d.Own.Base == 0
	}
	return count > d.Own.Base && len(events) == d.count()-count+1 && fingerprint(events[0]) == t.last
}

func (t *token) position() stores.Position {
	return stores.Position{Count: t.base + t.size - t.skip, Token: t}
}

// filter matches the document when it is still the one of the token.
func (t *token) filter(senderID string) bson.D {
	size := bson.E{Key: fieldEvents, Value: bson.D{{Key: "$size", Value: t.size}}}
	if t.size == 0 { // also without a list
		size = bson.E{Key: fieldEvents + ".0", Value: bson.D{{Key: "$exists", Value: false}}}
	}
	f := bson.D{{Key: fieldID, Value: t.id}, {Key: fieldSender, Value: cleanText(senderID)}, size,
		{Key: fieldOwn + ".base", Value: orNull(t.base, t.base > 0)},
		{Key: fieldOwn + ".generation", Value: orNull(t.generation, t.generation != "")}}
	if t.size > t.skip && !math.IsNaN(t.lastTime) && t.lastIsValid {
		f = append(f, bson.E{Key: fmt.Sprintf("%s.%d.timestamp", fieldEvents, t.size-1), Value: t.lastTime})
	}
	return f
}

// orNull returns v, or null, which matches a field that is absent.
func orNull(v any, given bool) any {
	if given {
		return v
	}
	return nil
}

// fingerprint tells events apart. It is the same on all nodes.
func fingerprint(event bson.Raw) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(event) // it never fails
	return h.Sum64()
}

func total(events []bson.Raw) int {
	n := 0
	for _, e := range events {
		n += len(e) + 8
	}
	return n
}

// documentID is the _id of a conversation that parley begins: two nodes that begin it at once collide on it, though
// Rasa's index of sender_id is not unique. To Rasa it is an ObjectId like those it makes.
func documentID(senderID string) bson.ObjectID { return hashID("conversation", senderID) }

func hashID(parts ...string) bson.ObjectID {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return bson.ObjectID(h.Sum(nil)[:12])
}

// state returns the fields that Rasa sets at each save: the current state without the events.
func state(t *tracker.Tracker) bson.D {
	current := t.CurrentState(tracker.EventsNone)
	out := make(bson.D, 0, current.Len())
	for key, v := range current.All() {
		if key != fieldEvents {
			out = append(out, bson.E{Key: key, Value: rawValue(v)})
		}
	}
	return out
}

// rawValue returns v as a value for the driver.
func rawValue(v any) bson.RawValue {
	return encodeMap(value.NewMap("v", v)).Lookup("v")
}

// encodeEvents returns events as Rasa's as_dict has them.
func encodeEvents(events []tracker.Event) []bson.Raw {
	out := make([]bson.Raw, len(events))
	for i, e := range events {
		out[i] = encodeMap(tracker.AsMap(e))
	}
	return out
}

// decodeEvents reads events as Rasa's deserialise_events does: entries without a name and obsolete ones are passed over.
func (l *Log) decodeEvents(documents []bson.Raw) ([]tracker.Event, error) {
	out := make([]tracker.Event, 0, len(documents))
	for _, d := range documents {
		m, err := decodeMap(d)
		if err != nil {
			return nil, err
		}
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
