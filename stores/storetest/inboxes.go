package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// InboxServer is what inboxes are kept by, and how a case breaks it. What a back end cannot have happen is nil.
type InboxServer struct {
	// Node returns an inbox of a further node. Whoever called closes it.
	Node func(t *testing.T) stores.Inbox
	// Kill ends a node as if its process had died.
	Kill func(node stores.Inbox)
	// Restart ends the server and starts it again; nodes that were open are of no use any more.
	Restart func(t *testing.T)
	// Away ends the server, Back starts it again.
	Away, Back func(t *testing.T)
	// Window is for how long ids are remembered, Lease after which silence a node is taken for dead. Both should be short.
	Window, Lease time.Duration
	// MaxAttempts is how many failures are a message's last.
	MaxAttempts int
}

// Inboxes checks an inbox. open returns a server without messages; it is called for every case, by several goroutines.
func Inboxes(t *testing.T, open func(t *testing.T) InboxServer) {
	cases := map[string]func(t *testing.T, s InboxServer){
		"what was put comes out":      envelopes,
		"order over nodes":            orderOverNodes,
		"no waiting for others":       noWaitingForOthers,
		"one conversation with lots":  oneConversationWithLots,
		"duplicates":                  duplicates,
		"ids of conversations":        conversationIDs,
		"failures":                    failures,
		"poison":                      poison,
		"a store that is away":        storeAway,
		"panics":                      panics,
		"slow handling":               slowHandling,
		"Run ends":                    runEnds,
		"delete":                      deleteMessages,
		"delete while handling":       deleteWhileHandling,
		"a node dies":                 nodeDies,
		"the server starts again":     serverStartsAgain,
		"the server is away":          serverAway,
		"messages before anyone runs": beforeAnyoneRuns,
	}
	for name, run := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of them wait
			run(t, open(t))
		})
	}
}

// node opens a node for a case.
func (s InboxServer) node(t *testing.T) stores.Inbox {
	t.Helper()
	in := s.Node(t)
	t.Cleanup(func() { require.NoError(t, in.Close()) })
	return in
}

type handler func(ctx context.Context, m stores.Envelope) error

// running has in run until the returned function is called, or the case ends, and expects it to end without an error.
func running(t *testing.T, in stores.Inbox, handle handler) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- in.Run(ctx, handle) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			require.NoError(t, err)
		case <-time.After(patience):
			t.Error("Run does not end")
		}
	})
	t.Cleanup(stop)
	return stop
}

func put(t *testing.T, in stores.Inbox, m stores.Envelope) {
	t.Helper()
	if m.Channel == "" {
		m.Channel = "c"
	}
	m.Received = time.Now()
	duplicate, err := in.Put(t.Context(), m)
	require.NoError(t, err)
	require.False(t, duplicate)
}

// journal records what is handled and finds fault with order and with two at once.
type journal struct {
	mu    sync.Mutex
	texts map[string][]string
	busy  map[string]bool
	wrong []string
	count int
	all   chan struct{}
	want  int
}

func newJournal(want int) *journal {
	return &journal{texts: make(map[string][]string), busy: make(map[string]bool), all: make(chan struct{}), want: want}
}

func (j *journal) begin(m stores.Envelope) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.busy[m.SenderID] {
		j.wrong = append(j.wrong, fmt.Sprintf("%s %s: two at once", m.SenderID, m.Text))
	}
	j.busy[m.SenderID] = true
}

// end notes that a message was handled; with failed it was begun only.
func (j *journal) end(m stores.Envelope, failed bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.busy[m.SenderID] = false
	if failed {
		return
	}
	j.texts[m.SenderID] = append(j.texts[m.SenderID], m.Text)
	if j.count++; j.count == j.want {
		close(j.all)
	}
}

func (j *journal) handle(_ context.Context, m stores.Envelope) error {
	j.begin(m)
	defer j.end(m, false)
	return nil
}

func (j *journal) wait(t *testing.T) {
	t.Helper()
	select {
	case <-j.all:
	case <-time.After(patience):
		j.mu.Lock()
		defer j.mu.Unlock()
		t.Fatalf("%d of %d messages were handled: %v", j.count, j.want, j.texts)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	require.Empty(t, j.wrong)
	require.Equal(t, j.want, j.count)
}

// quiet waits a little and checks that nothing more was handled than the journal wants.
func (j *journal) quiet(t *testing.T) {
	t.Helper()
	j.wait(t)
	time.Sleep(50 * time.Millisecond)
	j.mu.Lock()
	defer j.mu.Unlock()
	require.Equal(t, j.want, j.count)
}

func numbers(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprint(i)
	}
	return list
}

