package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// BrokerTest is a back end of event brokers as the suite sees it: how to publish to it and what arrived.
type BrokerTest struct {
	// Open returns a broker of the back end. The suite closes it. A second one is opened where a process is to be started
	// again.
	Open func(t *testing.T) stores.Broker
	// Received returns the messages that the back end has taken since the case began, each as often as it was taken, those
	// of a conversation in the order in which a reader gets them. It does not wait for any.
	Received func(t *testing.T) []BrokerMessage
	// Stop takes the back end away, Start brings it back under the same address with what it had confirmed. They are nil
	// where a back end cannot go away.
	Stop, Start func(t *testing.T)
	// Freeze makes the back end hang: connections stay and nothing is answered. Thaw lets it go on. They are nil where
	// there is no such thing.
	Freeze, Thaw func(t *testing.T)
}

// BrokerMessage is a message that a back end has taken.
type BrokerMessage struct {
	// Key is what the back end sorts messages by, "" where it does not. It must be the sender's id.
	Key string
	// EventID is the event's id, "" where the back end has no place for it.
	EventID string
	// Body is nil for a tombstone.
	Body []byte
}

// attempt is how long one call of Publish may take while a back end is away.
const attempt = 3 * time.Second

// slack is how much later a busy machine may notice.
const slack = 3 * time.Second

// absence is how long a back end may need to be back.
const absence = 2 * time.Minute

// Brokers checks an event broker. begin returns an empty back end; it is called for every case.
func Brokers(t *testing.T, begin func(t *testing.T) BrokerTest) {
	cases := []struct {
		name  string
		run   func(t *testing.T, bt BrokerTest)
		needs func(bt BrokerTest) bool
	}{
		{"confirmed before return", confirmedBeforeReturn, nil},
		{"order of conversations", orderOfConversations, nil},
		{"the same list again", sameListAgain, nil},
		{"nothing to publish", nothingToPublish, nil},
		{"a long list", longList, nil},
		{"unusual text", unusualText, nil},
		{"forget", forget, nil},
		{"opened again", openedAgain, nil},
		{"ended context", endedContext, nil},
		{"after close", afterClose, nil},
		{"away at start", awayAtStart, canGo},
		{"away for a while", awayForAWhile, canGo},
		{"away in the middle", awayInTheMiddle, canGo},
		{"hanging", hanging, func(bt BrokerTest) bool { return bt.Freeze != nil }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			bt := begin(t)
			if c.needs == nil || c.needs(bt) {
				c.run(t, bt)
			}
		})
	}
}

func canGo(bt BrokerTest) bool { return bt.Stop != nil }

// publications makes what turns tell brokers, and remembers it.
type publications struct {
	time float64
	all  []stores.Publication
}

// turn returns a turn's publication with n events.
func (p *publications) turn(senderID string, n int) stores.Publication {
	pub := stores.Publication{SenderID: senderID, ID: fmt.Sprintf("commit%d", len(p.all))}
	for range n {
		p.time += 0.25
		pub.Events = append(pub.Events, &tracker.SlotSet{Base: tracker.Base{Timestamp: p.time}, Key: "dish", Value: p.time})
	}
	p.all = append(p.all, pub)
	return pub
}

// turns returns a turn of each of the senders.
func (p *publications) turns(n int, senders ...string) []stores.Publication {
	list := make([]stores.Publication, len(senders))
	for i, id := range senders {
		list[i] = p.turn(id, n)
	}
	return list
}

// bodies returns what of a conversation a reader must get.
func (p *publications) bodies(senderID string) []string {
	var want []string
	for _, pub := range p.all {
		for i := range pub.Events {
			if pub.SenderID == senderID {
				want = append(want, string(value.Encode(pub.Body(i), value.JSON)))
			}
		}
	}
	return want
}

// ids returns the id of the event in each body.
func (p *publications) ids() map[string]string {
	ids := make(map[string]string)
	for _, pub := range p.all {
		for i := range pub.Events {
			ids[string(value.Encode(pub.Body(i), value.JSON))] = pub.EventID(i)
		}
	}
	return ids
}

// conversations sorts what arrived by sender, as the bodies say.
func conversations(t *testing.T, messages []BrokerMessage) map[string][]string {
	t.Helper()
	got := make(map[string][]string)
	for _, m := range messages {
		require.NotNil(t, m.Body, "a tombstone of %q", m.Key)
		event, err := value.DecodeObject(m.Body)
		require.NoError(t, err)
		senderID := event.String("sender_id")
		if m.Key != "" {
			require.Equal(t, senderID, m.Key)
		}
		got[senderID] = append(got[senderID], string(m.Body))
	}
	return got
}

// requireArrived checks that all arrived in order, byte by byte, with stable ids. What came again does not count when
// repeated is true.
func (p *publications) requireArrived(t *testing.T, messages []BrokerMessage, repeated bool) {
	t.Helper()
	got := conversations(t, messages)
	want := make(map[string][]string)
	for _, pub := range p.all {
		want[pub.SenderID] = p.bodies(pub.SenderID)
	}
	if repeated {
		for id, bodies := range got {
			got[id] = withoutRepetitions(bodies)
		}
	}
	require.Equal(t, want, got)
	ids := p.ids()
	for _, m := range messages {
		if messages[0].EventID != "" || m.EventID != "" {
			require.Equal(t, ids[string(m.Body)], m.EventID)
		}
	}
}

// withoutRepetitions keeps the first of equal texts.
func withoutRepetitions(list []string) []string {
	seen := make(map[string]bool)
	var first []string
	for _, s := range list {
		if !seen[s] {
			first = append(first, s)
		}
		seen[s] = true
	}
	return first
}

