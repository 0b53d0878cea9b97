package redis

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/parleybot/parley/stores"
)

// A field of a hash of notes is the time of the commit in microseconds, by the server's clock, a colon and its ID; the
// value has the events as they stand in a conversation. An index has the conversations with notes in the order of their
// oldest one. On a Cluster there is an index for each slot, and a set of the slots that have one. A slot is put into the
// set before the first note of a node in it and never leaves, so that no note can be overlooked.

// slotStays is how long a node trusts that a slot is in the set of slots: a failover may lose it.
const slotStays = 5 * time.Minute

// registerSlot makes sure that what a turn notes is found on a Cluster.
func (l *Log) registerSlot(ctx context.Context, senderID string, turn *stores.Turn) error {
	if !l.keys.cluster || !turn.Deliver {
		return nil
	}
	n, now := slot(hashTag(l.keys.conversation(senderID))), time.Now()
	l.mu.Lock()
	known := now.Sub(l.slots[n]) < slotStays
	l.mu.Unlock()
	if known {
		return nil
	}
	if err := l.client.SAdd(ctx, l.keys.slots(), n).Err(); err != nil {
		return failure("asking redis to add to its slots", err)
	}
	l.mu.Lock()
	l.slots[n] = now
	l.mu.Unlock()
	return nil
}

// indexes returns the keys of the indexes that may have conversations.
func (l *Log) indexes(ctx context.Context) ([]string, error) {
	if !l.keys.cluster {
		return []string{l.keys.index("")}, nil
	}
	slots, err := l.client.SMembers(ctx, l.keys.slots()).Result()
	if err != nil {
		return nil, failure("asking redis for slots", err)
	}
	list := make([]string, 0, len(slots))
	for _, s := range slots {
		if n, err := strconv.Atoi(s); err == nil && n >= 0 && n < slotCount {
			list = append(list, l.keys.slotIndex(n))
		}
	}
	return list, nil
}

// Unsettled implements stores.Outbox.
func (l *Log) Unsettled(ctx context.Context, before time.Time, limit int) ([]stores.Commit, error) {
	senders, err := l.waiting(ctx, before, limit)
	if err != nil || len(senders) == 0 {
		return nil, err
	}
	pipe := l.client.Pipeline()
	notes := make([]*redis.MapStringStringCmd, len(senders))
	for i, id := range senders {
		notes[i] = pipe.HGetAll(ctx, l.keys.of(id)[1])
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, failure("asking redis for notes", err)
	}
	var list []stores.Commit
	for i, id := range senders {
		commits, err := commitsIn(id, notes[i].Val())
		if err != nil {
			return nil, err
		}
		if len(commits) == 0 { // its notes were lost, or removed by hand
			if err := l.settle(ctx, id); err != nil {
				return nil, failure("asking redis to forget a conversation without notes", err)
			}
		}
		for _, c := range commits {
			if c.Time.Before(before) {
				list = append(list, c)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b stores.Commit) int { return a.Time.Compare(b.Time) })
	return list[:min(limit, len(list))], nil
}

// waiting returns the conversations with the oldest notes.
func (l *Log) waiting(ctx context.Context, before time.Time, limit int) ([]string, error) {
	indexes, err := l.indexes(ctx)
	if err != nil || len(indexes) == 0 {
		return nil, err
	}
	pipe := l.client.Pipeline()
	parts := make([]*redis.ZSliceCmd, len(indexes))
	for i, key := range indexes {
		parts[i] = pipe.ZRangeByScoreWithScores(ctx, key, &redis.ZRangeBy{Min: "-inf", Max: strconv.FormatInt(before.UnixMicro(), 10), Count: int64(limit)})
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, failure("asking redis for conversations with notes", err)
	}
	var list []redis.Z
	for _, p := range parts {
		list = append(list, p.Val()...)
	}
	slices.SortStableFunc(list, func(a, b redis.Z) int { return cmp.Compare(a.Score, b.Score) })
	var ids []string
	for _, z := range list[:min(limit, len(list))] {
		ids = append(ids, text(z.Member))
	}
	return ids, nil
}

// UnsettledOf implements stores.Outbox.
func (l *Log) UnsettledOf(ctx context.Context, senderID string) ([]stores.Commit, error) {
	notes, err := l.client.HGetAll(ctx, l.keys.of(senderID)[1]).Result()
	if err != nil {
		return nil, failure("asking redis for notes", err)
	}
	return commitsIn(senderID, notes)
}

// Settle implements stores.Outbox. The commits of all conversations go to the server together.
func (l *Log) Settle(ctx context.Context, done []stores.CommitRef) error {
	bySender := map[string][]any{}
	for _, ref := range done {
		bySender[ref.SenderID] = append(bySender[ref.SenderID], ref.ID)
	}
	pipe := l.client.Pipeline()
	sent := map[string]*redis.Cmd{}
	for id, commits := range bySender {
		sent[id] = settleScript.EvalSha(ctx, pipe, l.keys.of(id), append([]any{id}, commits...)...)
	}
	_, _ = pipe.Exec(ctx) // the commands have the errors of their own
	for id, cmd := range sent {
		err := cmd.Err()
		if redis.HasErrorPrefix(err, "NOSCRIPT") {
			err = l.settle(ctx, id, bySender[id]...)
		}
		if err != nil {
			return failure("asking redis to remove notes", err)
		}
	}
	return nil
}

// settle removes notes of one conversation, and the conversation from its index if it has no more.
func (l *Log) settle(ctx context.Context, senderID string, commits ...any) error {
	return settleScript.Run(ctx, l.client, l.keys.of(senderID), append([]any{senderID}, commits...)...).Err()
}

// commitsIn returns the commits of a conversation's notes, in order.
func commitsIn(senderID string, notes map[string]string) ([]stores.Commit, error) {
	var list []stores.Commit
	for field, events := range notes {
		micros, id, ok := parseNote(field)
		if !ok {
			return nil, fmt.Errorf("reading the notes of %q: field %q has no time", senderID, field)
		}
		decoded, err := decodeList([]byte(events))
		if err != nil {
			return nil, fmt.Errorf("reading the notes of %q: %w", senderID, err)
		}
		list = append(list, stores.Commit{SenderID: senderID, ID: id, Events: decoded, Time: time.UnixMicro(micros)})
	}
	slices.SortFunc(list, func(a, b stores.Commit) int { return a.Time.Compare(b.Time) })
	return list, nil
}

// commitsOf returns the IDs in a list of fields of notes, in order.
func commitsOf(fields any) []string {
	list, _ := fields.([]any)
	type note struct {
		micros int64
		id     string
	}
	var found []note
	for _, f := range list {
		if micros, id, ok := parseNote(text(f)); ok {
			found = append(found, note{micros, id})
		}
	}
	slices.SortFunc(found, func(a, b note) int { return cmp.Compare(a.micros, b.micros) })
	var ids []string
	for _, n := range found {
		ids = append(ids, n.id)
	}
	return ids
}

func parseNote(field string) (micros int64, id string, ok bool) {
	digits, id, _ := strings.Cut(field, ":")
	micros, err := strconv.ParseInt(digits, 10, 64)
	return micros, id, err == nil
}
