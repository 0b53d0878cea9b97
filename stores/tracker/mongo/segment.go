package mongo

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// A document that grew long is cut: its older events move into segments, documents of a collection of their own with
// fields sender_id, generation, base (the number of events before), until (base and the number of events) and events. The
// segments are written first; then the update that stores the turn puts what is left of the list in its place, under the
// same condition as ever. When that fails the segments are left over: reading follows the chain from the document's base
// backwards, in which they do not occur.

const (
	// minSegment is the least number of events for which cutting makes sense.
	minSegment = 20
	// segmentBytes is the most that goes into one segment, unless a single event is larger.
	segmentBytes = 8 << 20
	// startEvents is how many events of a session come before its session_started: the action and a slot.
	startEvents = 2
)

type segment struct {
	ID         bson.ObjectID `bson:"_id"`
	Sender     string        `bson:"sender_id"`
	Generation string        `bson:"generation,omitempty"`
	Base       int           `bson:"base"`
	Until      int           `bson:"until"`
	Events     bson.RawValue `bson:"events"`
}

// tooLong reports whether a part of the document should be moved when the new events are added to one of which t is known.
func (w *write) tooLong(t *token) bool {
	n := t.size - t.skip + len(w.events)
	switch {
	case w.mode == SegmentOff || n < t.patience:
		return false
	case t.bytes+total(w.events) > w.bytesLimit:
		return true
	case n <= w.segmentEvents:
		return false
	}
	return w.mode == SegmentAlways || w.sessionLength()+startEvents < n
}

// sessionLength counts the events from the last session_started on.
func (w *write) sessionLength() int {
	events := w.turn.Tracker.Events()
	for i := len(events) - 1; i >= 0; i-- {
		if _, ok := events[i].(*tracker.SessionStarted); ok {
			return len(events) - i
		}
	}
	return len(events)
}

// shorten writes the turn and moves older events. It returns nil when there was nothing to move and nothing was written.
func (w *write) shorten(ctx context.Context) (*token, error) {
	d, err := w.find(ctx, w.senderID, project(slice(skipOf)))
	if err != nil {
		return nil, err
	}
	var stored []bson.Raw
	if d != nil {
		if stored, err = documents(d.Events); err != nil {
			return nil, err
		}
	}
	if from := max(0, len(stored)-1); d == nil || d.Size != w.at.size || !d.follows(w.at, w.turn.At.Count, stored[from:]) {
		return nil, stores.ErrConflict
	}
	return w.rewrite(ctx, d, stored)
}

// rewrite writes a list of events anew: what stays of the stored ones, and the new ones. d holds parley's own fields.
func (w *write) rewrite(ctx context.Context, d *document, stored []bson.Raw) (*token, error) {
	events := slices.Concat(stored, w.events)
	cut, inside := w.cut(events)
	var repeated []bson.Raw
	if inside {
		repeated = w.summary(events[cut:])
	}
	if cut == 0 && len(stored) > 0 {
		w.at.bytes, w.at.patience = total(stored), len(events)+len(events)/8
		return nil, nil
	}
	o := d.Own
	if err := w.store(ctx, o, events[:cut]); err != nil {
		return nil, err
	}
	if inside && w.mode != SegmentAlways {
		w.log.Warn("a session is too long for one document: nodes of Rasa see its end only", "sender_id", w.senderID)
	}
	o.Base, o.Skip = o.Base+cut, len(repeated)
	list := append(repeated, events[cut:]...)
	if w.at == nil {
		return w.create(ctx, o, list)
	}
	return w.put(ctx, o, list)
}

// put replaces the list of events of the document.
func (w *write) put(ctx context.Context, o own, list []bson.Raw) (*token, error) {
	set := append(state(w.turn.Tracker), bson.E{Key: fieldEvents, Value: array(list)})
	change := bson.D{}
	n := w.note(o.Base + len(list) - o.Skip - len(w.events))
	if w.turn.Replace {
		if n != nil {
			o.Commits = append(o.Commits, *n)
		}
		set = append(set, bson.E{Key: fieldOwn, Value: o.fields()})
	} else {
		// Others may settle commits meanwhile: these are not touched.
		set = append(set, bson.E{Key: fieldOwn + ".base", Value: o.Base})
		if o.Skip > 0 {
			set = append(set, bson.E{Key: fieldOwn + ".skip", Value: o.Skip})
		} else {
			change = append(change, bson.E{Key: "$unset", Value: bson.D{{Key: fieldOwn + ".skip", Value: ""}}})
		}
		if n != nil {
			change = append(change, bson.E{Key: "$push", Value: bson.D{{Key: fieldOwn + ".commits", Value: *n}}})
		}
	}
	if err := w.update(ctx, append(change, bson.E{Key: "$set", Value: set})); err != nil {
		return nil, err
	}
	t := &token{id: w.at.id, generation: o.Generation, base: o.Base, skip: o.Skip, size: len(list), bytes: total(list)}
	t.see(list)
	return t, nil
}

// cut returns how many events are to be moved; inside tells that the session they belong to goes on.
func (w *write) cut(events []bson.Raw) (n int, inside bool) {
	if w.mode == SegmentOff {
		return 0, false
	}
	start := sessionStart(events)
	if len(events) > w.segmentEvents || total(events) > w.bytesLimit {
		n = start
	}
	rest := events[n:]
	switch {
	case total(rest) > w.bytesLimit:
		last := len(rest) - 1
		for size := 0; last > 1 && size < w.bytesLimit/4; last-- {
			size += len(rest[last])
		}
		if at := turnBefore(rest, last); at > 0 {
			return n + at, true
		}
		return n + last, true
	case w.mode == SegmentAlways && len(rest) > w.segmentEvents:
		if at := turnBefore(rest, len(rest)-w.segmentEvents/4); at > 0 {
			return n + at, true
		}
	}
	return n, false
}

