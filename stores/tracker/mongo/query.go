package mongo

import (
	"context"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/stores"
)

// IDs implements stores.TrackerStore: times, the channel, the intent and the slot of q are looked for by the server.
// Without them the index of sender_id is all that is read; none but that one is made. Conversations whose sender_id is a
// number appear after a message made a text of it.
func (l *Log) IDs(ctx context.Context, q stores.Query, after string, limit int) ([]string, error) {
	if err := l.ready(ctx); err != nil {
		return nil, err
	}
	var ids []string
	for {
		from := bson.D{{Key: "$gte", Value: ""}}
		if after != "" || len(ids) > 0 {
			from = bson.D{{Key: "$gt", Value: cleanText(after)}}
		}
		opts := options.Find().SetSort(bson.D{{Key: fieldSender, Value: 1}}).SetProjection(bson.D{{Key: fieldSender, Value: 1}, {Key: fieldID, Value: 0}})
		if limit > 0 {
			opts.SetLimit(int64(limit - len(ids)))
		}
		n := 0
		cursor, err := l.conversations.Find(ctx, append(bson.D{{Key: fieldSender, Value: from}}, conditions(q)...), opts)
		err = each(ctx, cursor, err, func(d bson.Raw) error {
			n++
			id, ok := d.Lookup(fieldSender).StringValueOK()
			if ok && (len(ids) == 0 || ids[len(ids)-1] != id) { // a conversation may have two documents
				ids = append(ids, id)
			}
			return nil
		})
		if err != nil || n == 0 || limit == 0 || len(ids) >= limit {
			return ids, err
		}
		after = ids[len(ids)-1]
	}
}

// conditions returns what can be asked of a document: it holds for all conversations that match q.
func conditions(q stores.Query) bson.D {
	var d bson.D
	// Times of events have more digits than a time.Time of this precision: compare with some room.
	const room = time.Millisecond
	var bounds bson.D
	if !q.Since.IsZero() {
		bounds = append(bounds, bson.E{Key: "$gte", Value: seconds(q.Since.Add(-room))})
	}
	if !q.Until.IsZero() {
		bounds = append(bounds, bson.E{Key: "$lte", Value: seconds(q.Until.Add(room))})
	}
	if len(bounds) > 0 {
		d = append(d, bson.E{Key: fieldTime, Value: bounds})
	}
	var all bson.A
	message := func(field, want string) {
		if want == "" {
			return
		}
		// What was moved out of the document is not looked at.
		all = append(all, bson.D{{Key: "$or", Value: bson.A{
			bson.D{{Key: fieldEvents, Value: bson.D{{Key: "$elemMatch", Value: bson.D{{Key: "event", Value: tracker.TypeUser}, {Key: field, Value: cleanText(want)}}}}}},
			bson.D{{Key: fieldOwn + ".base", Value: bson.D{{Key: "$gt", Value: 0}}}},
		}}})
	}
	message("input_channel", q.Channel)
	message("parse_data.intent.name", q.Intent)
	if q.Slot != "" && !strings.ContainsAny(q.Slot, ".$\x00") {
		// A slot that is newer than the document may have an initial value.
		field := "slots." + q.Slot
		all = append(all, bson.D{{Key: "$or", Value: bson.A{
			bson.D{{Key: field, Value: bson.D{{Key: "$ne", Value: nil}}}},
			bson.D{{Key: field, Value: bson.D{{Key: "$exists", Value: false}}}},
		}}})
	}
	if len(all) > 0 {
		d = append(d, bson.E{Key: "$and", Value: all})
	}
	return d
}

func seconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

// Delete implements stores.TrackerStore.
func (l *Log) Delete(ctx context.Context, senderID string) (int, error) {
	if err := l.ready(ctx); err != nil {
		return 0, err
	}
	same := bson.A{cleanText(senderID)}
	if n, ok := asInt64(senderID); ok {
		same = append(same, n)
	}
	of := bson.D{{Key: fieldSender, Value: bson.D{{Key: "$in", Value: same}}}}
	found, err := l.aggregate(ctx, []bson.D{{{Key: "$match", Value: of}},
		{{Key: "$project", Value: bson.D{{Key: fieldOwn, Value: 1}, {Key: fieldSize, Value: sizeOf}}}}})
	if err != nil {
		return 0, err
	}
	if _, err := l.conversations.DeleteMany(ctx, of); err != nil {
		return 0, classify(err)
	}
	// They may be there without a document, after an earlier attempt that was not finished.
	if _, err := l.segments.DeleteMany(ctx, of); err != nil {
		return 0, classify(err)
	}
	events := 0
	for _, d := range found {
		events += d.count()
	}
	return events, nil
}

// Duplicates returns up to limit sender_ids that have more than one document, as a conversation may have that several nodes
// began at the same moment. Only the oldest document is used by anybody; what others hold is lost to the conversation.
func (l *Log) Duplicates(ctx context.Context, limit int) ([]string, error) {
	cursor, err := l.conversations.Aggregate(ctx, []bson.D{
		{{Key: "$sort", Value: bson.D{{Key: fieldSender, Value: 1}}}}, // lets the index be all that is read
		{{Key: "$group", Value: bson.D{{Key: fieldID, Value: "$" + fieldSender}, {Key: fieldSize, Value: bson.D{{Key: "$sum", Value: 1}}}}}},
		{{Key: "$match", Value: bson.D{{Key: fieldSize, Value: bson.D{{Key: "$gt", Value: 1}}}}}},
		{{Key: "$limit", Value: limit}},
	}, options.Aggregate().SetAllowDiskUse(true))
	var ids []string
	err = each(ctx, cursor, err, func(d bson.Raw) error {
		if id, ok := d.Lookup(fieldID).StringValueOK(); ok {
			ids = append(ids, id)
		}
		return nil
	})
	return ids, err
}

// warnOfDuplicates tells the log of some duplicates.
func (l *Log) warnOfDuplicates(ctx context.Context) {
	const examples = 20
	ids, err := l.Duplicates(ctx, examples)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		l.log.Info("conversations with several documents could not be looked for", "err", err)
	default:
		for _, id := range ids {
			l.log.Warn("a conversation has more than one document, only the first is used", "sender_id", id)
		}
	}
}
