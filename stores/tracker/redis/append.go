package redis

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/stores"
)

// Append implements eventlog.Log.
func (l *Log) Append(ctx context.Context, turn stores.Turn) (stores.Position, error) {
	known, id := placeOf(turn.At), turn.Tracker.SenderID
	if err := l.registerSlot(ctx, id, &turn); err != nil {
		return stores.Position{}, err
	}
	switch {
	case turn.Replace:
		return l.replace(ctx, &turn, known, nil, turn.Tracker.Events())
	case known.foreign:
		return l.appendForeign(ctx, &turn, known)
	}
	end, fresh := ending(id), turn.New()
	added, starts := encode(fresh)
	base := len(head)
	if known.length > 0 {
		base = known.length - len(end)
	}
	if base > len(head) && len(added) > 0 {
		base += len(separator)
	}
	next := known
	next.add(fresh, starts, base, l.cfg.SegmentEvents/2)
	next.length = base + len(added) + len(end)
	c := l.cut(&turn, &next)

	answer, err := l.write(ctx, appendScript, l.keys.of(id), known.length, known.digest, known.stamp, added, end, l.cfg.Expiry.Milliseconds(),
		commitID(&turn, fresh), id, c.at, c.moved, c.summary)
	if err != nil {
		return stores.Position{}, failure("asking redis to add events", err)
	}
	if c.at > 0 {
		c.apply(&next)
	}
	return arrived(next, answer)
}

// arrived returns the position after a write.
func arrived(next place, answer []any) (stores.Position, error) {
	if !isDone(answer) {
		return stores.Position{}, stores.ErrConflict
	}
	next.digest, next.stamp = text(answer[1]), text(answer[2])
	return next.position(), nil
}

// commitID returns the ID of the note to be made of a turn, "" for none.
func commitID(turn *stores.Turn, fresh []tracker.Event) string {
	if !turn.Deliver || len(fresh) == 0 {
		return ""
	}
	return turn.ID
}

// appendForeign adds events to a value that someone wrote in another form, by writing all of it anew.
func (l *Log) appendForeign(ctx context.Context, turn *stores.Turn, known place) (stores.Position, error) {
	stored, err := l.client.Get(ctx, l.keys.conversation(turn.Tracker.SenderID)).Bytes()
	if errors.Is(err, redis.Nil) {
		return stores.Position{}, stores.ErrConflict
	}
	if err != nil {
		return stores.Position{}, failure("asking redis for a conversation", err)
	}
	if sha1Hex(stored) != known.digest {
		return l.wasAdded(stored, turn, known)
	}
	_, events, err := surveyForeign(stored, known.stamp)
	if err != nil {
		return stores.Position{}, err
	}
	return l.replace(ctx, turn, known, events, turn.New())
}

// wasAdded tells whether a value is what the turn was to make of the known one: a write may be repeated.
func (l *Log) wasAdded(stored []byte, turn *stores.Turn, known place) (stores.Position, error) {
	end := ending(turn.Tracker.SenderID)
	added, _ := encode(turn.New())
	list, ok := inForm(stored, end)
	if !ok || len(added) == 0 || !bytes.HasSuffix(list, added) {
		return stores.Position{}, stores.ErrConflict
	}
	p, _, err := l.survey(stored, end, known.stamp, true)
	if err != nil || p.events != known.events+len(turn.New()) {
		return stores.Position{}, stores.ErrConflict
	}
	return p.position(), nil
}

// replace writes a value that has the events before and fresh.
func (l *Log) replace(ctx context.Context, turn *stores.Turn, known place, before, fresh []tracker.Event) (stores.Position, error) {
	id := turn.Tracker.SenderID
	end, generation := ending(id), ""
	if turn.Replace {
		generation = newGeneration()
	}
	events := slices.Concat(before, fresh)
	all, starts := encode(events)
	added := all // a note has the events of its turn only
	if len(before) > 0 {
		added, _ = encode(fresh)
	}
	answer, err := l.write(ctx, replaceScript, l.keys.of(id), known.length, known.digest, known.stamp, added, end, l.cfg.Expiry.Milliseconds(),
		commitID(turn, fresh), id, all, generation, flag(known.foreign))
	if err != nil {
		return stores.Position{}, failure("asking redis to write a conversation", err)
	}
	next := place{length: len(head) + len(all) + len(end)}
	next.add(events, starts, len(head), l.cfg.SegmentEvents/2)
	return arrived(next, answer)
}

func newGeneration() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
