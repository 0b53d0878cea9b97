package redis

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/internal/testservers"
	"github.com/parleybot/parley/internal/value"
)

// recording is what real Rasa wrote (conformance/stores/locks.py record).
type recording struct {
	ConversationID string `json:"conversation_id"`
	States         []struct {
		State string
		Raw   *string
	}
}

func recorded(t *testing.T) (r recording) {
	t.Helper()
	text, err := os.ReadFile("testdata/rasa.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &r))
	require.Len(t, r.States, 7)
	return r
}

var expires = regexp.MustCompile(`expires\\": \d+\.\d+`)

// timeless returns a lock without the times in it.
func timeless(raw string) string { return expires.ReplaceAllString(raw, `expires\": T`) }

// raw returns what Redis has of a lock.
func (l *Locks) raw(t *testing.T, id string) string {
	t.Helper()
	s, err := l.client.Get(t.Context(), l.key(id)).Result()
	if err != nil {
		return err.Error()
	}
	return s
}

// write does what Rasa does: the key loses its time to live.
func (l *Locks) write(t *testing.T, id, raw string) {
	t.Helper()
	require.NoError(t, l.client.Set(t.Context(), l.key(id), raw, 0).Err())
}

// rasas returns a lock as Rasa writes it, of tickets given as number and seconds that they last.
func rasas(id string, tickets ...float64) string {
	list := []any{}
	for i := 0; i < len(tickets); i += 2 {
		expires := float64(time.Now().UnixMicro())/1e6 + tickets[i+1]
		list = append(list, string(value.Encode(value.NewMap("number", int64(tickets[i]), "expires", expires), value.JSON)))
	}
	return string(value.Encode(value.NewMap("conversation_id", id, "tickets", list), value.JSON))
}

// numbers returns the numbers of the tickets of a lock.
func (l *Locks) numbers(t *testing.T, id string) string {
	t.Helper()
	var all []string
	for _, m := range regexp.MustCompile(`number\\": (\d+)`).FindAllStringSubmatch(l.raw(t, id), -1) {
		all = append(all, m[1])
	}
	return strings.Join(all, " ")
}

// TestWritesWhatRasaWrites goes through the states that were recorded: the bytes are the same, times aside.
func TestWritesWhatRasaWrites(t *testing.T) {
	r := recorded(t)
	id := r.ConversationID
	l := node(t, at(t, testservers.Redis(t)), Options{})
	same := func(state int) {
		t.Helper()
		want := "redis: nil"
		if r.States[state].Raw != nil {
			want = timeless(*r.States[state].Raw)
		}
		require.Equal(t, want, timeless(l.raw(t, id)), r.States[state].State)
	}
	var n *line
	var list [3]*ticket
	for state := range 3 {
		n, list[state] = l.enqueue(t, id)
		same(state)
	}
	for i, number := range []int{1, 0, 2} {
		l.leave(n, list[number])
		<-list[number].gone
		state := 3 + i
		if state == 5 { // Rasa writes an empty lock before it deletes it
			state = 6
		}
		same(state)
	}
}

// enqueue asks for a ticket and waits until it is in Redis.
func (l *Locks) enqueue(t *testing.T, id string) (*line, *ticket) {
	t.Helper()
	n, tk, mine, err := l.ask(id)
	require.NoError(t, err)
	if mine {
		l.serve(t.Context(), n)
	}
	require.Eventually(t, func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return tk.state != asked
	}, patience, time.Millisecond)
	return n, tk
}

