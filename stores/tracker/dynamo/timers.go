package dynamo

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// Timers is a stores.Timers in a table with an item a timer. An index orders them by the time at which they are free to be
// claimed. It is behind by some milliseconds; what it says is only where to look, a claim is a conditional write.
type Timers struct {
	client *dynamodb.Client
	tables *tables
	table  string
}

var _ stores.Timers = (*Timers)(nil)

// The fields of a timer. Its name has a colon in front, since keys must not be empty.
const (
	timerName    = "timer"
	timerID      = "timer_id"
	timerDue     = "due"     // microseconds since 1970
	timerFree    = "free_at" // the same, due or the end of the lease
	timerData    = "payload" // JSON
	timerAttempt = "attempts"
	timerAll     = "shelf" // the same in all: the index is ordered below it
	timersByFree = "by_free_at"
)

func (s *Timers) ready(ctx context.Context) error {
	table := keyed(s.table,
		[]types.AttributeDefinition{attribute(fieldSender, types.ScalarAttributeTypeS), attribute(timerName, types.ScalarAttributeTypeS),
			attribute(timerAll, types.ScalarAttributeTypeS), attribute(timerFree, types.ScalarAttributeTypeN)},
		[]types.KeySchemaElement{hash(fieldSender), order(timerName)})
	table.GlobalSecondaryIndexes = []types.GlobalSecondaryIndex{{IndexName: aws.String(timersByFree),
		KeySchema:  []types.KeySchemaElement{hash(timerAll), order(timerFree)},
		Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}}}
	return s.tables.need(ctx, table)
}

func (s *Timers) key(senderID, name string) document {
	return document{fieldSender: senderKey(senderID), timerName: senderKey(":" + name)}
}

// Set implements stores.Timers.
func (s *Timers) Set(ctx context.Context, t stores.Timer) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	item := s.key(t.SenderID, t.Name)
	due := numberOf(t.Due.UnixMicro())
	item[timerID], item[timerDue], item[timerFree], item[timerAttempt] = &text{Value: t.ID}, due, due, numberOf(0)
	item[timerAll], item[timerData] = &text{Value: "all"}, &text{Value: string(value.Encode(t.Data, value.JSON))}
	if _, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.table, Item: item}); err != nil {
		return fmt.Errorf("setting a timer: %w", classify(err))
	}
	return nil
}

// List implements stores.Timers.
func (s *Timers) List(ctx context.Context, senderID string) ([]stores.Timer, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	var timers []stores.Timer
	pages := dynamodb.NewQueryPaginator(s.client, &dynamodb.QueryInput{TableName: &s.table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression:    aws.String(fieldSender + " = :id"),
		ExpressionAttributeValues: document{":id": senderKey(senderID)}})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing timers: %w", classify(err))
		}
		for _, d := range page.Items {
			t, err := readTimer(d)
			if err != nil {
				return nil, err
			}
			timers = append(timers, t)
		}
	}
	slices.SortFunc(timers, func(a, b stores.Timer) int { return cmp.Compare(a.Name, b.Name) })
	return timers, nil
}

func readTimer(d document) (stores.Timer, error) {
	t := stores.Timer{SenderID: textOf(d[fieldSender]), ID: textOf(d[timerID]), Due: time.UnixMicro(int64Of(d[timerDue])), Attempt: intOf(d[timerAttempt])}
	if name := textOf(d[timerName]); name != "" {
		t.Name = name[1:]
	}
	v, err := value.DecodeString(textOf(d[timerData]))
	if err != nil {
		return t, fmt.Errorf("reading timer %q of %q: %w", t.Name, t.SenderID, err)
	}
	t.Data, _ = v.(*value.Map) // nil is null
	return t, nil
}

// Remove implements stores.Timers.
func (s *Timers) Remove(ctx context.Context, t stores.Timer) (bool, error) {
	if err := s.ready(ctx); err != nil {
		return false, err
	}
	out, err := s.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &s.table, Key: s.key(t.SenderID, t.Name),
		ConditionExpression:       aws.String(timerID + " = :id"),
		ExpressionAttributeValues: document{":id": &text{Value: t.ID}}, ReturnValues: types.ReturnValueAllOld})
	switch {
	case refused(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("removing a timer: %w", classify(err))
	}
	return len(out.Attributes) > 0, nil
}

// due returns a page of the index: the keys of timers that are free at the time given, in order.
func (s *Timers) due(ctx context.Context, until *time.Time, limit int, after document) (*dynamodb.QueryOutput, error) {
	q := &dynamodb.QueryInput{TableName: &s.table, IndexName: aws.String(timersByFree), Limit: aws.Int32(int32(min(max(limit, 1), 1000))), ExclusiveStartKey: after,
		KeyConditionExpression: aws.String(timerAll + " = :all"), ExpressionAttributeValues: document{":all": &text{Value: "all"}}}
	if until != nil {
		q.KeyConditionExpression = aws.String(timerAll + " = :all AND " + timerFree + " <= :now")
		q.ExpressionAttributeValues[":now"] = numberOf(until.UnixMicro())
	}
	out, err := s.client.Query(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("looking for due timers: %w", classify(err))
	}
	return out, nil
}

// Claim implements stores.Timers. Timers that another node claims at the same moment are passed over.
func (s *Timers) Claim(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]stores.Timer, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	var claimed []stores.Timer
	var after document
	for len(claimed) < limit {
		page, err := s.due(ctx, &now, limit-len(claimed), after)
		if err != nil {
			return claimed, err
		}
		for _, found := range page.Items {
			t, ok, err := s.claim(ctx, found, now, lease)
			if err != nil {
				return claimed, err
			}
			if ok {
				claimed = append(claimed, t)
			}
		}
		if after = page.LastEvaluatedKey; len(after) == 0 {
			break
		}
	}
	return claimed, nil
}

// claim claims the timer of an entry of the index unless it changed since.
func (s *Timers) claim(ctx context.Context, found document, now time.Time, lease time.Duration) (stores.Timer, bool, error) {
	out, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{TableName: &s.table,
		Key:                 document{fieldSender: found[fieldSender], timerName: found[timerName]},
		UpdateExpression:    aws.String("SET " + timerFree + " = :until ADD " + timerAttempt + " :one"),
		ConditionExpression: aws.String(timerFree + " = :seen"),
		ExpressionAttributeValues: document{":until": numberOf(now.Add(lease).UnixMicro()), ":one": numberOf(1),
			":seen": found[timerFree]},
		ReturnValues: types.ReturnValueAllNew}, once)
	switch {
	case refused(err):
		return stores.Timer{}, false, nil
	case err != nil:
		return stores.Timer{}, false, fmt.Errorf("claiming a timer: %w", classify(err))
	}
	t, err := readTimer(out.Attributes)
	return t, err == nil, err
}

// Next implements stores.Timers.
func (s *Timers) Next(ctx context.Context) (time.Time, bool, error) {
	if err := s.ready(ctx); err != nil {
		return time.Time{}, false, err
	}
	page, err := s.due(ctx, nil, 1, nil)
	if err != nil || len(page.Items) == 0 {
		return time.Time{}, false, err
	}
	return time.UnixMicro(int64Of(page.Items[0][timerFree])), true, nil
}
