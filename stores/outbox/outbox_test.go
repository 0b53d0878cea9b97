package outbox

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/stores"
)

func deliver(o *Outbox, s *store, senderID string, ids ...string) {
	for _, id := range ids {
		o.Deliver(s.commit(senderID, id))
	}
}

func TestDelivery(t *testing.T) {
	s, a, b := &store{}, &broker{}, &broker{}
	in(t, Config{Store: s, Brokers: targets(a, b)}, func(t *testing.T, o *Outbox) {
		deliver(o, s, "u", "1", "2", "3")
		deliver(o, s, "v", "4")
		after(time.Second)
		for _, b := range []*broker{a, b} {
			require.Equal(t, []string{"1", "2", "3"}, b.all("u"))
			require.Equal(t, []string{"4"}, b.all("v"))
		}
		require.Zero(t, s.unsettled())
		require.Zero(t, o.Depth())
		require.Equal(t, 1, s.settles, "commits are settled together")
	})
}

func TestCommitGivenTwiceIsDeliveredOnce(t *testing.T) {
	s, a := &store{}, &broker{}
	in(t, Config{Store: s, Brokers: targets(a)}, func(t *testing.T, o *Outbox) {
		c, _ := s.commit("u", "1")
		o.Deliver(c, nil)
		o.Deliver(c, []string{"1"})
		after(time.Second)
		o.Deliver(c, nil)
		after(time.Second)
		require.Equal(t, []string{"1"}, a.all("u"))
	})
}

func TestBrokerAwayHoldsUpNobodyElse(t *testing.T) {
	s, a, b := &store{}, &broker{fail: down}, &broker{}
	in(t, Config{Store: s, Brokers: targets(a, b)}, func(t *testing.T, o *Outbox) {
		deliver(o, s, "u", names("c", 100)...)
		after(time.Second)
		require.Equal(t, names("c", 100), b.all("u"))
		require.Equal(t, 100, s.unsettled())
		require.Equal(t, 100, o.Depth())
		after(time.Hour)
		require.ErrorIs(t, o.Stats().Consumers[0].Err, stores.ErrUnavailable)
		require.Less(t, a.calls, 300, "attempts are paced")
		a.setFail(nil)
		after(20 * time.Second)
		require.Equal(t, names("c", 100), a.firsts("u"))
		require.Equal(t, names("c", 100), b.all("u"))
		require.Zero(t, s.unsettled())
		require.NoError(t, o.Stats().Consumers[0].Err)
	})
}

// TestQueueIsBounded has a broker that is away for more commits than may be in memory, and one that is not.
func TestQueueIsBounded(t *testing.T) {
	for name, cfg := range map[string]Config{
		"by number": {MaxCommits: 10},
		"by bytes":  {MaxBytes: 5000},
	} {
		t.Run(name, func(t *testing.T) {
			s, a, b := &store{}, &broker{fail: down}, &broker{}
			cfg.Store, cfg.Brokers = s, targets(a, b)
			in(t, cfg, func(t *testing.T, o *Outbox) {
				for i := range 50 {
					for _, u := range names("u", 4) {
						deliver(o, s, u, fmt.Sprint(u, "-", i))
					}
					after(10 * time.Millisecond)
				}
				after(10 * time.Second)
				require.LessOrEqual(t, o.Stats().Consumers[0].Queued, 12)
				require.True(t, o.Stats().Consumers[0].Behind)
				inMemory := 0
				for _, e := range o.hand {
					if e.Events != nil {
						inMemory++
					}
				}
				require.LessOrEqual(t, inMemory, 12)
				a.setFail(nil)
				after(20 * time.Second)
				for _, u := range names("u", 4) {
					require.Equal(t, names(u+"-", 50), a.firsts(u))
					require.Equal(t, names(u+"-", 50), b.all(u), "nothing comes twice")
				}
				require.Zero(t, s.unsettled())
				require.False(t, o.Stats().Consumers[0].Behind)
			})
		})
	}
}

