package dynamo

import (
	"bytes"
	"cmp"
	"compress/flate"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// copyLimit leaves room for some two thousand notes without events.
const copyLimit = 200_000

// Fields of notes.
const (
	fieldCommits = "commits"
	noteID       = "id"
	noteAt       = "at"
	noteCount    = "count"
	noteTime     = "time"
	noteEvents   = "events"
)

// box is what is noted of a conversation as not delivered.
type box struct {
	senderID string
	notes    []attr
}

func newBox(senderID string, item document) *box {
	return &box{senderID: senderID, notes: listOf(item[fieldCommits])}
}

func (b *box) bytes() int { return total(b.notes) }

// ids returns those of the commits, nil when there are none.
func (b *box) ids() []string {
	var ids []string
	for _, n := range b.notes {
		ids = append(ids, textOf(mapOf(n)[noteID]))
	}
	return ids
}

// note returns that of the turn; noted is the size of those that are there.
func (w *write) note(noted int) attr {
	before := w.turn.At.Count
	if w.turn.Replace {
		before = 0
	}
	n := document{noteID: &text{Value: w.turn.ID}, noteAt: numberOf(before), noteCount: numberOf(len(w.added)), noteTime: numberOf(w.now().UnixMicro())}
	maps := make([]any, 0, len(w.added))
	for _, e := range w.turn.New() {
		maps = append(maps, tracker.AsMap(e))
	}
	if packed := pack(value.Encode(maps, value.JSON)); noted+len(packed) <= w.copyLimit {
		n[noteEvents] = &types.AttributeValueMemberB{Value: packed}
	}
	return &mapping{Value: n}
}

// pack compresses JSON, of which events have much that repeats.
func pack(data []byte) []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.DefaultCompression) // the level is valid
	_, _ = w.Write(data)                                  // a buffer takes all
	_ = w.Close()
	return b.Bytes()
}

// commits returns those of a conversation, with their events.
func (l *Log) commits(ctx context.Context, b *box) ([]stores.Commit, error) {
	var list []stores.Commit
	var all []attr
	for _, a := range b.notes {
		n := mapOf(a)
		c := stores.Commit{SenderID: b.senderID, ID: textOf(n[noteID]), Time: time.UnixMicro(int64Of(n[noteTime]))}
		var err error
		if packed, ok := n[noteEvents].(*types.AttributeValueMemberB); ok {
			c.Events, err = l.unpack(packed.Value)
		} else {
			if all == nil {
				if all, err = l.readAll(ctx, b.senderID); err != nil {
					return nil, err
				}
			}
			first := min(intOf(n[noteAt]), len(all))
			c.Events, err = l.decodeEvents(all[first:min(first+intOf(n[noteCount]), len(all))])
		}
		if err != nil {
			return nil, fmt.Errorf("reading commit %q: %w", c.ID, err)
		}
		list = append(list, c)
	}
	return list, nil
}

func (l *Log) unpack(data []byte) ([]tracker.Event, error) {
	plain, err := io.ReadAll(flate.NewReader(bytes.NewReader(data)))
	if err != nil {
		return nil, err
	}
	v, err := value.Decode(plain)
	if err != nil {
		return nil, err
	}
	items, _ := v.([]any)
	maps := make([]*value.Map, 0, len(items))
	for _, item := range items {
		if m, ok := item.(*value.Map); ok {
			maps = append(maps, m)
		}
	}
	return l.eventsOf(maps)
}

// readAll returns all events of a conversation.
func (l *Log) readAll(ctx context.Context, senderID string) ([]attr, error) {
	it, _, err := l.find(ctx, senderID, nil)
	if it == nil || err != nil {
		return []attr{}, err
	}
	return l.joined(ctx, senderID, it, 0)
}

