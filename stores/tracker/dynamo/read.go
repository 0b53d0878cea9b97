package dynamo

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/eventlog"
)

// window is how many new events a read can take without reading the whole item.
const window = 40

// Read implements eventlog.Log.
func (l *Log) Read(ctx context.Context, senderID string, since stores.Position, all bool) (eventlog.Tail, error) {
	if err := l.ready(ctx); err != nil {
		return eventlog.Tail{}, err
	}
	known, _ := since.Token.(*token)
	if known != nil && !all && known.size > 0 {
		it, box, err := l.find(ctx, senderID, known)
		if err != nil {
			return eventlog.Tail{}, err
		}
		if it == nil {
			return eventlog.Tail{Unsettled: box.ids()}, nil
		}
		if it.follows(known) && len(it.events) <= window {
			return l.rest(it, known, box)
		}
	}
	it, box, err := l.find(ctx, senderID, nil)
	if err != nil {
		return eventlog.Tail{}, err
	}
	if it == nil {
		return eventlog.Tail{Unsettled: box.ids()}, nil
	}
	if known != nil && !all && it.follows(known) {
		return l.rest(it, known, box)
	}
	first := 0
	if !all {
		first = min(it.mark.session, it.mark.base)
	}
	events, err := l.joined(ctx, senderID, it, first)
	if err != nil {
		return eventlog.Tail{}, err
	}
	tail := eventlog.Tail{Found: true, At: l.at(it, nil, box), Unsettled: box.ids()}
	tail.Events, err = l.decodeEvents(events)
	return tail, err
}

// rest returns what an item has behind the last event that was known.
func (l *Log) rest(it *item, known *token, box *box) (eventlog.Tail, error) {
	added := it.events[known.size-it.from:]
	events, err := l.decodeEvents(added)
	return eventlog.Tail{Found: true, Continues: true, Events: events, At: l.at(it, known, box), Unsettled: box.ids()}, err
}

// at returns the position of an item that was read as a whole, or from the last event of known on.
func (l *Log) at(it *item, known *token, box *box) stores.Position {
	t := it.token()
	if known != nil {
		t.bytes = known.bytes + total(it.events[known.size-it.from:])
	} else {
		t.bytes = itemOverhead + total(it.events)
	}
	t.outbox = box.bytes()
	return t.position()
}

// itemOverhead is what an item has beside its events, in bytes, with an id of the longest sort.
const itemOverhead = 600

// find returns the conversation's item, nil if there is none, and what is noted as not delivered, both of the same moment.
// With a position only the events from its last one on are read, as many as the window has.
func (l *Log) find(ctx context.Context, senderID string, known *token) (*item, *box, error) {
	key := document{fieldSender: senderKey(senderID)}
	get := &types.Get{TableName: &l.table, Key: key}
	if known != nil {
		get.ProjectionExpression, get.ExpressionAttributeNames = projection(known)
	}
	var out *dynamodb.TransactGetItemsOutput
	err := insist(ctx, func() (err error) {
		out, err = l.client.TransactGetItems(ctx, &dynamodb.TransactGetItemsInput{TransactItems: []types.TransactGetItem{
			{Get: get}, {Get: &types.Get{TableName: aws.String(l.outboxTable()), Key: key}}}})
		return err
	})
	if err != nil {
		return nil, nil, classify(err)
	}
	b := newBox(senderID, out.Responses[1].Item)
	found := out.Responses[0].Item
	if len(found) == 0 {
		return nil, b, nil
	}
	if known == nil {
		return newItem(found), b, nil
	}
	return partOf(found, known), b, nil
}

// projection asks for a position's last event and those behind it, for the mark of the first one and the rest of the item.
func projection(known *token) (*string, map[string]string) {
	names := map[string]string{"#s": fieldSender, "#e": fieldEvents, "#g": fieldGeneration}
	paths := []string{"#s", "#g"}
	if known.size > 1 {
		names["#t"], names["#m"], names["#p"] = fieldTime, fieldMetadata, fieldOwn
		// Every event has a time: with it the first event is there in any case.
		paths = append(paths, "#e[0].#t", "#e[0].#m.#p")
	}
	for i := range window + 1 {
		paths = append(paths, fmt.Sprintf("#e[%d]", known.size-1+i))
	}
	return aws.String(strings.Join(paths, ", ")), names
}

// partOf reads what projection asked for.
func partOf(d document, known *token) *item {
	it := newItem(d)
	it.bare = false
	if known.size > 1 && len(it.events) > 0 {
		it.events = it.events[1:]
	}
	it.from = known.size - 1
	it.size = it.from + len(it.events)
	return it
}

// joined returns the events of a conversation from the number first on, of segments and of the item, which was read as a whole.
func (l *Log) joined(ctx context.Context, senderID string, it *item, first int) ([]attr, error) {
	rest := slices.Clone(it.events[min(it.mark.skip, len(it.events)):])
	if len(rest) > 0 {
		rest[0] = unmarked(rest[0])
	}
	if first >= it.mark.base {
		return rest, nil
	}
	older, err := l.readSegments(ctx, senderID, it.mark, first)
	if err != nil {
		return nil, err
	}
	return append(older, rest...), nil
}

// IDs implements eventlog.Log. It reads the keys of the whole table.
func (l *Log) IDs(ctx context.Context, _ stores.Query, after string, limit int) ([]string, error) {
	if err := l.ready(ctx); err != nil {
		return nil, err
	}
	var ids []string
	pages := dynamodb.NewScanPaginator(l.client, &dynamodb.ScanInput{TableName: &l.table, ConsistentRead: aws.Bool(true),
		ProjectionExpression: aws.String(fieldSender)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, classify(err)
		}
		for _, d := range page.Items {
			if id := textOf(d[fieldSender]); id > after {
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	if limit > 0 && len(ids) > limit {
		ids = ids[:limit]
	}
	return ids, nil
}

// Delete implements eventlog.Log.
func (l *Log) Delete(ctx context.Context, senderID string) (int, error) {
	if err := l.ready(ctx); err != nil {
		return 0, err
	}
	key := document{fieldSender: senderKey(senderID)}
	var out *dynamodb.DeleteItemOutput
	err := insist(ctx, func() (err error) {
		out, err = l.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &l.table, Key: key, ReturnValues: types.ReturnValueAllOld}, once)
		return err
	})
	if err != nil {
		return 0, classify(err)
	}
	events := 0
	if len(out.Attributes) > 0 {
		events = newItem(out.Attributes).token().position().Count
	}
	err = insist(ctx, func() error {
		_, err := l.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: aws.String(l.outboxTable()), Key: key})
		return err
	})
	if err != nil {
		return events, classify(err)
	}
	return events, l.removeSegments(ctx, senderID, nil)
}
