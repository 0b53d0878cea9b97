package mongo

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/eventlog"
)

// allEvents is more than any list has. Some servers add the position to it in 32 bits.
const allEvents = 1 << 30

// Expressions over a conversation's document.
var (
	listOf = bson.D{{Key: "$ifNull", Value: bson.A{"$" + fieldEvents, bson.A{}}}}
	sizeOf = bson.D{{Key: "$size", Value: listOf}}
	skipOf = bson.D{{Key: "$ifNull", Value: bson.A{"$" + fieldOwn + ".skip", 0}}}
	baseOf = bson.D{{Key: "$ifNull", Value: bson.A{"$" + fieldOwn + ".base", 0}}}
)

func slice(from any) bson.D {
	return bson.D{{Key: "$slice", Value: bson.A{listOf, from, allEvents}}}
}

// position returns the place in the document's list of the event before which there are count events.
func position(count any) bson.D {
	place := bson.D{{Key: "$add", Value: bson.A{count, bson.D{{Key: "$subtract", Value: bson.A{skipOf, baseOf}}}}}}
	return bson.D{{Key: "$max", Value: bson.A{skipOf, place}}}
}

// project returns the stage that leaves a document's own fields and the events given.
func project(events any) bson.D {
	return bson.D{{Key: "$project", Value: bson.D{{Key: fieldSender, Value: 1}, {Key: fieldOwn, Value: 1}, {Key: fieldSize, Value: sizeOf},
		{Key: fieldEvents, Value: events}}}}
}

// onlyLastSession are the stages that, behind project, leave the events from the last session_started on, or all if there
// is none, so that earlier sessions are not transferred.
func onlyLastSession() []bson.D {
	// Events without a name are missing from this list. Then too few are left, which readDocument notices.
	names := "$" + fieldEvents + ".event"
	behind := bson.D{{Key: "$indexOfArray", Value: bson.A{bson.D{{Key: "$reverseArray", Value: names}}, tracker.TypeSessionStarted}}}
	events := bson.D{{Key: "$cond", Value: bson.A{
		bson.D{{Key: "$lt", Value: bson.A{"$behind", 0}}}, "$" + fieldEvents,
		bson.D{{Key: "$slice", Value: bson.A{"$" + fieldEvents, bson.D{{Key: "$subtract", Value: bson.A{-1, "$behind"}}}}}}}}}
	keep := bson.D{{Key: fieldSender, Value: 1}, {Key: fieldOwn, Value: 1}, {Key: fieldSize, Value: 1}}
	return []bson.D{
		{{Key: "$project", Value: append(keep[:3:3], bson.E{Key: fieldEvents, Value: 1}, bson.E{Key: "behind", Value: behind})}},
		{{Key: "$project", Value: append(keep[:3:3], bson.E{Key: fieldEvents, Value: events})}},
	}
}

// find returns the conversation's document as the stages leave it, nil when there is none. Of several it takes the one
// that Rasa's find_one takes.
func (l *Log) find(ctx context.Context, senderID string, stages ...bson.D) (*document, error) {
	pipeline := append([]bson.D{
		{{Key: "$match", Value: bson.D{{Key: fieldSender, Value: cleanText(senderID)}}}},
		{{Key: "$limit", Value: 2}},
	}, stages...)
	found, err := l.aggregate(ctx, pipeline)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	if len(found) > 1 {
		l.log.Error("a conversation has more than one document, only the first is used", "sender_id", senderID)
	}
	return found[0], nil
}

func (l *Log) aggregate(ctx context.Context, pipeline []bson.D) ([]*document, error) {
	cursor, err := l.conversations.Aggregate(ctx, pipeline)
	if err != nil {
		return nil, classify(err)
	}
	var found []*document
	if err := cursor.All(ctx, &found); err != nil {
		return nil, classify(err)
	}
	return found, nil
}

// errEnough ends each early.
var errEnough = errors.New("enough")

// each calls visit for every document that a query returned, whose error is err. What visit gets it must not keep.
func each(ctx context.Context, cursor *mongo.Cursor, err error, visit func(bson.Raw) error) error {
	if err != nil {
		return classify(err)
	}
	defer func() { _ = cursor.Close(context.WithoutCancel(ctx)) }() // the answers were read, or reading them failed
	for cursor.Next(ctx) {
		switch err := visit(cursor.Current); {
		case errors.Is(err, errEnough):
			return nil
		case err != nil:
			return err
		}
	}
	return classify(cursor.Err())
}

