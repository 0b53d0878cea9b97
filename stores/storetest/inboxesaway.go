package storetest

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/stores"
)

// runEnds checks that a message whose handling was cut short comes again at another node, soon.
func runEnds(t *testing.T, s InboxServer) {
	a, b := s.node(t), s.node(t)
	begun := make(chan struct{})
	stop := running(t, a, func(ctx context.Context, _ stores.Envelope) error {
		close(begun)
		<-ctx.Done()
		return ctx.Err()
	})
	put(t, a, stores.Envelope{SenderID: "u", Text: "0"})
	<-begun
	stop()
	j := newJournal(1)
	var attempt int
	running(t, b, func(ctx context.Context, m stores.Envelope) error { attempt = m.Attempt; return j.handle(ctx, m) })
	j.wait(t)
	require.Equal(t, 2, attempt)
}

func deleteMessages(t *testing.T, s InboxServer) {
	in := s.node(t)
	for i := range 3 {
		put(t, in, stores.Envelope{SenderID: "gone", Text: fmt.Sprint(i)})
		put(t, in, stores.Envelope{SenderID: "stays", Text: fmt.Sprint(i)})
	}
	for _, want := range []int{3, 0} {
		n, err := in.Delete(t.Context(), "gone")
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	j := newJournal(4)
	put(t, in, stores.Envelope{SenderID: "gone", Text: "new"})
	running(t, in, j.handle)
	j.quiet(t)
	require.Equal(t, map[string][]string{"gone": {"new"}, "stays": numbers(3)}, j.texts)
}

func deleteWhileHandling(t *testing.T, s InboxServer) {
	in := s.node(t)
	begun, free := make(chan struct{}), make(chan struct{})
	j := newJournal(2)
	running(t, in, func(ctx context.Context, m stores.Envelope) error {
		if m.Text == "0" {
			close(begun)
			<-free
		}
		return j.handle(ctx, m)
	})
	put(t, in, stores.Envelope{SenderID: "u", Text: "0"})
	put(t, in, stores.Envelope{SenderID: "u", Text: "1"})
	<-begun
	n, err := in.Delete(t.Context(), "u")
	require.NoError(t, err)
	require.Equal(t, 2, n)
	put(t, in, stores.Envelope{SenderID: "u", Text: "2"})
	close(free)
	j.quiet(t)
	require.Equal(t, []string{"0", "2"}, j.texts["u"])
}

func beforeAnyoneRuns(t *testing.T, s InboxServer) {
	in := s.node(t)
	for i := range 5 {
		put(t, in, stores.Envelope{SenderID: "u", Text: fmt.Sprint(i)})
	}
	j := newJournal(5)
	running(t, s.node(t), j.handle)
	j.quiet(t)
	require.Equal(t, numbers(5), j.texts["u"])
}

func nodeDies(t *testing.T, s InboxServer) {
	if s.Kill == nil {
		return // the messages die with the node
	}
	victim, heir := s.Node(t), s.node(t)
	begun := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = victim.Run(context.Background(), func(ctx context.Context, _ stores.Envelope) error {
			close(begun)
			<-ctx.Done()
			return ctx.Err()
		})
	}()
	for i := range 3 {
		put(t, victim, stores.Envelope{SenderID: "u", Text: fmt.Sprint(i)})
	}
	<-begun
	j := newJournal(3)
	var first atomic.Int64
	running(t, heir, func(ctx context.Context, m stores.Envelope) error {
		first.CompareAndSwap(0, int64(m.Attempt))
		return j.handle(ctx, m)
	})
	s.Kill(victim)
	began := time.Now()
	j.quiet(t)
	require.Less(t, time.Since(began), 3*s.Lease+time.Second)
	require.Equal(t, numbers(3), j.texts["u"])
	require.Equal(t, int64(2), first.Load())
	<-ended
}

func serverStartsAgain(t *testing.T, s InboxServer) {
	if s.Restart == nil {
		return // what it kept is lost
	}
	in := s.Node(t)
	j := newJournal(1)
	put(t, in, stores.Envelope{ID: "handled", SenderID: "u", Text: "handled"})
	stop := running(t, in, j.handle)
	j.wait(t)
	stop()
	put(t, in, stores.Envelope{ID: "kept", SenderID: "u", Text: "kept"})
	require.NoError(t, in.Close())
	s.Restart(t)

	in = s.node(t)
	for _, id := range []string{"handled", "kept"} {
		duplicate, err := in.Put(t.Context(), stores.Envelope{ID: id, Channel: "c", SenderID: "u", Text: id})
		require.NoError(t, err)
		require.True(t, duplicate, id)
	}
	j = newJournal(1)
	running(t, in, j.handle)
	j.quiet(t)
	require.Equal(t, []string{"kept"}, j.texts["u"])
}

func serverAway(t *testing.T, s InboxServer) {
	if s.Away == nil {
		return // it is part of the process
	}
	in := s.node(t)
	j := newJournal(2)
	running(t, in, j.handle)
	put(t, in, stores.Envelope{SenderID: "u", Text: "0"})
	require.Eventually(t, func() bool { j.mu.Lock(); defer j.mu.Unlock(); return j.count == 1 }, patience, time.Millisecond)
	time.Sleep(50 * time.Millisecond) // that it was handled is noted by then
	s.Away(t)
	_, err := in.Put(t.Context(), stores.Envelope{Channel: "c", SenderID: "u", Text: "x"})
	require.ErrorIs(t, err, stores.ErrUnavailable)
	_, err = in.Delete(t.Context(), "u")
	require.ErrorIs(t, err, stores.ErrUnavailable)
	s.Back(t)
	require.Eventually(t, func() bool {
		_, err := in.Put(t.Context(), stores.Envelope{ID: "1", Channel: "c", SenderID: "u", Text: "1"})
		return err == nil
	}, patience, 20*time.Millisecond)
	j.quiet(t)
	require.Equal(t, numbers(2), j.texts["u"])
}
