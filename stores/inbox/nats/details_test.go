package nats

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/natsnode"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

func TestToken(t *testing.T) {
	for s, want := range map[string]string{
		"": "%", "user-1_A": "user-1_A", "a.b": "a%2Eb", "%": "%25", "ä": "%C3%A4", "a b": "a%20b", "*>": "%2A%3E", "u@example.com": "u@example%2Ecom",
		strings.Repeat("x", maxToken): strings.Repeat("x", maxToken),
	} {
		require.Equal(t, want, token(s))
	}
	long := token(strings.Repeat("x", maxToken+1))
	require.Len(t, long, 66)
	require.NotEqual(t, long, token(strings.Repeat("x", maxToken+2)))
}

func build1(options *value.Map) (stores.Inbox, error) {
	return stores.Inboxes.Build(component.Config{Name: "nats", Options: options, Pos: "endpoints.yml:2:1"})
}

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		key string
		v   any
	}{
		{"stream", "a.b"}, {"stream", ""}, {"dead_stream", "a b"}, {"replicas", int64(6)}, {"duplicate_window", int64(0)}, {"lease", 0.01},
		{"concurrency", int64(0)}, {"max_attempts", int64(-1)}, {"url", int64(1)}, {"folder", ""},
	} {
		_, err := build1(value.NewMap(c.key, c.v))
		require.ErrorContains(t, err, `endpoints.yml:2:1: component "nats": option "`+c.key+`"`)
	}
	in, err := build1(value.NewMap("max_attempts", int64(0), "lease", 2.5))
	require.NoError(t, err)
	require.Equal(t, Config{
		Stream: "PARLEY_INBOX", DeadStream: "PARLEY_DEAD", Replicas: 1, DuplicateWindow: 10 * time.Minute, Lease: 2500 * time.Millisecond,
		Concurrency: 64, MaxAttempts: -1, MinBackoff: 250 * time.Millisecond, MaxBackoff: 30 * time.Second, Grace: 5 * time.Second,
	}, in.(*Inbox).cfg)
	require.NoError(t, in.Close())
}

// TestNothingIsStarted builds the default inbox: a server that needs none has no folder of it.
func TestNothingIsStarted(t *testing.T) {
	t.Chdir(t.TempDir())
	in, err := build1(nil)
	require.NoError(t, err)
	require.NoDirExists(t, ".parley")
	require.NoError(t, in.Close())
	_, err = in.Put(t.Context(), stores.Envelope{})
	require.ErrorIs(t, err, natsnode.ErrClosed)
	require.NoDirExists(t, ".parley")
}

func embedded(t *testing.T, cfg Config) *Inbox {
	t.Helper()
	in := New(natsnode.New(natsnode.Options{Folder: filepath.Join(t.TempDir(), "nats")}, nil), cfg, component.Env{})
	t.Cleanup(func() { require.NoError(t, in.Close()) })
	return in
}

func TestBackoff(t *testing.T) {
	in := New(natsnode.New(natsnode.Options{}, nil), Config{}, component.Env{})
	for others, want := range map[int]time.Duration{0: 250 * time.Millisecond, 3: 2 * time.Second, 10: 30 * time.Second, 1000: 30 * time.Second} {
		require.InDelta(t, want*9/10, in.backoff(others, true), float64(want/10)+1)
	}
	require.LessOrEqual(t, in.backoff(10, false), 3*time.Second)
}

// TestDeadLetters looks at what a message leaves that was given up, and that it goes with its conversation.
func TestDeadLetters(t *testing.T) {
	in := embedded(t, testConfig)
	_, err := in.Put(t.Context(), stores.Envelope{ID: "1", Channel: "c", SenderID: "a.b", Text: "bad"})
	require.NoError(t, err)
	s, err := in.session(t.Context())
	require.NoError(t, err)
	_, err = s.js.Publish(t.Context(), in.subject("other"), []byte("no message of ours"))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- in.Run(ctx, func(context.Context, stores.Envelope) error { return errors.New("it\r\nis bad") })
	}()
	letter := func(subject string) (m *jetstream.RawStreamMsg) {
		require.Eventually(t, func() bool {
			dead, err := s.js.Stream(t.Context(), "PARLEY_DEAD")
			if err != nil {
				return false
			}
			m, err = dead.GetLastMsgForSubject(t.Context(), subject)
			return err == nil
		}, 10*time.Second, time.Millisecond)
		return m
	}
	m := letter("PARLEY_DEAD.a%2Eb")
	require.Equal(t, "it is bad", m.Header.Get("Parley-Error"))
	e, _, err := decode(m.Data)
	require.NoError(t, err)
	require.Equal(t, "bad", e.Text)
	require.Equal(t, "no message of ours", string(letter("PARLEY_DEAD.other").Data))
	require.Eventually(t, func() bool { r, _, err := in.readRecord(t.Context(), s, "a%2Eb"); return err == nil && r.Owner == "" }, 10*time.Second, time.Millisecond)
	cancel()
	require.NoError(t, <-ended)
	n, err := in.Delete(t.Context(), "a.b")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	_, err = s.records.GetLastMsgForSubject(t.Context(), in.recordSubject("a%2Eb"))
	require.ErrorIs(t, err, jetstream.ErrMsgNotFound, "nothing is left of a deleted conversation")
}

