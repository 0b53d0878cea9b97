package mongo

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/parleybot/parley/stores"
)

const commits = fieldOwn + ".commits"

// fromFirstCommit is the stage that leaves the events from those of the first commit on.
func fromFirstCommit() bson.D {
	first := bson.D{{Key: "$arrayElemAt", Value: bson.A{"$" + commits + ".at", 0}}}
	return project(slice(position(bson.D{{Key: "$ifNull", Value: bson.A{first, allEvents / 2}}})))
}

// Unsettled implements stores.Outbox.
func (l *Log) Unsettled(ctx context.Context, before time.Time, limit int) ([]stores.Commit, error) {
	if err := l.ready(ctx); err != nil || limit <= 0 {
		return nil, err
	}
	found, err := l.aggregate(ctx, []bson.D{
		{{Key: "$match", Value: bson.D{{Key: commitTime, Value: bson.D{{Key: "$lt", Value: before}}}}}},
		{{Key: "$sort", Value: bson.D{{Key: commitTime, Value: 1}}}},
		{{Key: "$limit", Value: limit}},
		fromFirstCommit(),
	})
	if err != nil {
		return nil, err
	}
	var out []stores.Commit
	for _, d := range found {
		list, err := l.deliveries(ctx, d, before)
		if err != nil {
			return nil, err
		}
		if out = append(out, list...); len(out) >= limit {
			return out[:limit], nil
		}
	}
	return out, nil
}

// UnsettledOf implements stores.Outbox.
func (l *Log) UnsettledOf(ctx context.Context, senderID string) ([]stores.Commit, error) {
	if err := l.ready(ctx); err != nil {
		return nil, err
	}
	d, err := l.find(ctx, senderID, fromFirstCommit())
	if err != nil || d == nil {
		return nil, err
	}
	return l.deliveries(ctx, d, time.Time{})
}

// deliveries returns the commits of a document with their events, up to the first that is not before the time given.
func (l *Log) deliveries(ctx context.Context, d *document, before time.Time) ([]stores.Commit, error) {
	notes, err := l.withEvents(ctx, d)
	if err != nil {
		return nil, err
	}
	var out []stores.Commit
	for _, n := range notes {
		if !before.IsZero() && !n.Time.Before(before) {
			break
		}
		events, err := l.decodeEvents(n.Events)
		if err != nil {
			return nil, err
		}
		out = append(out, stores.Commit{SenderID: d.Sender, ID: n.ID, Events: events, Time: n.Time})
	}
	return out, nil
}

// withEvents returns the notes of a document that was read from its first commit on, with the events.
func (l *Log) withEvents(ctx context.Context, d *document) ([]commit, error) {
	raw, err := documents(d.Events)
	if err != nil {
		return nil, err
	}
	notes := d.Own.Commits
	from := d.count() - len(raw) // the number of events before raw
	for i := range notes {
		n := &notes[i]
		if n.Events != nil || n.Count == 0 {
			continue
		}
		if n.At < from && from > 0 {
			// They were moved meanwhile.
			earlier, complete, err := l.earlier(ctx, d.Sender, d.Own, true)
			if err != nil {
				return nil, err
			}
			if !complete {
				continue // the conversation is being deleted
			}
			raw, from = append(earlier, raw...), 0
		}
		begin := min(max(0, n.At-from), len(raw))
		n.Events = raw[begin:min(begin+n.Count, len(raw))]
	}
	return notes, nil
}

// pending returns the notes of a conversation with the events.
func (l *Log) pending(ctx context.Context, senderID string) ([]commit, error) {
	d, err := l.find(ctx, senderID, fromFirstCommit())
	if err != nil || d == nil {
		return nil, err
	}
	return l.withEvents(ctx, d)
}

// Settle implements stores.Outbox. All notes are removed in one round trip.
func (l *Log) Settle(ctx context.Context, done []stores.CommitRef) error {
	if len(done) == 0 {
		return nil
	}
	if err := l.ready(ctx); err != nil {
		return err
	}
	var models []mongo.WriteModel
	add := func(filter, change bson.D) {
		models = append(models, mongo.NewUpdateOneModel().SetFilter(filter).SetUpdate(change))
	}
	for _, ref := range done {
		sender := bson.E{Key: fieldSender, Value: cleanText(ref.SenderID)}
		holds := bson.E{Key: commits + ".id", Value: ref.ID}
		// Most often it is all there is of the field, which goes then: the document is Rasa's again.
		add(bson.D{sender, holds, {Key: commits, Value: bson.D{{Key: "$size", Value: 1}}}, {Key: fieldOwn + ".base", Value: nil}, {Key: fieldOwn + ".generation", Value: nil}},
			bson.D{{Key: "$unset", Value: bson.D{{Key: fieldOwn, Value: ""}}}})
		add(bson.D{sender, holds}, bson.D{{Key: "$pull", Value: bson.D{{Key: commits, Value: bson.D{{Key: "id", Value: ref.ID}}}}}})
		add(bson.D{sender, {Key: commits, Value: bson.A{}}}, bson.D{{Key: "$unset", Value: bson.D{{Key: commits, Value: ""}}}})
	}
	_, err := l.conversations.BulkWrite(ctx, models, options.BulkWrite().SetOrdered(true))
	return classify(err)
}