func envelopes(t *testing.T, s InboxServer) {
	in := s.node(t)
	full := stores.Envelope{
		ID: "id \n1", Channel: "slack", SenderID: "u", InputChannel: "other", Text: "hällo 👋\x00\n\"",
		Metadata:  value.NewMap("z", int64(1), "a", []any{1.5, nil, true, "ß"}, "m", value.NewMap("b", "c")),
		ParseData: value.NewMap("intent", value.NewMap("name", "greet")), ReplyTo: value.NewMap("url", "http://x"),
		Received: time.Now().Add(-time.Hour).Round(time.Millisecond),
	}
	empty := stores.Envelope{Channel: "slack", SenderID: "u", Received: full.Received}
	got := make(chan stores.Envelope, 2)
	for _, m := range []stores.Envelope{full, empty} {
		duplicate, err := in.Put(t.Context(), m)
		require.NoError(t, err)
		require.False(t, duplicate)
	}
	running(t, in, func(_ context.Context, m stores.Envelope) error { got <- m; return nil })
	for i, want := range []stores.Envelope{full, empty} {
		m := <-got
		require.True(t, want.Received.Equal(m.Received))
		if want.ID == "" {
			require.NotEmpty(t, m.ID)
			want.ID = m.ID
		}
		want.Received, want.Attempt = m.Received, 1
		require.Equal(t, want, m, i)
	}
}

// orderOverNodes has messages put and handled by three nodes at once.
func orderOverNodes(t *testing.T, s InboxServer) {
	const nodes, conversations, each = 3, 8, 20
	j := newJournal(conversations * each)
	list := make([]stores.Inbox, nodes)
	for i := range list {
		list[i] = s.node(t)
		running(t, list[i], func(ctx context.Context, m stores.Envelope) error {
			j.begin(m)
			time.Sleep(time.Duration(len(m.Text)+len(m.SenderID)) * 100 * time.Microsecond)
			j.end(m, false)
			return nil
		})
	}
	var putting sync.WaitGroup
	for c := range conversations {
		putting.Go(func() {
			for i := range each {
				m := stores.Envelope{ID: fmt.Sprintf("%d-%d", c, i), Channel: "c", SenderID: fmt.Sprint("user", c), Text: fmt.Sprint(i)}
				if _, err := list[(c+i)%nodes].Put(t.Context(), m); err != nil {
					t.Error(err)
				}
			}
		})
	}
	putting.Wait()
	j.quiet(t)
	for c := range conversations {
		require.Equal(t, numbers(each), j.texts[fmt.Sprint("user", c)])
	}
}

func noWaitingForOthers(t *testing.T, s InboxServer) {
	const others = 20
	in := s.node(t)
	free, held := make(chan struct{}), make(chan struct{}, 3)
	j := newJournal(others + 3)
	running(t, in, func(_ context.Context, m stores.Envelope) error {
		if m.SenderID == "slow" {
			held <- struct{}{}
			<-free
		}
		return j.handle(t.Context(), m)
	})
	for i := range 3 {
		put(t, in, stores.Envelope{SenderID: "slow", Text: fmt.Sprint(i)})
	}
	<-held
	for i := range others {
		put(t, in, stores.Envelope{SenderID: fmt.Sprint(i)})
	}
	require.Eventually(t, func() bool { j.mu.Lock(); defer j.mu.Unlock(); return j.count == others }, patience, time.Millisecond)
	close(free)
	j.wait(t)
	require.Equal(t, numbers(3), j.texts["slow"])
}

// oneConversationWithLots has one user send far more than a node handles at a time, and checks that others are not behind.
func oneConversationWithLots(t *testing.T, s InboxServer) {
	const lots = 300
	a, b := s.node(t), s.node(t)
	for i := range lots {
		put(t, a, stores.Envelope{SenderID: "flood", Text: fmt.Sprint(i)})
	}
	free := make(chan struct{})
	j := newJournal(lots + 1)
	handle := func(ctx context.Context, m stores.Envelope) error {
		if m.SenderID == "flood" {
			<-free
		}
		return j.handle(ctx, m)
	}
	running(t, a, handle)
	running(t, b, handle)
	put(t, b, stores.Envelope{SenderID: "other"})
	require.Eventually(t, func() bool { j.mu.Lock(); defer j.mu.Unlock(); return j.count == 1 }, patience, time.Millisecond)
	close(free)
	j.wait(t)
	require.Equal(t, numbers(lots), j.texts["flood"])
}

func duplicates(t *testing.T, s InboxServer) {
	a, b := s.node(t), s.node(t)
	j := newJournal(4)
	again := func(in stores.Inbox, channel, id string) bool {
		duplicate, err := in.Put(t.Context(), stores.Envelope{ID: id, Channel: channel, SenderID: "u", Text: channel + id})
		require.NoError(t, err)
		return duplicate
	}
	require.False(t, again(a, "c", "1"))
	require.True(t, again(a, "c", "1"))
	require.True(t, again(b, "c", "1"), "put by another node")
	require.False(t, again(b, "d", "1"), "of another channel")
	require.False(t, again(a, "c", ""), "without an id")
	require.False(t, again(b, "c", ""))
	running(t, a, j.handle)
	j.quiet(t)
	require.Equal(t, []string{"c1", "d1", "c", "c"}, j.texts["u"])
	require.True(t, again(b, "c", "1"), "when it was handled")
	require.Eventually(t, func() bool { return !again(a, "c", "1") }, s.Window+patience, s.Window/4, "after the window")
}