// open opens a broker that is closed at the end of the case.
func (bt BrokerTest) open(t *testing.T) stores.Broker {
	t.Helper()
	b := bt.Open(t)
	t.Cleanup(func() { _ = b.Close() }) // cases close it themselves, too; once more must do no harm
	return b
}

func publish(t *testing.T, b stores.Broker, list []stores.Publication) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), absence)
	defer cancel()
	require.NoError(t, b.Publish(ctx, list))
}

// publishOnce publishes with a deadline and checks that it is kept.
func publishOnce(t *testing.T, b stores.Broker, list []stores.Publication, limit time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	began := time.Now()
	err := b.Publish(ctx, list)
	require.Less(t, time.Since(began), limit+slack, "Publish ended too late after its context")
	return err
}

func confirmedBeforeReturn(t *testing.T, bt BrokerTest) {
	var p publications
	b := bt.open(t)
	for range 5 {
		publish(t, b, p.turns(3, "ann"))
		p.requireArrived(t, bt.Received(t), false)
	}
	require.NoError(t, b.Close())
	p.requireArrived(t, bt.Received(t), false)
}

func orderOfConversations(t *testing.T, bt BrokerTest) {
	var p publications
	b := bt.open(t)
	for range 4 {
		publish(t, b, p.turns(5, "ann", "bob", "zoë", "ann", "", "c/d e"))
	}
	p.requireArrived(t, bt.Received(t), false)
}

// sameListAgain checks that what comes again has the same bytes and ids.
func sameListAgain(t *testing.T, bt BrokerTest) {
	var p publications
	b := bt.open(t)
	list := p.turns(3, "ann", "bob")
	publish(t, b, list)
	publish(t, b, list)
	publish(t, b, p.turns(1, "ann"))
	p.requireArrived(t, bt.Received(t), true)
}

func nothingToPublish(t *testing.T, bt BrokerTest) {
	var p publications
	b := bt.open(t)
	publish(t, b, nil)
	publish(t, b, p.turns(0, "ann", "bob"))
	require.Empty(t, bt.Received(t))
	publish(t, b, []stores.Publication{p.turn("eve", 0), p.turn("eve", 2), p.turn("eve", 0)})
	p.all = p.all[3:4]
	p.requireArrived(t, bt.Received(t), false)
}

func longList(t *testing.T, bt BrokerTest) {
	var p publications
	b := bt.open(t)
	var list []stores.Publication
	for i := range 300 {
		list = append(list, p.turn(fmt.Sprint("sender", i%7), 10))
	}
	publish(t, b, list)
	p.requireArrived(t, bt.Received(t), false)
}

func unusualText(t *testing.T, bt BrokerTest) {
	var p publications
	pub := p.turn("péché 🍑", 1)
	event := pub.Events[0].(*tracker.SlotSet)
	long := make([]byte, 200_000)
	for i := range long {
		long[i] = 'a' + byte(i%26)
	}
	for i, v := range []any{"line\nline\x00\u2028", `"quoted" \ 'quoted'`, value.NewMap("a.b", []any{nil, true, 1e300}, "", ""), string(long)} {
		e := *event
		e.Timestamp += float64(i)
		e.Value = v
		pub.Events = append(pub.Events, &e)
	}
	p.all[0] = pub
	publish(t, bt.open(t), []stores.Publication{pub})
	p.requireArrived(t, bt.Received(t), false)
}

// forget checks that the broker tells of a deletion behind what it told before.
func forget(t *testing.T, bt BrokerTest) {
	var p publications
	b := bt.open(t)
	publish(t, b, p.turns(2, "ann", "bob"))
	require.NoError(t, b.Forget(t.Context(), "ann"))
	messages := bt.Received(t)
	require.Len(t, messages, 5)
	var got []BrokerMessage
	last := ""
	for _, m := range messages {
		if m.Body == nil {
			require.Equal(t, "ann", m.Key)
			last = ""
			continue
		}
		event, err := value.DecodeObject(m.Body)
		require.NoError(t, err)
		if event.String("event") == stores.EventDeleted {
			require.Equal(t, "ann", event.String("sender_id"))
			require.IsType(t, 0.0, event.Value("timestamp"))
			last = ""
			continue
		}
		if event.String("sender_id") == "ann" {
			last = "ann"
		}
		got = append(got, m)
	}
	require.Len(t, got, 4)
	require.Empty(t, last, "the deletion came before events of its conversation")
	p.requireArrived(t, got, false)
}

// openedAgain checks that a broker goes on where an earlier one ended.
func openedAgain(t *testing.T, bt BrokerTest) {
	var p publications
	for range 2 {
		b := bt.open(t)
		publish(t, b, p.turns(2, "ann"))
		require.NoError(t, b.Close())
	}
	p.requireArrived(t, bt.Received(t), false)
}

func endedContext(t *testing.T, bt BrokerTest) {
	var p publications
	b := bt.open(t)
	publish(t, b, p.turns(1, "ann"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	list := p.turns(2, "ann", "bob")
	require.ErrorIs(t, b.Publish(ctx, list), context.Canceled)
	require.ErrorIs(t, b.Forget(ctx, "ann"), context.Canceled)
	publish(t, b, list)
	p.requireArrived(t, bt.Received(t), true)
}

func afterClose(t *testing.T, bt BrokerTest) {
	var p publications
	b := bt.open(t)
	require.NoError(t, b.Close(), "one that was never used")
	b = bt.open(t)
	publish(t, b, p.turns(1, "ann"))
	require.NoError(t, b.Close())
	require.NoError(t, b.Close())
	var later publications
	require.Error(t, b.Publish(t.Context(), later.turns(1, "bob")))
	require.Error(t, b.Forget(t.Context(), "bob"))
	p.requireArrived(t, bt.Received(t), false)
}
