package mongo

import (
	"context"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// Timers is a stores.Timers in the collection parley_timers of the conversations' database. It is safe for concurrent use
// and ends with its Log.
type Timers struct {
	log        *Log
	collection *mongo.Collection
}

var _ stores.Timers = (*Timers)(nil)

// timer is a document of the collection; times are in microseconds since 1970.
type timer struct {
	// Key is made of sender_id and name.
	Key    bson.ObjectID `bson:"_id"`
	Sender string        `bson:"sender_id"`
	Name   string        `bson:"name"`
	ID     string        `bson:"id"`
	Due    int64         `bson:"due"`
	// Free is when it may be claimed: Due, later the end of the lease.
	Free    int64 `bson:"free"`
	Attempt int   `bson:"attempt"`
	// Data is JSON, so that all of its types survive.
	Data string `bson:"data"`
}

func timerKey(t stores.Timer) bson.ObjectID { return hashID("timer", t.SenderID, t.Name) }

// Set implements stores.Timers.
func (s *Timers) Set(ctx context.Context, t stores.Timer) error {
	if err := s.log.ready(ctx); err != nil {
		return err
	}
	due := t.Due.UnixMicro()
	document := timer{Key: timerKey(t), Sender: cleanText(t.SenderID), Name: cleanText(t.Name), ID: t.ID, Due: due, Free: due,
		Data: string(value.Encode(t.Data, value.JSON))}
	key, upsert := bson.D{{Key: fieldID, Value: document.Key}}, options.Replace().SetUpsert(true)
	_, err := s.collection.ReplaceOne(ctx, key, document, upsert)
	if mongo.IsDuplicateKeyError(err) { // another node made it at the same moment
		_, err = s.collection.ReplaceOne(ctx, key, document, upsert)
	}
	return classify(err)
}

// List implements stores.Timers.
func (s *Timers) List(ctx context.Context, senderID string) ([]stores.Timer, error) {
	if err := s.log.ready(ctx); err != nil {
		return nil, err
	}
	cursor, err := s.collection.Find(ctx, bson.D{{Key: fieldSender, Value: cleanText(senderID)}}, options.Find().SetSort(bson.D{{Key: "name", Value: 1}}))
	if err != nil {
		return nil, classify(err)
	}
	var found []timer
	if err := cursor.All(ctx, &found); err != nil {
		return nil, classify(err)
	}
	var out []stores.Timer
	for i := range found {
		t, err := found[i].timer()
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

func (t *timer) timer() (stores.Timer, error) {
	v, err := value.DecodeString(t.Data)
	if err != nil {
		return stores.Timer{}, fmt.Errorf("reading the timer %q of %q: %w", t.Name, t.Sender, err)
	}
	data, _ := v.(*value.Map)
	return stores.Timer{SenderID: t.Sender, Name: t.Name, ID: t.ID, Due: time.UnixMicro(t.Due), Data: data, Attempt: t.Attempt}, nil
}

// Remove implements stores.Timers.
func (s *Timers) Remove(ctx context.Context, t stores.Timer) (bool, error) {
	if err := s.log.ready(ctx); err != nil {
		return false, err
	}
	result, err := s.collection.DeleteOne(ctx, bson.D{{Key: fieldID, Value: timerKey(t)}, {Key: "id", Value: t.ID}})
	if err != nil {
		return false, classify(err)
	}
	return result.DeletedCount > 0, nil
}

// Claim implements stores.Timers: each timer is claimed by an update of its own, which nobody else can make as well.
func (s *Timers) Claim(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]stores.Timer, error) {
	if err := s.log.ready(ctx); err != nil {
		return nil, err
	}
	due := bson.D{{Key: "free", Value: bson.D{{Key: "$lte", Value: now.UnixMicro()}}}}
	claim := bson.D{{Key: "$set", Value: bson.D{{Key: "free", Value: now.Add(lease).UnixMicro()}}}, {Key: "$inc", Value: bson.D{{Key: "attempt", Value: 1}}}}
	opts := options.FindOneAndUpdate().SetSort(bson.D{{Key: "due", Value: 1}}).SetReturnDocument(options.After)
	var out []stores.Timer
	for len(out) < limit {
		var found timer
		err := s.collection.FindOneAndUpdate(ctx, due, claim, opts).Decode(&found)
		if isNone(err) {
			break
		}
		if err != nil && len(out) > 0 {
			break // these are claimed; the next call tells
		}
		if err != nil {
			return nil, classify(err)
		}
		t, err := found.timer()
		if err != nil {
			return out, err
		}
		out = append(out, t)
	}
	return out, nil
}

// Next implements stores.Timers.
func (s *Timers) Next(ctx context.Context) (time.Time, bool, error) {
	if err := s.log.ready(ctx); err != nil {
		return time.Time{}, false, err
	}
	var next timer
	err := s.collection.FindOne(ctx, bson.D{}, options.FindOne().SetSort(bson.D{{Key: "free", Value: 1}})).Decode(&next)
	switch {
	case isNone(err):
		return time.Time{}, false, nil
	case err != nil:
		return time.Time{}, false, classify(err)
	}
	return time.UnixMicro(next.Free), true, nil
}
