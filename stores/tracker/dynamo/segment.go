package dynamo

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// The fields of a segment. Its key begins with the number of its first event and ends with what tells it from others that
// begin there: nodes that cut the same conversation at once write different ones, and the item says which one counts.
const (
	fieldSegment  = "segment"
	fieldPrevious = "previous"
	fieldBase     = "base"
)

// rewrite writes the whole list, with the new events and without those that are moved to segments. Segments are written
// first: if the item cannot be written then, nothing refers to them.
func (w *write) rewrite(ctx context.Context) (*token, error) {
	list, m := []attr(nil), mark{}
	t := &token{generation: w.newID()}
	if w.at != nil {
		t.outbox = w.at.outbox
	}
	switch {
	case w.turn.Replace:
		if err := w.replaceable(ctx); err != nil {
			return nil, err
		}
	case w.at == nil:
		t.generation = ""
	default:
		it, _, err := w.find(ctx, w.senderID, nil)
		if err != nil {
			return nil, err
		}
		if it == nil || it.size != w.at.size || it.size > 0 && !it.follows(w.at) {
			return nil, stores.ErrConflict
		}
		list, m, t.generation = it.events, it.mark, it.generation
	}
	c := &cutting{write: w, old: m, lead: list[:min(m.skip, len(list))]}
	c.events = append(slices.Clone(list[len(c.lead):]), w.added...)
	if len(c.events) > 0 {
		c.events[0] = unmarked(c.events[0])
	}
	kept, err := c.cut(ctx)
	if err != nil {
		return nil, err
	}
	if err := w.send(ctx, t, "#e = :new", kept); err != nil {
		if errors.Is(err, stores.ErrConflict) {
			c.undo(ctx)
		}
		return nil, err
	}
	t.bytes, t.size = itemOverhead+total(kept), len(kept)
	if t.size > 0 {
		t.see(kept[t.size-1])
		t.mark = markOf(kept[0])
	}
	if w.turn.Replace && w.at != nil && w.at.mark.segment != "" {
		if err := w.removeSegments(ctx, w.senderID, c.written); err != nil {
			w.log.Warn("segments of a replaced conversation are left", "sender_id", w.senderID, "err", err)
		}
	}
	return t, nil
}

// replaceable returns an error while there are commits whose events are to be read from the conversation.
func (w *write) replaceable(ctx context.Context) error {
	b, err := w.box(ctx, w.senderID)
	if err != nil {
		return err
	}
	for _, n := range b.notes {
		if mapOf(n)[noteEvents] == nil {
			return fmt.Errorf("%w: the conversation cannot be replaced before its commits are delivered", stores.ErrUnavailable)
		}
	}
	return nil
}

// cutting makes an item smaller.
type cutting struct {
	*write
	old mark
	// lead are the events of the list that stand for those before, events the others.
	lead, events []attr
	// written are the keys of new segments.
	written []string
}

// cut writes segments if need be and returns what stays in the item.
func (c *cutting) cut(ctx context.Context) ([]attr, error) {
	at, isSession := c.place()
	if at == 0 {
		if len(c.lead) > 0 || c.old.base > 0 {
			return c.marked(c.lead, c.events, c.old), nil
		}
		return c.events, nil
	}
	m := mark{base: c.old.base, segment: c.old.segment}
	if err := c.tables.need(ctx, segmentsOf(c.segmentsTable())); err != nil {
		return nil, err
	}
	for _, part := range parts(c.events[:at]) {
		if err := c.putSegment(ctx, &m, part); err != nil {
			return nil, err
		}
	}
	rest := c.events[at:]
	if isSession {
		m.session = m.base
		return c.marked(nil, rest, m), nil
	}
	lead, err := c.leading(at)
	if err != nil {
		return nil, err
	}
	m.skip, m.session = len(lead), c.sessionOf(at)
	return c.marked(lead, rest, m), nil
}

// marked returns a list whose first event has the mark.
func (c *cutting) marked(lead, rest []attr, m mark) []attr {
	out := append(slices.Clone(lead), rest...)
	if len(out) > 0 {
		out[0] = m.on(out[0])
	}
	return out
}

// place returns how many events are to be moved, and whether a session begins behind them. Half of the room is to be free
// then, for the sake of the sessions that stay even less; a session is parted only if there is no other way.
func (c *cutting) place() (int, bool) {
	room := c.segmentBytes - itemOverhead
	if total(c.lead)+total(c.events) <= room {
		return 0, false
	}
	behind, session, pause, any := 0, -1, -1, len(c.events)-1
	for i := len(c.events) - 1; i > 0; i-- {
		behind += size(c.events[i]) + 1
		name := actionOf(c.events[i])
		switch {
		case name == tracker.ActionSessionStart && (behind <= room/2 || session < 0 && behind <= room*3/4):
			session = i
		case behind <= room/2 && actionOf(c.events[i-1]) == tracker.ActionListen:
			pause = i
		}
		if behind <= room/2 {
			any = i
		}
	}
	switch {
	case session > 0:
		return session, true
	case pause > 0:
		return pause, false
	}
	return max(any, 0), false
}

// actionOf returns the name of the action that an event tells of, "" for other events.
func actionOf(event attr) string {
	if m := mapOf(event); textOf(m["event"]) == tracker.TypeAction {
		return textOf(m["name"])
	}
	return ""
}

// sessionOf returns the number of events before the session that the first at events end in.
func (c *cutting) sessionOf(at int) int {
	for i := at - 1; i >= 0; i-- {
		if actionOf(c.events[i]) == tracker.ActionSessionStart {
			return c.old.base + i
		}
	}
	return c.old.session
}