// TestReadsWhatRasaWrites has a ticket queue behind those that Rasa wrote, which stay as they are, to the byte.
func TestReadsWhatRasaWrites(t *testing.T) {
	r := recorded(t)
	id := r.ConversationID
	l := node(t, at(t, testservers.Redis(t)), Options{Lease: time.Hour})
	for _, s := range r.States[:5] {
		// The tickets have expired by now, so they get years.
		raw := strings.ReplaceAll(*s.Raw, ": 179", ": 999")
		l.write(t, id, raw)
		n, tk := l.enqueue(t, id)
		require.Equal(t, queued, tk.state)
		require.Equal(t, strings.TrimSuffix(raw, "]}")+", "+strconv.Quote(tk.texts[0])+"]}", l.raw(t, id), s.State)
		ttl, err := l.client.TTL(t.Context(), l.key(id)).Result()
		require.NoError(t, err)
		require.Positive(t, ttl, "no lock lives for ever")
		l.leave(n, tk)
		<-tk.gone
		require.Equal(t, raw, l.raw(t, id))
		require.NoError(t, l.client.Del(t.Context(), l.key(id)).Err())
	}
}

// TestTicketsArePythons checks the form of the times: what Python's float reads from them, it writes again.
func TestTicketsArePythons(t *testing.T) {
	l := node(t, at(t, testservers.Redis(t)), Options{})
	form := regexp.MustCompile(`^{"number": (\d+), "expires": (\d+\.\d+)}$`)
	for i := range 2000 {
		digits := i % 1000
		a, err := l.send(&line{senderID: "u", key: l.key(strconv.Itoa(i))}, batch{issue: []*ticket{{digits: digits}}, holder: -1}, l.callLimit)
		require.NoError(t, err)
		m := form.FindStringSubmatch(a.issued[0])
		require.NotNil(t, m, a.issued[0])
		f, err := strconv.ParseFloat(m[2], 64)
		require.NoError(t, err)
		require.Equal(t, string(value.Encode(f, value.JSON)), m[2])
		require.Equal(t, int64(digits), int64(f*1e6+0.5)%1000)
	}
}

func TestBehindRasa(t *testing.T) {
	l := node(t, at(t, testservers.Redis(t)), Options{})
	l.write(t, "u", rasas("u", 4, 60))
	got := inBackground(t, l, "u")
	require.Equal(t, "4 5", l.numbers(t, "u"))
	require.Empty(t, got)
	raw := l.raw(t, "u")
	l.write(t, "u", `{"conversation_id": "u", "tickets": [`+raw[strings.Index(raw, ", \"{")+2:]) // Rasa's ticket is served
	began := time.Now()
	unlock := <-got
	require.Less(t, time.Since(began), time.Second)
	unlock()
	require.Equal(t, "redis: nil", l.raw(t, "u"))
}

// TestExpired has the ticket of a crashed Rasa node before us.
func TestExpired(t *testing.T) {
	l := node(t, at(t, testservers.Redis(t)), Options{})
	l.write(t, "u", rasas("u", 4, 0.2, 5, -1, 2, -5))
	began := time.Now()
	unlock := lock(t, l, "u")
	require.Greater(t, time.Since(began), 190*time.Millisecond)
	require.Less(t, time.Since(began), 2*time.Second)
	require.Equal(t, "5 6", l.numbers(t, "u"), "the highest number that may still be at work is kept")
	unlock()
	require.Equal(t, "5", l.numbers(t, "u"))
	unlock = lock(t, l, "u")
	require.Equal(t, "5 6", l.numbers(t, "u"))
	l.write(t, "u", rasas("u", 5, -601))
	unlock()
	require.Equal(t, "redis: nil", l.raw(t, "u"), "nobody is at work for that long")
}

// TestNumbersOfTheLateAreNotReused: A's ticket expires, B gets one, A hands back its own; C has to wait for B.
func TestNumbersOfTheLateAreNotReused(t *testing.T) {
	options := at(t, testservers.Redis(t))
	l, other := node(t, options, Options{}), node(t, options, Options{})
	l.write(t, "u", rasas("u", 0, -0.1)) // A of Rasa
	b := lock(t, l, "u")
	require.Equal(t, "0 1", l.numbers(t, "u"))
	l.write(t, "u", strings.Replace(l.raw(t, "u"), rasasFirst(l.raw(t, "u"))+", ", "", 1)) // A is served: Rasa goes by the number
	c := inBackground(t, other, "u")
	require.Equal(t, "1 2", l.numbers(t, "u"))
	require.Empty(t, c)
	b()
	(<-c)()
}

