package spool_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/spool"
	"github.com/parleybot/parley/stores/storetest"
	"github.com/parleybot/parley/stores/tracker/memory"
)

// flaky is a store whose writes can be made to fail, before or after they took place.
type flaky struct {
	stores.TrackerStore
	mu          sync.Mutex
	away, after bool
}

func (s *flaky) set(away, after bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away, s.after = away, after
}

func (s *flaky) state() (away, after bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.away, s.after
}

func (s *flaky) Save(ctx context.Context, turn stores.Turn) (stores.Position, error) {
	away, after := s.state()
	if !away {
		return s.TrackerStore.Save(ctx, turn)
	}
	if after {
		if _, err := s.TrackerStore.Save(ctx, turn); err != nil {
			return stores.Position{}, err
		}
	}
	return stores.Position{}, stores.ErrUnavailable
}

func (s *flaky) LoadAll(ctx context.Context, f *tracker.Factory, id string) (stores.Conversation, error) {
	if away, _ := s.state(); away {
		return stores.Conversation{}, stores.ErrUnavailable
	}
	return s.TrackerStore.LoadAll(ctx, f, id)
}

type message struct{ m *value.Map }

func (m message) Pack() *value.Map { return m.m }

// bench is a spool over a flaky store, and what it did.
type bench struct {
	*spool.Store
	t     *testing.T
	inner *flaky
	dir   string
	f     *tracker.Factory
	mu    sync.Mutex
	rerun []string
	held  []bool
	sent  []stores.Commit
	after time.Duration
}

func newBench(t *testing.T) *bench {
	d, problems := project.ParseDomain([]byte("slots:\n  x: {type: any, mappings: [{type: custom}]}\n"), "domain.yml")
	require.NoError(t, problems.Err())
	b := &bench{t: t, after: -1, inner: &flaky{TrackerStore: memory.New()}, dir: filepath.Join(t.TempDir(), "spool"), f: tracker.NewFactory(d)}
	b.open()
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func (b *bench) open() {
	s, err := spool.Open(spool.Config{
		Store: b.inner, Dir: b.dir, Factory: func() *tracker.Factory { return b.f }, Every: time.Millisecond, After: b.after,
		Rerun: func(_ context.Context, m *value.Map, held bool) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.rerun, b.held = append(b.rerun, m.String("text")), append(b.held, held)
			return nil
		},
		Stored: func(c stores.Commit, _ []string) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.sent = append(b.sent, c)
		},
	})
	require.NoError(b.t, err)
	b.Store = s
}

// turn makes a turn that sets the slot x, on the conversation as it is.
func (b *bench) turn(x string) stores.Turn {
	conv, err := b.Load(context.Background(), b.f, "u")
	require.NoError(b.t, err)
	t := conv.Tracker
	if t == nil {
		t = b.f.New("u")
	}
	turn := stores.Turn{Tracker: t, Known: len(t.Events()), At: conv.At, ID: "commit " + x, Deliver: true,
		Input: message{value.NewMap("text", x, "sender_id", "u")}}
	t.Update(&tracker.SlotSet{Base: tracker.Base{Timestamp: 1}, Key: "x", Value: x})
	return turn
}

func (b *bench) save(turn stores.Turn) <-chan struct{} {
	_, err := b.Save(context.Background(), turn)
	var spooled *stores.SpooledError
	if err == nil {
		return nil
	}
	require.ErrorAs(b.t, err, &spooled)
	return spooled.Done
}

func (b *bench) values() []any {
	conv, err := b.inner.TrackerStore.LoadAll(context.Background(), b.f, "u")
	require.NoError(b.t, err)
	var list []any
	if conv.Tracker != nil {
		for _, e := range conv.Tracker.Events() {
			list = append(list, e.(*tracker.SlotSet).Value)
		}
	}
	return list
}

func await(t *testing.T, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("the turn is not stored")
	}
}

func (b *bench) files() int {
	entries, err := os.ReadDir(b.dir)
	if errors.Is(err, os.ErrNotExist) {
		return 0
	}
	require.NoError(b.t, err)
	return len(entries)
}

func TestStoreThatWorks(t *testing.T) {
	storetest.Trackers(t, func(t *testing.T) storetest.Place {
		inner := memory.New()
		return func() stores.TrackerStore {
			s, err := spool.Open(spool.Config{Store: inner, Dir: t.TempDir(), Factory: func() *tracker.Factory { return nil }})
			require.NoError(t, err)
			return s
		}
	})
}