// sessionStart returns where the last session begins: with the action that starts it, and the slot that is set before that
// when a channel sent metadata.
func sessionStart(events []bson.Raw) int {
	for i := len(events) - 1; i > 0; i-- {
		if eventType(events[i]) != tracker.TypeSessionStarted {
			continue
		}
		if is(events[i-1], tracker.TypeAction, tracker.ActionSessionStart) {
			i--
			if i > 0 && is(events[i-1], tracker.TypeSlot, "session_started_metadata") {
				i--
			}
		}
		return i
	}
	return 0
}

// turnBefore returns the last place, not behind last, where a turn begins: the listening before a message of the user.
func turnBefore(events []bson.Raw, last int) int {
	for i := min(last, len(events)-2); i > 0; i-- {
		if eventType(events[i+1]) == tracker.TypeUser && is(events[i], tracker.TypeAction, tracker.ActionListen) {
			return i
		}
	}
	return 0
}

func is(event bson.Raw, typ, name string) bool {
	got, _ := event.Lookup("name").StringValueOK()
	return got == name && eventType(event) == typ
}

// summary returns events that bring a node of Rasa, which sees no more of the session than rest, to the state before it:
// slots and active loop. It is empty when the tracker does not reach back that far.
func (w *write) summary(rest []bson.Raw) []bson.Raw {
	events := w.turn.Tracker.Events()
	from := len(events) - len(rest)
	if from <= 0 {
		return nil
	}
	f := w.turn.Tracker.Factory()
	before := f.FromEvents(w.senderID, events[:from]).Reload()
	base := tracker.Base{Timestamp: events[from].Meta().Timestamp}
	out := []tracker.Event{&tracker.SessionStarted{Base: base}}
	initial := f.New(w.senderID).SlotValues()
	for name, v := range before.SlotValues().All() {
		if !value.Equal(v, initial.Value(name)) {
			out = append(out, &tracker.SlotSet{Base: base, Key: name, Value: v})
		}
	}
	if loop := before.State().Loop; loop != nil {
		out = append(out, &tracker.ActiveLoop{Base: base, Name: loop.Name})
		if loop.Interrupted {
			out = append(out, &tracker.LoopInterrupted{Base: base, IsInterrupted: true})
		}
	}
	return encodeEvents(out)
}

// store writes events into segments. It may be repeated.
func (w *write) store(ctx context.Context, o own, events []bson.Raw) error {
	base := o.Base
	for part := range parts(events, w.segmentEvents) {
		until := base + len(part)
		s := segment{ID: hashID("segment", w.senderID, o.Generation, strconv.Itoa(base), strconv.Itoa(until)), Sender: cleanText(w.senderID),
			Generation: o.Generation, Base: base, Until: until, Events: array(part)}
		_, err := w.segments.ReplaceOne(ctx, bson.D{{Key: fieldID, Value: s.ID}}, s, options.Replace().SetUpsert(true))
		if err != nil && !mongo.IsDuplicateKeyError(err) { // another node writes the same at this moment
			return fmt.Errorf("writing a segment: %w", classify(err))
		}
		base = until
	}
	return nil
}

// parts yields lists of at most count events and about segmentBytes.
func parts(events []bson.Raw, count int) func(func([]bson.Raw) bool) {
	return func(yield func([]bson.Raw) bool) {
		for len(events) > 0 {
			n, size := 0, 0
			for n < len(events) && n < count && (n == 0 || size+len(events[n]) <= segmentBytes) {
				size += len(events[n])
				n++
			}
			if !yield(events[:n]) {
				return
			}
			events = events[n:]
		}
	}
}

// earlier returns the events before the document's: those of the running session, or all. complete is false when a segment
// is missing.
func (l *Log) earlier(ctx context.Context, senderID string, o own, all bool) (events []bson.Raw, complete bool, err error) {
	cursor, err := l.segments.Find(ctx, bson.D{{Key: fieldSender, Value: cleanText(senderID)}, {Key: "base", Value: bson.D{{Key: "$lt", Value: o.Base}}},
		{Key: "generation", Value: orNull(o.Generation, o.Generation != "")}},
		options.Find().SetSort(bson.D{{Key: "base", Value: -1}}).SetBatchSize(2))
	var found [][]bson.Raw
	want := o.Base
	err = each(ctx, cursor, err, func(d bson.Raw) error {
		var s segment
		if err := bson.Unmarshal(d, &s); err != nil {
			return err
		}
		if s.Until != want {
			return nil // left over from a write that did not come about
		}
		part, err := documents(s.Events)
		if err != nil {
			return err
		}
		started := false
		if want = s.Base; !all {
			part, started = lastSession(part)
		}
		found = append(found, part)
		if started {
			want = 0
		}
		if want == 0 {
			return errEnough
		}
		return nil
	})
	slices.Reverse(found)
	return slices.Concat(found...), want == 0, err
}

// lastSession returns the events from the last session_started on and true, or all and false.
func lastSession(events []bson.Raw) ([]bson.Raw, bool) {
	for i := len(events) - 1; i >= 0; i-- {
		if eventType(events[i]) == tracker.TypeSessionStarted {
			return events[i:], true
		}
	}
	return events, false
}