// rasasFirst returns the first ticket of a lock as it stands there.
func rasasFirst(raw string) string { return regexp.MustCompile(`"{.*?}"`).FindString(raw) }

// TestOverwrittenWhileWaiting: a Rasa node writes what it read before we came.
func TestOverwrittenWhileWaiting(t *testing.T) {
	l := node(t, at(t, testservers.Redis(t)), Options{})
	before := rasas("u", 7, 60)
	l.write(t, "u", before)
	got := inBackground(t, l, "u")
	l.write(t, "u", before)
	require.Eventually(t, func() bool { return l.numbers(t, "u") == "7 8" }, patience, time.Millisecond)
	// Another one got our number meanwhile.
	l.write(t, "u", rasas("u", 7, 60, 8, 60))
	require.Eventually(t, func() bool { return l.numbers(t, "u") == "7 8 9" }, patience, time.Millisecond)
	require.NoError(t, l.client.Del(t.Context(), l.key("u")).Err())
	(<-got)()
}

// TestOverwrittenWhileHolding: the ticket comes back, in front, and the loss is told.
func TestOverwrittenWhileHolding(t *testing.T) {
	var log lockedBuffer
	l := node(t, at(t, testservers.Redis(t)), Options{Lease: 300 * time.Millisecond, Logger: textLogger(&log)})
	unlock := lock(t, l, "u")
	l.write(t, "u", rasas("u", 3, 60))
	require.Eventually(t, func() bool { return l.numbers(t, "u") == "0 3" }, patience, time.Millisecond)
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "was lost while it was held") }, patience, time.Millisecond)
	require.Contains(t, log.String(), "sender_id=u")
	l.write(t, "u", rasas("u", 0, 60))
	require.Eventually(t, func() bool { return l.numbers(t, "u") == "0 1" }, patience, time.Millisecond)
	unlock()
	require.Equal(t, "0", l.numbers(t, "u"))
}

// TestNobodyGoesBeforeWhoHolds: a ticket that waits and was lost does not come back in front of one that may be served.
func TestNobodyGoesBeforeWhoHolds(t *testing.T) {
	l := node(t, at(t, testservers.Redis(t)), Options{})
	n := &line{senderID: "u", key: l.key("u")}
	waits := &ticket{texts: []string{`{"number": 4, "expires": 1.5}`}}
	l.write(t, "u", rasas("u", 6, 60))
	_, err := l.send(n, batch{keep: []*ticket{waits}, holder: -1}, l.callLimit)
	require.NoError(t, err)
	require.Equal(t, "6 7", l.numbers(t, "u"))
	_, err = l.send(n, batch{keep: []*ticket{{texts: []string{`{"number": 5, "expires": 1.5}`}}}, holder: 0}, l.callLimit)
	require.NoError(t, err)
	require.Equal(t, "5 6 7", l.numbers(t, "u"))
}

// TestPhantom: a Rasa node brings back a ticket that was served. Nobody renews it.
func TestPhantom(t *testing.T) {
	options := at(t, testservers.Redis(t))
	l, other := node(t, options, Options{Lease: 600 * time.Millisecond}), node(t, options, Options{})
	unlock := lock(t, l, "u")
	raw := l.raw(t, "u")
	unlock()
	l.write(t, "u", raw)
	began := time.Now()
	lock(t, other, "u")()
	require.Less(t, time.Since(began), 2*time.Second)
}

// TestPhantomIsDropped: a ticket that is brought back while one of Rasa's is there goes at once.
func TestPhantomIsDropped(t *testing.T) {
	l := node(t, at(t, testservers.Redis(t)), Options{Lease: 20 * time.Second})
	unlock := lock(t, l, "u")
	own := l.raw(t, "u")
	behind := rasas("u", 1, 60)
	both := strings.Replace(own, rasasFirst(own), rasasFirst(own)+", "+rasasFirst(behind), 1)
	l.write(t, "u", both)
	unlock()
	require.Equal(t, behind, l.raw(t, "u"))
	l.write(t, "u", both)
	require.Eventually(t, func() bool { return l.raw(t, "u") == behind }, patience, time.Millisecond)
	require.Eventually(t, func() bool { return l.count() == 0 }, patience, time.Millisecond, "it is not watched for ever")
	l.write(t, "u", both)
	got := inBackground(t, l, "u")
	require.NoError(t, l.client.Del(t.Context(), l.key("u")).Err())
	(<-got)()
}

