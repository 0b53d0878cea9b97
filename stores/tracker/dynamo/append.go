package dynamo

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/parleybot/parley/stores"
)

// Append implements eventlog.Log.
func (l *Log) Append(ctx context.Context, turn stores.Turn) (stores.Position, error) {
	if err := l.ready(ctx); err != nil {
		return stores.Position{}, err
	}
	w := &write{Log: l, turn: turn, senderID: turn.Tracker.SenderID, added: encodeEvents(turn.New())}
	var ok bool
	if w.at, ok = turn.At.Token.(*token); !ok && turn.At.Count > 0 {
		if err := w.locate(ctx); err != nil {
			return stores.Position{}, err
		}
	}
	t, err := w.run(ctx)
	if err != nil {
		return stores.Position{}, err
	}
	return t.position(), nil
}

// write is the writing of one turn.
type write struct {
	*Log
	turn     stores.Turn
	senderID string
	// added are the new events.
	added []attr
	// at is where the conversation was, nil when there was none.
	at *token
}

// locate finds the item of a position that was kept without its token.
func (w *write) locate(ctx context.Context) error {
	it, box, err := w.find(ctx, w.senderID, nil)
	if err != nil {
		return err
	}
	if it == nil {
		return stores.ErrConflict
	}
	at := w.Log.at(it, nil, box)
	if at.Count != w.turn.At.Count {
		return stores.ErrConflict
	}
	w.at = at.Token.(*token)
	return nil
}

func (w *write) run(ctx context.Context) (*token, error) {
	bytes := itemOverhead
	if w.at != nil {
		bytes = w.at.bytes
	}
	if w.turn.Replace || bytes+total(w.added) > w.segmentBytes {
		return w.rewrite(ctx)
	}
	t, err := w.push(ctx)
	if tooLarge(err) {
		return w.rewrite(ctx) // the size is estimated
	}
	return t, err
}

// push appends the new events.
func (w *write) push(ctx context.Context) (*token, error) {
	t := &token{bytes: itemOverhead}
	set := "#e = :new"
	if w.at != nil {
		*t = *w.at
		if !t.bare {
			set = "#e = list_append(#e, :new)"
		}
	}
	if err := w.send(ctx, t, set, w.added); err != nil {
		return nil, err
	}
	t.bytes += total(w.added)
	t.size, t.bare = t.size+len(w.added), false
	if len(w.added) > 0 {
		t.see(w.added[len(w.added)-1])
	}
	return t, nil
}

// send changes the item if it is as it was, and notes the commit in the same moment; t.outbox counts the note.
func (w *write) send(ctx context.Context, t *token, set string, events []attr) error {
	condition, names, values := w.condition()
	names["#n"], names["#e"] = fieldName, fieldEvents
	values[":id"], values[":new"] = senderKey(w.senderID), &list{Value: events}
	set = "SET #n = :id, " + set
	if t.generation != "" && (w.at == nil || w.at.generation != t.generation) {
		set += ", #g = :generation"
		names["#g"], values[":generation"] = fieldGeneration, &text{Value: t.generation}
	}
	key := document{fieldSender: senderKey(w.senderID)}
	if !w.turn.Deliver {
		return w.outcome(insist(ctx, func() error {
			_, err := w.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{TableName: &w.table, Key: key, UpdateExpression: &set,
				ConditionExpression: &condition, ExpressionAttributeNames: names, ExpressionAttributeValues: values}, once)
			return err
		}))
	}
	note := w.note(t.outbox)
	t.outbox += size(note)
	return w.outcome(insist(ctx, func() error {
		_, err := w.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
			{Update: &types.Update{TableName: &w.table, Key: key, UpdateExpression: &set, ConditionExpression: &condition,
				ExpressionAttributeNames: names, ExpressionAttributeValues: values}},
			{Update: &types.Update{TableName: aws.String(w.outboxTable()), Key: key,
				UpdateExpression:          aws.String("SET commits = list_append(if_not_exists(commits, :none), :note)"),
				ExpressionAttributeValues: document{":none": &list{Value: []attr{}}, ":note": &list{Value: []attr{note}}}}},
		}})
		return err
	}))
}

// outcome tells what became of a write.
func (w *write) outcome(err error) error {
	var cancelled *types.TransactionCanceledException
	switch {
	case err == nil:
		return nil
	case refused(err):
		return stores.ErrConflict
	case errors.As(err, &cancelled) && len(cancelled.CancellationReasons) == 2 && aws.ToString(cancelled.CancellationReasons[1].Code) == "ValidationError":
		return fmt.Errorf("%w: too many commits of the conversation are not delivered: %w", stores.ErrUnavailable, err)
	}
	return classify(err)
}

// condition holds if the item is still as it was at the position, or not there.
func (w *write) condition() (string, map[string]string, document) {
	names, values := map[string]string{}, document{}
	if w.at == nil {
		return "attribute_not_exists(" + fieldSender + ")", names, values
	}
	parts := []string{"attribute_exists(" + fieldSender + ")"}
	if w.at.bare {
		parts = append(parts, "attribute_not_exists(#e)")
	} else {
		parts = append(parts, "size(#e) = :size")
		values[":size"] = numberOf(w.at.size)
	}
	names["#g"] = fieldGeneration
	if w.at.generation == "" {
		parts = append(parts, "attribute_not_exists(#g)")
	} else {
		parts = append(parts, "#g = :seen")
		values[":seen"] = &text{Value: w.at.generation}
	}
	if w.at.last != "" {
		parts = append(parts, fmt.Sprintf("#e[%d].#t = :time", w.at.size-1))
		names["#t"], values[":time"] = fieldTime, &number{Value: w.at.last}
	}
	return strings.Join(parts, " AND "), names, values
}

// newID returns an id that no other node makes.
func newID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails
	return hex.EncodeToString(b[:])
}