func TestOldestAreGivenUpWithoutNotes(t *testing.T) {
	a, b := &broker{fail: down}, &broker{}
	in(t, Config{Store: memory{}, Brokers: targets(a, b), MaxCommits: 10}, func(t *testing.T, o *Outbox) {
		for _, id := range names("c", 30) {
			o.Deliver(stores.Commit{SenderID: "u", ID: id, Events: []tracker.Event{&tracker.Restarted{}}}, nil)
			after(10 * time.Millisecond)
		}
		require.Equal(t, names("c", 30), b.all("u"))
		require.Equal(t, 20, o.Stats().Consumers[0].Dropped)
		a.setFail(nil)
		after(20 * time.Second)
		got := a.firsts("u")
		require.Equal(t, names("c", 30)[21:], got[len(got)-9:])
		require.Zero(t, o.Depth())
	})
}

func TestTimersComeFirst(t *testing.T) {
	var mu sync.Mutex
	var timers []string
	fail := map[string]bool{"u": true}
	s, a := &store{}, &broker{}
	set := func(_ context.Context, c stores.Commit) error {
		mu.Lock()
		defer mu.Unlock()
		if fail[c.SenderID] {
			return errNotThisTime
		}
		if len(a.all(c.SenderID)) > len(timers) {
			t.Error("the broker was told before")
		}
		timers = append(timers, c.ID)
		return nil
	}
	in(t, Config{Store: s, Brokers: targets(a), Timers: set}, func(t *testing.T, o *Outbox) {
		deliver(o, s, "u", "1", "2")
		deliver(o, s, "v", "3")
		after(time.Second)
		require.Equal(t, []string{"3"}, timers, "the failing conversation does not hold up the other")
		require.Empty(t, a.all("u"))
		require.Equal(t, []string{"3"}, a.all("v"))
		require.ErrorIs(t, o.Stats().Consumers[0].Err, errNotThisTime)
		mu.Lock()
		clear(fail)
		mu.Unlock()
		after(20 * time.Second)
		require.Equal(t, []string{"3", "1", "2"}, timers)
		require.Equal(t, []string{"1", "2"}, a.all("u"))
		require.Zero(t, s.unsettled())
		require.NoError(t, o.Stats().Consumers[0].Err)
	})
}

func TestForget(t *testing.T) {
	s, a, b := &store{}, &broker{fail: down}, &broker{}
	in(t, Config{Store: s, Brokers: targets(a, b)}, func(t *testing.T, o *Outbox) {
		deliver(o, s, "u", "1", "2")
		deliver(o, s, "v", "3")
		after(time.Second)
		s.notes = s.notes[2:]
		require.ErrorContains(t, o.Forget(t.Context(), "u"), `telling event broker broker 0 of the deletion of "u": gone fishing`)
		require.Equal(t, 1, o.Depth())
		a.setFail(nil)
		require.NoError(t, o.Forget(t.Context(), "u"))
		require.Equal(t, []string{"u", "u"}, b.forgot)
		after(20 * time.Second)
		require.Equal(t, []string{"3"}, a.firsts("v"))
	})
}

func TestCloseFlushes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, a := &store{}, &broker{takes: time.Second}
		o := New(Config{Store: s, Brokers: targets(a)})
		deliver(o, s, "u", names("c", 1000)...)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.NoError(t, o.Close(ctx))
		require.Equal(t, names("c", 1000), a.all("u"))
		require.Zero(t, s.unsettled())
	})
}

func TestCloseEnds(t *testing.T) {
	for _, c := range []struct {
		name  string
		notes bool
		takes time.Duration
	}{{"at once when another process delivers", true, 0}, {"with its context otherwise", false, time.Minute}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, a, b := &store{}, &broker{fail: down}, &broker{takes: 100 * time.Millisecond}
				cfg := Config{Store: s, Brokers: targets(a, b)}
				if !c.notes {
					cfg.Store = memory{}
				}
				o := New(cfg)
				deliver(o, s, "u", "1", "2")
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				start := time.Now()
				require.ErrorContains(t, o.Close(ctx), "2 commits were not delivered")
				require.InDelta(t, c.takes.Seconds(), time.Since(start).Seconds(), 1)
				require.Equal(t, []string{"1", "2"}, b.firsts("u"))
			})
		})
	}
}

func TestCloseWaitsForWhatIsParked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, a := &store{}, &broker{}
		o := New(Config{Store: s, Brokers: targets(a)})
		s.commit("u", "1")
		deliver(o, s, "u", "2")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.NoError(t, o.Close(ctx))
		require.Equal(t, []string{"1", "2"}, a.all("u"))
	})
}