// leading returns events of a session that begins in the state that the first at events end in: for nodes of Rasa, which
// read the list and nothing else.
func (c *cutting) leading(at int) ([]attr, error) {
	events, err := c.decodeEvents(append(slices.Clone(c.lead), c.events[:at]...))
	if err != nil {
		return nil, err
	}
	f := c.turn.Tracker.Factory()
	t, fresh := f.FromEvents(c.senderID, events), f.New(c.senderID)
	var base tracker.Base
	if len(events) > 0 {
		base.Timestamp = events[len(events)-1].Meta().Timestamp
	}
	lead := []tracker.Event{
		&tracker.ActionExecuted{Base: base, Name: tracker.ActionSessionStart, Confidence: 1},
		&tracker.SessionStarted{Base: base},
	}
	initial := fresh.SlotValues()
	for name, v := range t.SlotValues().All() {
		if !value.Equal(v, initial.Value(name)) {
			lead = append(lead, &tracker.SlotSet{Base: base, Key: name, Value: v})
		}
	}
	s := t.State()
	if s.Loop != nil {
		lead = append(lead, &tracker.ActiveLoop{Base: base, Name: s.Loop.Name})
		if s.Loop.Interrupted {
			lead = append(lead, &tracker.LoopInterrupted{Base: base, IsInterrupted: true})
		}
	}
	if s.Paused {
		lead = append(lead, &tracker.ConversationPaused{Base: base})
	}
	lead = append(lead, &tracker.ActionExecuted{Base: base, Name: tracker.ActionListen, Confidence: tracker.NoConfidence})
	return encodeEvents(lead), nil
}

// segmentSize is the most that one segment gets, in bytes.
const segmentSize = 300_000

// parts splits events into those of segments.
func parts(events []attr) [][]attr {
	var out [][]attr
	begin, bytes := 0, 0
	for i, e := range events {
		n := size(e) + 1
		if i > begin && bytes+n > segmentSize {
			out = append(out, events[begin:i])
			begin, bytes = i, 0
		}
		bytes += n
	}
	return append(out, events[begin:])
}

// putSegment writes a segment that follows those of m, which it joins.
func (c *cutting) putSegment(ctx context.Context, m *mark, events []attr) error {
	key := fmt.Sprintf("%012d-%s", m.base, c.newID())
	item := document{fieldSender: senderKey(c.senderID), fieldSegment: &text{Value: key}, fieldPrevious: &text{Value: m.segment},
		fieldBase: numberOf(m.base), fieldEvents: &list{Value: events}}
	_, err := c.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String(c.segmentsTable()), Item: item})
	if err != nil {
		return fmt.Errorf("writing a segment: %w", classify(err))
	}
	c.written = append(c.written, key)
	m.base, m.segment = m.base+len(events), key
	return nil
}

// undo removes segments to which nothing refers.
func (c *cutting) undo(ctx context.Context) {
	for _, key := range c.written {
		if err := c.removeSegment(ctx, c.senderID, key); err != nil {
			c.log.Warn("a segment is left that is not used", "sender_id", c.senderID, "err", err)
			return
		}
	}
}

func (l *Log) removeSegment(ctx context.Context, senderID, key string) error {
	_, err := l.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: aws.String(l.segmentsTable()),
		Key: document{fieldSender: senderKey(senderID), fieldSegment: &text{Value: key}}})
	return classify(err)
}

// removeSegments removes all segments of a conversation but those named.
func (l *Log) removeSegments(ctx context.Context, senderID string, keep []string) error {
	if found, err := l.tables.has(ctx, l.segmentsTable()); err != nil || !found {
		return err
	}
	query := l.segmentsQuery(senderID)
	query.ProjectionExpression, query.ExpressionAttributeNames = aws.String("#s"), map[string]string{"#s": fieldSegment}
	return l.eachSegment(ctx, query, func(d document) error {
		if key := textOf(d[fieldSegment]); !slices.Contains(keep, key) {
			return l.removeSegment(ctx, senderID, key)
		}
		return nil
	})
}

func (l *Log) segmentsQuery(senderID string) *dynamodb.QueryInput {
	return &dynamodb.QueryInput{TableName: aws.String(l.segmentsTable()), ConsistentRead: aws.Bool(true),
		KeyConditionExpression:    aws.String(fieldSender + " = :id"),
		ExpressionAttributeValues: document{":id": senderKey(senderID)}}
}

func (l *Log) eachSegment(ctx context.Context, query *dynamodb.QueryInput, f func(document) error) error {
	for pages := dynamodb.NewQueryPaginator(l.client, query); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("reading segments: %w", classify(err))
		}
		for _, d := range page.Items {
			if err := f(d); err != nil {
				return err
			}
		}
	}
	return nil
}

// readSegments returns the events before m from the number first on. One that is missing is an error.
func (l *Log) readSegments(ctx context.Context, senderID string, m mark, first int) ([]attr, error) {
	found := map[string]document{}
	err := l.eachSegment(ctx, l.segmentsQuery(senderID), func(d document) error {
		found[textOf(d[fieldSegment])] = d
		return nil
	})
	if err != nil {
		return nil, err
	}
	var lists [][]attr
	end, key := m.base, m.segment
	for end > first {
		d := found[key]
		events, base := listOf(d[fieldEvents]), intOf(d[fieldBase])
		if len(events) == 0 || base+len(events) != end {
			return nil, fmt.Errorf("segment %q of the conversation, which has the events before number %d, is not there", key, end)
		}
		lists = append(lists, events[max(0, first-base):])
		end, key = base, textOf(d[fieldPrevious])
	}
	slices.Reverse(lists)
	return slices.Concat(lists...), nil
}