func (l *Locks) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.lines)
}

// TestAboutToBeDeleted: Rasa writes an empty lock and deletes it, with the ticket that came in between.
func TestAboutToBeDeleted(t *testing.T) {
	l := node(t, at(t, testservers.Redis(t)), Options{})
	l.write(t, "u", rasas("u"))
	n := &line{senderID: "u", key: l.key("u"), locks: l}
	tk := newTicket()
	n.tickets = []*ticket{tk}
	step := func() (batch, answer) {
		b, _ := n.gather()
		a, err := l.send(n, b, l.callLimit)
		require.NoError(t, err)
		require.NotZero(t, n.settle(b, a, err))
		return b, a
	}
	_, a := step()
	require.True(t, a.pending)
	require.Equal(t, queued, tk.state)
	require.NoError(t, l.client.Del(t.Context(), n.key).Err())
	_, a = step()
	require.False(t, a.pending)
	require.Equal(t, held, tk.state)
}

// TestUnreadable: what is no lock counts as none.
func TestUnreadable(t *testing.T) {
	l := node(t, at(t, testservers.Redis(t)), Options{})
	for _, raw := range []string{"", "nonsense", "[]", `"x"`, `{"tickets": null}`, `{"tickets": {"a": 1}}`,
		`{"tickets": [7, null, "x", "{}", "{\"number\": \"1\", \"expires\": 5}"]}`} {
		l.write(t, "u", raw)
		unlock := lock(t, l, "u")
		require.Equal(t, "0", l.numbers(t, "u"), raw)
		unlock()
	}
}

// TestRepetition: a call whose answer was lost is repeated, and finds its ticket.
func TestRepetition(t *testing.T) {
	l := node(t, at(t, testservers.Redis(t)), Options{})
	n := &line{senderID: "u", key: l.key("u")}
	l.write(t, "u", rasas("u", 1, 60))
	b := batch{issue: []*ticket{{digits: 7}, {digits: 999}}, holder: -1}
	first, err := l.call(t.Context(), n, b, false)
	require.NoError(t, err)
	second, err := l.call(t.Context(), n, b, true)
	require.NoError(t, err)
	require.Equal(t, first.issued, second.issued)
	require.Equal(t, "1 2 3", l.numbers(t, "u"))
}

// TestTooLate: what a Redis that was stopped runs after its caller gave up has no effect, and a node whose idea of the
// time is wrong learns the right one.
func TestTooLate(t *testing.T) {
	l := node(t, at(t, testservers.Redis(t)), Options{})
	l.clock.set(time.Now(), time.Now(), time.Now().Add(-time.Minute).UnixMicro())
	n := &line{senderID: "u", key: l.key("u")}
	_, err := l.call(t.Context(), n, batch{issue: []*ticket{{}}, holder: -1}, false)
	require.ErrorIs(t, err, errLate)
	require.Equal(t, "redis: nil", l.raw(t, "u"))
	l.clock.set(time.Now(), time.Now(), time.Now().Add(-time.Minute).UnixMicro())
	lock(t, l, "u")()
}

func TestManyWaitersAndRasa(t *testing.T) {
	options := at(t, testservers.Redis(t))
	l, other := node(t, options, Options{}), node(t, options, Options{})
	l.write(t, "u", rasas("u", 0, 0.5))
	var queue []<-chan func()
	for i := range 40 {
		queue = append(queue, inBackground(t, []*Locks{l, other}[i%2], "u"))
	}
	for i, next := range queue {
		unlock := <-next
		require.Equal(t, fmt.Sprint(i+1), strings.Fields(l.numbers(t, "u") + " ")[1], "the first is Rasa's, which expired")
		unlock()
	}
}