func conversationIDs(t *testing.T, s InboxServer) {
	long := strings.Repeat("x", 2000)
	ids := []string{"a", "A", "a.b", "a b", "*", ">", "a.*", "%", "%2E", "%%", "", " ", "ä", "👋", "\x00\x01\r\n", "$JS.API", "/../x", long, long + ".", "user@example.com", "+49 30"}
	in := s.node(t)
	j := newJournal(len(ids))
	for _, id := range ids {
		put(t, in, stores.Envelope{ID: "m" + id, SenderID: id, Text: id})
	}
	running(t, in, j.handle)
	j.quiet(t)
	for _, id := range ids {
		require.Equal(t, []string{id}, j.texts[id])
		n, err := in.Delete(t.Context(), id)
		require.NoError(t, err)
		require.Zero(t, n, id)
	}
}

var errOnPurpose = errors.New("failed on purpose")

// failures has the first message fail twice; those behind it wait, those of others do not.
func failures(t *testing.T, s InboxServer) {
	in := s.node(t)
	j := newJournal(4)
	var attempts []int
	running(t, in, func(_ context.Context, m stores.Envelope) error {
		j.begin(m)
		bad := m.SenderID == "u" && m.Text == "0" && m.Attempt < 3
		if m.SenderID == "u" && m.Text == "0" {
			attempts = append(attempts, m.Attempt)
		}
		j.end(m, bad)
		if bad {
			return errOnPurpose
		}
		return nil
	})
	for i := range 3 {
		put(t, in, stores.Envelope{SenderID: "u", Text: fmt.Sprint(i)})
	}
	put(t, in, stores.Envelope{SenderID: "other"})
	j.quiet(t)
	require.Equal(t, numbers(3), j.texts["u"])
	require.Equal(t, []int{1, 2, 3}, attempts)
}

// poison checks that a message which cannot be handled does not block its conversation for ever.
func poison(t *testing.T, s InboxServer) {
	a, b := s.node(t), s.node(t)
	j := newJournal(2)
	var tried atomic.Int64
	handle := func(ctx context.Context, m stores.Envelope) error {
		if m.Text == "poison" {
			tried.Add(1)
			return errOnPurpose
		}
		return j.handle(ctx, m)
	}
	running(t, a, handle)
	running(t, b, handle)
	for _, text := range []string{"before", "poison", "after"} {
		put(t, a, stores.Envelope{SenderID: "u", Text: text})
	}
	j.quiet(t)
	require.Equal(t, []string{"before", "after"}, j.texts["u"])
	require.Equal(t, int64(s.MaxAttempts), tried.Load())
}

// storeAway fails more often than messages may; it is not their fault.
func storeAway(t *testing.T, s InboxServer) {
	in := s.node(t)
	j := newJournal(1)
	running(t, in, func(ctx context.Context, m stores.Envelope) error {
		switch {
		case m.Attempt <= s.MaxAttempts:
			return fmt.Errorf("loading: %w", stores.ErrUnavailable)
		case m.Attempt <= 2*s.MaxAttempts:
			return fmt.Errorf("locking: %w", stores.ErrLockNotAcquired)
		}
		return j.handle(ctx, m)
	})
	put(t, in, stores.Envelope{SenderID: "u"})
	j.wait(t)
}

func panics(t *testing.T, s InboxServer) {
	in := s.node(t)
	j := newJournal(1)
	running(t, in, func(ctx context.Context, m stores.Envelope) error {
		if m.Attempt == 1 {
			panic("on purpose")
		}
		return j.handle(ctx, m)
	})
	put(t, in, stores.Envelope{SenderID: "u"})
	j.wait(t)
}

// slowHandling takes longer than a lease; no other node may begin.
func slowHandling(t *testing.T, s InboxServer) {
	a, b := s.node(t), s.node(t)
	j := newJournal(2)
	handle := func(ctx context.Context, m stores.Envelope) error {
		j.begin(m)
		defer j.end(m, false)
		if m.Attempt > 1 {
			t.Error("handled again")
		}
		select {
		case <-ctx.Done():
			t.Error("cancelled")
		case <-time.After(s.Lease * 3 / 2):
		}
		return nil
	}
	running(t, a, handle)
	running(t, b, handle)
	put(t, a, stores.Envelope{SenderID: "u", Text: "0"})
	put(t, b, stores.Envelope{SenderID: "u", Text: "1"})
	j.quiet(t)
	require.Equal(t, numbers(2), j.texts["u"])
}