func TestTurnWaits(t *testing.T) {
	for _, c := range []struct {
		name  string
		after bool
	}{{"write that failed", false}, {"write that took place", true}} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			require.Nil(t, b.save(b.turn("a")))
			turn := b.turn("b")
			b.inner.set(true, c.after)
			done := b.save(turn)
			require.NotNil(t, done)
			require.Equal(t, 1, b.files())
			_, err := b.Load(t.Context(), b.f, "u")
			require.ErrorIs(t, err, stores.ErrUnavailable)
			_, err = b.Load(t.Context(), b.f, "other")
			require.NoError(t, err)

			b.inner.set(false, false)
			await(t, done)
			require.Equal(t, []any{"a", "b"}, b.values())
			require.Zero(t, b.Waiting())
			require.Zero(t, b.files())
			require.Empty(t, b.rerun)
			require.Equal(t, "commit b", b.sent[0].ID)
			require.Nil(t, b.save(b.turn("c")))
		})
	}
}

func TestShortOutageIsWaitedFor(t *testing.T) {
	for _, after := range []bool{false, true} {
		b := newBench(t)
		require.NoError(t, b.Close())
		b.after = time.Minute
		b.open()
		turn := b.turn("a")
		b.inner.set(true, after)
		go func() {
			time.Sleep(50 * time.Millisecond) // the store is away for a while
			b.inner.set(false, false)
		}()
		_, err := b.Save(t.Context(), turn)
		if after {
			require.ErrorIs(t, err, stores.ErrConflict, "the first attempt took place; the turn finds itself stored")
		} else {
			require.NoError(t, err)
		}
		require.Zero(t, b.Waiting())
		require.Equal(t, []any{"a"}, b.values())
	}
}

func TestTurnThatFindsAnotherPastIsRunAgain(t *testing.T) {
	b := newBench(t)
	turn, other := b.turn("a"), b.turn("b")
	b.inner.set(true, false)
	done := b.save(turn)
	_, err := b.inner.TrackerStore.Save(t.Context(), other)
	require.NoError(t, err)
	b.inner.set(false, false)
	await(t, done)
	require.Equal(t, []any{"b"}, b.values(), "nothing is glued on")
	require.Equal(t, []string{"a"}, b.rerun)
	require.Equal(t, []bool{true}, b.held)
	require.Empty(t, b.sent, "the new run has effects of its own")
}

func TestTurnsOutliveTheProcess(t *testing.T) {
	b := newBench(t)
	turn := b.turn("a")
	b.inner.set(true, false)
	b.save(turn)
	require.NoError(t, b.Close())
	b.inner.set(false, false)
	require.Empty(t, b.values())
	require.NoError(t, os.WriteFile(filepath.Join(b.dir, "1.part"), []byte("half"), 0o600))
	b.open()
	require.Eventually(t, func() bool { return b.Waiting() == 0 }, 10*time.Second, time.Millisecond)
	require.Equal(t, []any{"a"}, b.values())
	require.Zero(t, b.files())
}

func TestDamagedFileIsNamed(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "1.turn")
	for _, content := range []string{"", "{}", `{"sender_id": "u", "count": 0, "events": [{"event": "nonsense"}]}`} {
		require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
		_, err := spool.Open(spool.Config{Store: memory.New(), Dir: dir, Factory: func() *tracker.Factory { return nil }})
		require.ErrorContains(t, err, file)
	}
}

func TestWithoutDiskTheErrorIsTheStores(t *testing.T) {
	b := newBench(t)
	require.NoError(t, os.WriteFile(b.dir, nil, 0o600)) // a file where the folder should be
	b.inner.set(true, false)
	_, err := b.Save(t.Context(), b.turn("a"))
	require.ErrorIs(t, err, stores.ErrUnavailable)
	var spooled *stores.SpooledError
	require.False(t, errors.As(err, &spooled))
}

func TestDeleteDropsWhatWaits(t *testing.T) {
	b := newBench(t)
	turn := b.turn("a")
	b.inner.set(true, false)
	done := b.save(turn)
	n, err := b.Delete(t.Context(), "u")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	await(t, done)
	require.Zero(t, b.files())
	b.inner.set(false, false)
	require.Empty(t, b.values())
}

func TestProcessesHaveFoldersOfTheirOwn(t *testing.T) {
	place := t.TempDir()
	first, err := spool.Claim(place)
	require.NoError(t, err)
	second, err := spool.Claim(place)
	require.NoError(t, err)
	require.NotEqual(t, first.Path, second.Path)
	require.NoError(t, os.WriteFile(filepath.Join(first.Path, "1.turn"), nil, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(second.Path, "2.turn"), nil, 0o600))
	require.NoError(t, first.Release())
	require.NoError(t, second.Release())
	heir, err := spool.Claim(place)
	require.NoError(t, err)
	for _, name := range []string{"1.turn", "2.turn"} {
		require.FileExists(t, filepath.Join(heir.Path, name))
	}
	require.NoError(t, heir.Release())
}
