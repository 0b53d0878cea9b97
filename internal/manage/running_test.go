package manage_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/manage"
	"github.com/parleybot/parley/stores"
	locks "github.com/parleybot/parley/stores/lock/memory"
)

// turn adds a pause under the lock, as the processor does, and returns how many events there were before.
func turn(ctx context.Context, s stores.TrackerStore, held stores.Locker, f *tracker.Factory) (int, error) {
	unlock, err := held.Lock(ctx, "ann")
	if err != nil {
		return 0, err
	}
	defer unlock()
	c, err := s.Load(ctx, f, "ann")
	if err != nil {
		return 0, err
	}
	if c.Tracker == nil {
		c.Tracker = f.New("ann")
	}
	known := len(c.Tracker.Events())
	c.Tracker.Update(&tracker.ConversationPaused{Base: at(float64(known))})
	_, err = s.Save(ctx, stores.Turn{Tracker: c.Tracker, Known: known, At: c.At})
	return known, err
}

// TestDeleteWhileTurnsRun checks that each deletion finds a whole conversation and leaves nothing, whatever waits behind it.
func TestDeleteWhileTurnsRun(t *testing.T) {
	eachStore(t, func(t *testing.T, open func() stores.TrackerStore) {
		s, f, held := open(), factory(t), locks.New()
		m := manage.New(manage.Config{Store: s, Locks: held})
		const turns = 200
		var working sync.WaitGroup
		var mu sync.Mutex
		stored := 0
		for range 4 {
			working.Go(func() {
				for range turns / 4 {
					var err error
					for again := true; again; again = errors.Is(err, stores.ErrConflict) {
						_, err = turn(context.WithoutCancel(t.Context()), s, held, f)
					}
					mu.Lock()
					if err == nil {
						stored++
					}
					mu.Unlock()
				}
			})
		}
		deleted := 0
		for range 10 {
			p := m.Delete(t.Context(), "ann")
			require.NoError(t, p.Err())
			require.True(t, p.Verified)
			require.EqualValues(t, p.Events, p.Removed.Value("tracker_store"))
			deleted += p.Events
		}
		working.Wait()
		left, err := s.LoadAll(t.Context(), f, "ann")
		require.NoError(t, err)
		if left.Tracker != nil {
			deleted += len(left.Tracker.Events())
		}
		require.Equal(t, turns, stored)
		require.Equal(t, turns, deleted, "every turn was deleted once, or is there")
	})
}
