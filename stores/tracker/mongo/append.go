package mongo

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/parleybot/parley/stores"
)

// Append implements eventlog.Log.
func (l *Log) Append(ctx context.Context, turn stores.Turn) (stores.Position, error) {
	if err := l.ready(ctx); err != nil {
		return stores.Position{}, err
	}
	w := &write{Log: l, turn: turn, senderID: turn.Tracker.SenderID, events: encodeEvents(turn.New())}
	at, err := w.run(ctx)
	if err != nil {
		return stores.Position{}, err
	}
	return at.position(), nil
}

// write is the writing of one turn.
type write struct {
	*Log
	turn     stores.Turn
	senderID string
	// events are the new ones.
	events []bson.Raw
	// at is where the conversation was, nil when there was none.
	at *token
}

func (w *write) run(ctx context.Context) (*token, error) {
	if t, ok := w.turn.At.Token.(*token); ok {
		at := *t // others may write with the same position
		w.at = &at
	} else if w.turn.At.Count > 0 {
		if err := w.locate(ctx); err != nil {
			return nil, err
		}
	}
	switch {
	case w.turn.Replace:
		return w.replace(ctx)
	case w.at == nil && !w.tooLong(&token{}):
		return w.create(ctx, own{}, w.events)
	case w.at == nil:
		return w.rewrite(ctx, &document{}, nil)
	case w.tooLong(w.at):
		at, err := w.shorten(ctx)
		if at != nil || err != nil {
			return at, err
		}
	}
	at, err := w.push(ctx)
	if tooLarge(err) && w.mode != SegmentOff {
		// The size is only estimated.
		w.log.Warn("a document is too large, it is cut", "sender_id", w.senderID)
		w.at.bytes = max(w.at.bytes, w.bytesLimit)
		if at, forced := w.shorten(ctx); at != nil || forced != nil {
			return at, forced
		}
	}
	return at, err
}

// locate finds the document of a position that was kept without its token.
func (w *write) locate(ctx context.Context) error {
	d, err := w.find(ctx, w.senderID, project(slice(position(w.turn.At.Count-1))))
	if err != nil {
		return err
	}
	if d == nil || d.count() != w.turn.At.Count {
		return stores.ErrConflict
	}
	raw, err := documents(d.Events)
	w.at = d.token(raw)
	return err
}

// note returns the commit's note, or nil when nothing is to be delivered.
func (w *write) note(before int) *commit {
	if !w.turn.Deliver {
		return nil
	}
	return &commit{ID: w.turn.ID, At: before, Count: len(w.events), Time: w.now()}
}

// create writes a document if there is none for the sender: what $setOnInsert says is passed over when one is found.
func (w *write) create(ctx context.Context, o own, events []bson.Raw) (*token, error) {
	id := documentID(w.senderID)
	set := append(bson.D{{Key: fieldID, Value: id}}, state(w.turn.Tracker)...)
	set = append(set, bson.E{Key: fieldEvents, Value: array(events)})
	if n := w.note(o.Base + len(events) - o.Skip - len(w.events)); n != nil {
		o.Commits = append(o.Commits, *n)
	}
	if fields := o.fields(); len(fields) > 0 {
		set = append(set, bson.E{Key: fieldOwn, Value: fields})
	}
	result, err := w.conversations.UpdateOne(ctx, bson.D{{Key: fieldSender, Value: cleanText(w.senderID)}},
		bson.D{{Key: "$setOnInsert", Value: set}}, options.UpdateOne().SetUpsert(true))
	switch {
	case mongo.IsDuplicateKeyError(err):
		return nil, stores.ErrConflict
	case err != nil:
		return nil, classify(err)
	case result.MatchedCount > 0:
		return nil, stores.ErrConflict
	}
	t := &token{id: bson.RawValue{Type: bson.TypeObjectID, Value: id[:]}, generation: o.Generation, base: o.Base, skip: o.Skip, size: len(events),
		bytes: total(events)}
	t.see(events)
	return t, nil
}

// fields returns what is not zero.
func (o *own) fields() bson.D {
	var d bson.D
	if o.Base > 0 {
		d = append(d, bson.E{Key: "base", Value: o.Base})
	}
	if o.Skip > 0 {
		d = append(d, bson.E{Key: "skip", Value: o.Skip})
	}
	if o.Generation != "" {
		d = append(d, bson.E{Key: "generation", Value: o.Generation})
	}
	if len(o.Commits) > 0 {
		d = append(d, bson.E{Key: "commits", Value: o.Commits})
	}
	return d
}

// push appends the new events: Rasa's update, under the condition that the document is as it was.
func (w *write) push(ctx context.Context) (*token, error) {
	push := bson.D{{Key: fieldEvents, Value: bson.D{{Key: "$each", Value: array(w.events)}}}}
	if n := w.note(w.turn.At.Count); n != nil {
		push = append(push, bson.E{Key: fieldOwn + ".commits", Value: *n})
	}
	err := w.update(ctx, bson.D{{Key: "$set", Value: state(w.turn.Tracker)}, {Key: "$push", Value: push}})
	if err != nil {
		return nil, err
	}
	t := *w.at
	t.size += len(w.events)
	t.bytes += total(w.events)
	t.see(w.events)
	return &t, nil
}

// update changes the document if it is as it was.
func (w *write) update(ctx context.Context, change bson.D) error {
	result, err := w.conversations.UpdateOne(ctx, w.at.filter(w.senderID), change)
	switch {
	case err != nil:
		return classify(err)
	case result.MatchedCount == 0:
		return stores.ErrConflict
	}
	return nil
}

// replace makes the new events the whole conversation, of another generation: positions of the old one are right nowhere,
// even if it happens to end with the same event.
func (w *write) replace(ctx context.Context) (*token, error) {
	if w.at == nil {
		return w.rewrite(ctx, &document{}, nil)
	}
	pending, err := w.pending(ctx, w.senderID)
	if err != nil {
		return nil, err
	}
	for i := range pending {
		pending[i].At = 0
	}
	fresh := &document{Own: own{Generation: newGeneration(), Commits: pending}}
	t, err := w.rewrite(ctx, fresh, nil)
	if err == nil && w.at.base > 0 {
		_, err = w.segments.DeleteMany(ctx, bson.D{{Key: fieldSender, Value: cleanText(w.senderID)},
			{Key: "generation", Value: bson.D{{Key: "$ne", Value: t.generation}}}})
		if err != nil {
			// They belong to no generation that is read, and go with the conversation.
			w.log.Warn("segments of a replaced conversation are left", "sender_id", w.senderID, "err", err)
			err = nil
		}
	}
	return t, err
}

func newGeneration() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails
	return hex.EncodeToString(b[:])
}

func isNone(err error) bool { return errors.Is(err, mongo.ErrNoDocuments) }

// tooLarge reports whether a document would exceed MongoDB's limit.
func tooLarge(err error) bool {
	var server mongo.ServerError
	if !errors.As(err, &server) {
		return false
	}
	for _, code := range []int{10334, 17419, 17420} {
		if server.HasErrorCode(code) {
			return true
		}
	}
	return false
}