// Unsettled implements stores.Outbox. It reads the whole table of notes, which has an item a conversation with any.
func (l *Log) Unsettled(ctx context.Context, before time.Time, limit int) ([]stores.Commit, error) {
	if err := l.ready(ctx); err != nil {
		return nil, err
	}
	var all []stores.Commit
	pages := dynamodb.NewScanPaginator(l.client, &dynamodb.ScanInput{TableName: aws.String(l.outboxTable()), ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, classify(err)
		}
		for _, d := range page.Items {
			b := newBox(textOf(d[fieldSender]), d)
			b.notes = slices.DeleteFunc(b.notes, func(n attr) bool { return !time.UnixMicro(int64Of(mapOf(n)[noteTime])).Before(before) })
			list, err := l.commits(ctx, b)
			if err != nil {
				return nil, err
			}
			// The clock of a node may be behind another's; a conversation's commits stay in order.
			for i := 1; i < len(list); i++ {
				if list[i].Time.Before(list[i-1].Time) {
					list[i].Time = list[i-1].Time
				}
			}
			all = append(all, list...)
		}
	}
	slices.SortStableFunc(all, func(a, b stores.Commit) int { return a.Time.Compare(b.Time) })
	return all[:min(len(all), max(limit, 0))], nil
}

// UnsettledOf implements stores.Outbox.
func (l *Log) UnsettledOf(ctx context.Context, senderID string) ([]stores.Commit, error) {
	if err := l.ready(ctx); err != nil {
		return nil, err
	}
	b, err := l.box(ctx, senderID)
	if err != nil {
		return nil, err
	}
	return l.commits(ctx, b)
}

func (l *Log) box(ctx context.Context, senderID string) (*box, error) {
	out, err := l.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String(l.outboxTable()), ConsistentRead: aws.Bool(true),
		Key: document{fieldSender: senderKey(senderID)}})
	if err != nil {
		return nil, classify(err)
	}
	return newBox(senderID, out.Item), nil
}

// Settle implements stores.Outbox.
func (l *Log) Settle(ctx context.Context, done []stores.CommitRef) error {
	if err := l.ready(ctx); err != nil {
		return err
	}
	bySender := map[string][]string{}
	for _, ref := range done {
		bySender[ref.SenderID] = append(bySender[ref.SenderID], ref.ID)
	}
	senders := make([]string, 0, len(bySender))
	for id := range bySender {
		senders = append(senders, id)
	}
	slices.SortFunc(senders, cmp.Compare)
	for _, id := range senders {
		if err := l.settle(ctx, id, bySender[id]); err != nil {
			return err
		}
	}
	return nil
}

// settleAtOnce is how many notes one request removes.
const settleAtOnce = 50

// settle removes notes of a conversation. Others add and remove at the same time: then it looks again.
func (l *Log) settle(ctx context.Context, senderID string, ids []string) error {
	for range 10 * attempts {
		b, err := l.box(ctx, senderID)
		if err != nil {
			return err
		}
		var found []int
		for i, n := range b.notes {
			if slices.Contains(ids, textOf(mapOf(n)[noteID])) && len(found) < settleAtOnce {
				found = append(found, i)
			}
		}
		if len(found) == 0 {
			return nil
		}
		err = insist(ctx, func() error { return l.removeNotes(ctx, b, found) })
		if err != nil && !refused(err) {
			return classify(err)
		}
	}
	return fmt.Errorf("%w: the notes of a conversation change all the time", stores.ErrUnavailable)
}

// removeNotes removes the notes of the indexes given if they are still there, and the item with the last of them.
func (l *Log) removeNotes(ctx context.Context, b *box, found []int) error {
	key := document{fieldSender: senderKey(b.senderID)}
	values := document{":size": numberOf(len(b.notes))}
	var paths, conditions []string
	for _, i := range found {
		path := fmt.Sprintf("%s[%d]", fieldCommits, i)
		paths = append(paths, path)
		conditions = append(conditions, fmt.Sprintf("%s.%s = :id%d", path, noteID, i))
		values[fmt.Sprintf(":id%d", i)] = mapOf(b.notes[i])[noteID]
	}
	if len(found) == len(b.notes) {
		conditions = append(conditions, "size("+fieldCommits+") = :size")
		_, err := l.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: aws.String(l.outboxTable()), Key: key,
			ConditionExpression: aws.String(strings.Join(conditions, " AND ")), ExpressionAttributeValues: values})
		return err
	}
	delete(values, ":size")
	_, err := l.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{TableName: aws.String(l.outboxTable()), Key: key,
		UpdateExpression:    aws.String("REMOVE " + strings.Join(paths, ", ")),
		ConditionExpression: aws.String(strings.Join(conditions, " AND ")), ExpressionAttributeValues: values})
	return err
}