// Read implements eventlog.Log.
func (l *Log) Read(ctx context.Context, senderID string, since stores.Position, all bool) (eventlog.Tail, error) {
	if err := l.ready(ctx); err != nil {
		return eventlog.Tail{}, err
	}
	if t, ok := since.Token.(*token); ok {
		tail, right, err := l.readTail(ctx, senderID, t, since.Count)
		if right || err != nil {
			return tail, err
		}
	}
	return l.readWhole(ctx, senderID, all)
}

// readTail reads what is behind a position, and the event before it to see whether the position is still right.
func (l *Log) readTail(ctx context.Context, senderID string, t *token, count int) (_ eventlog.Tail, right bool, err error) {
	d, err := l.find(ctx, senderID, project(slice(position(count-1))))
	if err != nil || d == nil {
		return eventlog.Tail{}, err == nil, err
	}
	raw, err := documents(d.Events)
	if err != nil {
		return eventlog.Tail{}, false, err
	}
	if !d.follows(t, count, raw) {
		return eventlog.Tail{}, false, nil
	}
	now := *t
	now.base, now.skip, now.size = d.Own.Base, d.Own.Skip, d.Size
	if count > 0 {
		raw = raw[1:]
	}
	now.see(raw)
	now.bytes += total(raw)
	events, err := l.decodeEvents(raw)
	return eventlog.Tail{Found: true, Continues: true, Events: events, At: now.position(), Unsettled: d.unsettled()}, true, err
}

// readWhole reads the last session, or all.
func (l *Log) readWhole(ctx context.Context, senderID string, all bool) (eventlog.Tail, error) {
	for attempt := 0; ; attempt++ {
		d, raw, err := l.readDocument(ctx, senderID, all)
		if err != nil || d == nil {
			return eventlog.Tail{}, err
		}
		at := d.token(raw).position()
		if d.Own.Base > 0 && (all || !startsSession(raw)) {
			earlier, complete, err := l.earlier(ctx, senderID, d.Own, all)
			if err != nil {
				return eventlog.Tail{}, err
			}
			if !complete && attempt == 0 {
				continue // the conversation may have been deleted or replaced meanwhile
			}
			if !complete {
				return eventlog.Tail{}, fmt.Errorf("segments before event %d of the conversation are missing", d.Own.Base)
			}
			raw = append(earlier, raw...)
		}
		events, err := l.decodeEvents(raw)
		return eventlog.Tail{Found: true, Events: events, At: at, Unsettled: d.unsettled()}, err
	}
}

// readDocument reads the last session of what the document holds, or all of it.
func (l *Log) readDocument(ctx context.Context, senderID string, all bool) (*document, []bson.Raw, error) {
	stages := []bson.D{project(slice(skipOf))}
	if !all {
		stages = append(stages, onlyLastSession()...)
	}
	d, err := l.find(ctx, senderID, stages...)
	if err == nil && d == nil {
		var migrated bool
		if migrated, err = l.migrate(ctx, senderID); migrated {
			d, err = l.find(ctx, senderID, stages...)
		}
	}
	if err != nil || d == nil {
		return nil, nil, err
	}
	raw, err := documents(d.Events)
	if err == nil && len(raw) < d.Size-d.Own.Skip && !all && !startsSession(raw) {
		return l.readDocument(ctx, senderID, true)
	}
	return d, raw, err
}

func startsSession(raw []bson.Raw) bool {
	return len(raw) > 0 && eventType(raw[0]) == tracker.TypeSessionStarted
}

func eventType(event bson.Raw) string {
	name, _ := event.Lookup("event").StringValueOK()
	return name
}

// migrate makes a text of the sender_id of a conversation that has a number for it, as old versions of Rasa wrote them
// (MongoTrackerStore._retrieve). It reports whether there is one.
func (l *Log) migrate(ctx context.Context, senderID string) (bool, error) {
	number, ok := asInt64(senderID)
	if !ok {
		return false, nil
	}
	err := l.conversations.FindOneAndUpdate(ctx, bson.D{{Key: fieldSender, Value: number}},
		bson.D{{Key: "$set", Value: bson.D{{Key: fieldSender, Value: senderID}}}},
		options.FindOneAndUpdate().SetProjection(bson.D{{Key: fieldID, Value: 1}})).Err()
	if isNone(err) {
		return false, nil
	}
	return err == nil, classify(err)
}

// asInt64 is Python's int of a text for which isdigit holds, as far as MongoDB has such numbers.
func asInt64(s string) (int64, bool) {
	if !value.IsDigit(s) || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, ok := new(big.Int).SetString(s, 10)
	if !ok || !n.IsInt64() {
		return 0, false
	}
	return n.Int64(), true
}