// TestStreamMadeAnew has somebody delete the messages' stream: those of the new one, whose numbers begin at 1, are handled.
func TestStreamMadeAnew(t *testing.T) {
	in := embedded(t, testConfig)
	for i := range 3 {
		_, err := in.Put(t.Context(), stores.Envelope{Channel: "c", SenderID: "u", Text: fmt.Sprint(i)})
		require.NoError(t, err)
	}
	require.Equal(t, []string{"0 1", "1 1", "2 1"}, collect(t, in, 3))
	s, err := in.session(t.Context())
	require.NoError(t, err)
	require.NoError(t, s.js.DeleteStream(t.Context(), in.cfg.Stream))
	_, err = in.Put(t.Context(), stores.Envelope{Channel: "c", SenderID: "u", Text: "x"})
	require.ErrorIs(t, err, stores.ErrUnavailable)
	_, err = in.Put(t.Context(), stores.Envelope{Channel: "c", SenderID: "u", Text: "new"})
	require.NoError(t, err)
	require.Equal(t, []string{"new 1"}, collect(t, in, 1))
}

// TestHandsFull has a node with two hands and many conversations: a second node gets what the first cannot begin.
func TestHandsFull(t *testing.T) {
	cfg := testConfig
	cfg.Concurrency, cfg.Lease = 2, time.Minute // so that nobody looks by themselves
	folder := t.TempDir()
	open := func() *Inbox {
		in := New(natsnode.New(natsnode.Options{Folder: folder}, nil), cfg, component.Env{})
		t.Cleanup(func() { require.NoError(t, in.Close()) })
		return in
	}
	a, b := open(), open()
	const count = 100
	free := make(chan struct{})
	var busy, most, handled atomic.Int64
	run := func(in *Inbox, handle func()) {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- in.Run(ctx, func(context.Context, stores.Envelope) error { handle(); handled.Add(1); return nil })
		}()
		t.Cleanup(func() { cancel(); require.NoError(t, <-ended) })
		require.Eventually(t, func() bool { in.mu.Lock(); defer in.mu.Unlock(); return len(in.runners) == 1 }, 10*time.Second, time.Millisecond)
	}
	run(a, func() {
		most.Store(max(most.Load(), busy.Add(1)))
		<-free
		busy.Add(-1)
	})
	run(b, func() {})
	// Who listens does so when the first look is over.
	for _, in := range []*Inbox{a, b} {
		s, err := in.session(t.Context())
		require.NoError(t, err)
		require.Eventually(t, func() bool { return s.conn.NumSubscriptions() > 1 }, 10*time.Second, time.Millisecond)
	}
	for i := range count {
		_, err := a.Put(t.Context(), stores.Envelope{Channel: "c", SenderID: fmt.Sprint(i)})
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool { return handled.Load() > count/4 }, 10*time.Second, time.Millisecond, "the second node works")
	close(free)
	require.Eventually(t, func() bool { return handled.Load() == count }, 10*time.Second, time.Millisecond)
	require.LessOrEqual(t, most.Load(), int64(2))
}

// TestTooLong checks that a message which no server takes is not taken for a server that is away.
func TestTooLong(t *testing.T) {
	in := embedded(t, testConfig)
	_, err := in.Put(t.Context(), stores.Envelope{Channel: "c", SenderID: "u", Text: strings.Repeat("x", 9<<20)})
	require.ErrorIs(t, err, nats.ErrMaxPayload)
	require.NotErrorIs(t, err, stores.ErrUnavailable)
}
