package outbox

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/stores"
)

func TestEarlierCommitOfAnotherNode(t *testing.T) {
	t.Run("arrives", func(t *testing.T) {
		s, a := &store{}, &broker{}
		in(t, Config{Store: s, Brokers: targets(a)}, func(t *testing.T, o *Outbox) {
			first, none := s.commit("u", "1")
			o.Deliver(s.commit("u", "2"))
			o.Deliver(s.commit("u", "3"))
			after(time.Second)
			require.Empty(t, a.all("u"))
			reads := s.reads
			o.Deliver(first, none)
			synctest.Wait() // no time passes
			require.Equal(t, []string{"1", "2", "3"}, a.all("u"))
			require.Equal(t, reads, s.reads)
		})
	})
	t.Run("is settled", func(t *testing.T) {
		s, a := &store{}, &broker{}
		in(t, Config{Store: s, Brokers: targets(a)}, func(t *testing.T, o *Outbox) {
			s.commit("u", "1")
			o.Deliver(s.commit("u", "2"))
			after(time.Second)
			require.Empty(t, a.all("u"))
			require.NoError(t, s.Settle(t.Context(), []stores.CommitRef{{SenderID: "u", ID: "1"}}))
			after(time.Second)
			require.Equal(t, []string{"2"}, a.all("u"))
		})
	})
	t.Run("is left behind", func(t *testing.T) {
		s, a := &store{}, &broker{}
		in(t, Config{Store: s, Brokers: targets(a)}, func(t *testing.T, o *Outbox) {
			s.commit("u", "1")
			s.commit("u", "2")
			o.Deliver(s.commit("u", "3"))
			after(1900 * time.Millisecond)
			require.Empty(t, a.all("u"))
			after(time.Second)
			require.Equal(t, []string{"1", "2", "3"}, a.all("u"))
			require.Zero(t, s.unsettled())
		})
	})
	t.Run("store away", func(t *testing.T) {
		var away bool
		s, a := &store{}, &broker{}
		s.fail = func() bool { return away }
		in(t, Config{Store: s, Brokers: targets(a)}, func(t *testing.T, o *Outbox) {
			s.commit("u", "1")
			away = true
			o.Deliver(s.commit("u", "2"))
			after(time.Minute)
			require.Empty(t, a.all("u"))
			require.ErrorIs(t, o.Stats().Err, stores.ErrUnavailable)
			s.mu.Lock()
			away = false
			s.mu.Unlock()
			after(time.Second)
			require.Equal(t, []string{"1", "2"}, a.all("u"))
		})
	})
}

// TestSettledMeanwhile has a turn that began before the commit of the turn before it was settled here: no need to ask.
func TestSettledMeanwhile(t *testing.T) {
	s, a := &store{}, &broker{}
	in(t, Config{Store: s, Brokers: targets(a)}, func(t *testing.T, o *Outbox) {
		deliver(o, s, "u", "1")
		c, before := s.commit("u", "2")
		require.Equal(t, []string{"1"}, before)
		after(time.Second)
		reads := s.reads
		o.Deliver(c, before)
		synctest.Wait()
		require.Equal(t, []string{"1", "2"}, a.all("u"))
		require.Equal(t, reads, s.reads)
	})
}

// TestStoreKnowsTheOrder has commits that each came after the other, as they were told.
func TestStoreKnowsTheOrder(t *testing.T) {
	s, a := &store{}, &broker{}
	in(t, Config{Store: s, Brokers: targets(a)}, func(t *testing.T, o *Outbox) {
		first, _ := s.commit("u", "1")
		second, _ := s.commit("u", "2")
		o.Deliver(second, []string{"1", "2"})
		o.Deliver(first, []string{"1", "2"})
		after(5 * time.Second)
		require.Equal(t, []string{"1", "2"}, a.all("u"))
	})
}

func TestSweep(t *testing.T) {
	cases := []struct {
		name  string
		lock  *lock
		sweep bool
	}{
		{"no locks", nil, true},
		{"lock", &lock{}, true},
		{"another node has it", &lock{err: stores.ErrLockNotAcquired}, false},
		{"locks are down", &lock{err: stores.ErrUnavailable}, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, a := &store{}, &broker{}
				for _, id := range names("c", 3*sweepLimit) {
					s.commit(fmt.Sprint("u", id[len(id)-1:]), id)
				}
				time.Sleep(time.Minute)
				for _, id := range names("young", 3) {
					s.commit("v", id)
				}
				cfg := Config{Store: s, Brokers: targets(a)}
				if c.lock != nil {
					cfg.Locks = c.lock
				}
				o := New(cfg)
				after(time.Second)
				if !c.sweep {
					require.Empty(t, a.got)
					require.Positive(t, c.lock.taken)
				} else {
					require.Equal(t, 3, s.unsettled(), "what is old is delivered at the start")
					after(40 * time.Second)
					require.Equal(t, names("young", 3), a.all("v"))
					require.Zero(t, s.unsettled())
				}
				require.NoError(t, o.Close(t.Context()))
			})
		})
	}
}

// TestCommitsOfOthersWhileABrokerIsAway: every node would send them to the brokers that are there.
func TestCommitsOfOthersWhileABrokerIsAway(t *testing.T) {
	s, a, b := &store{}, &broker{fail: down}, &broker{}
	in(t, Config{Store: s, Brokers: targets(a, b)}, func(t *testing.T, o *Outbox) {
		deliver(o, s, "u", "1")
		after(time.Second)
		s.commit("v", "2")
		after(time.Hour)
		require.Empty(t, b.all("v"))
		a.setFail(nil)
		after(25 * time.Second)
		require.Equal(t, []string{"1"}, a.firsts("u"))
		require.Empty(t, b.all("v"), "the other node has time to deliver")
		after(time.Minute)
		require.Equal(t, []string{"2"}, a.all("v"))
		require.Equal(t, []string{"2"}, b.all("v"))
	})
}

// TestRandomFailures lets conversations go on through three nodes at once, which die and come back, while brokers, timers
// and the store fail at random. Each consumer gets every commit, and for the first time in order.
func TestRandomFailures(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { randomFailures(t, seed) })
		})
	}
}

func randomFailures(t *testing.T, seed uint64) {
	const conversations, turns, nodes = 6, 40, 3
	var mu sync.Mutex
	r := rand.New(rand.NewPCG(seed, 5))
	calm := false
	trouble := func(percent int) bool {
		mu.Lock()
		defer mu.Unlock()
		return r.IntN(100) < percent && !calm
	}
	s := &store{}
	s.fail = func() bool { return trouble(20) }
	flaky := func(percent int) *broker {
		return &broker{fail: func() error {
			if trouble(percent) {
				return errAway
			}
			return nil
		}}
	}
	// Timers are of one broker's form, so that they are checked alike.
	timers := flaky(20)
	shared := []*broker{flaky(10), flaky(60), timers}
	boot := func() *Outbox {
		var list []Target
		for i, b := range shared[:2] {
			list = append(list, Target{Name: fmt.Sprint("broker ", i), Broker: exclusive{b}})
		}
		o := New(Config{Store: s, Brokers: list, MaxCommits: 4 + int(seed%20), Timers: func(ctx context.Context, c stores.Commit) error {
			return exclusive{timers}.Publish(ctx, []stores.Publication{{SenderID: c.SenderID, ID: c.ID}})
		}})
		if seed%3 == 0 {
			o.mu.Lock()
			o.remembered = 20
			o.mu.Unlock()
		}
		return o
	}
	running := make([]*Outbox, nodes)
	for i := range running {
		running[i] = boot()
	}
	pick := rand.New(rand.NewPCG(seed, 6))
	chance := func(percent int) bool { return pick.IntN(100) < percent }
	for turn := range turns {
		for _, u := range names("u", conversations) {
			i := pick.IntN(nodes)
			c, before := s.commit(u, fmt.Sprint(u, "-", turn))
			switch {
			case chance(10): // died before Deliver
				kill(running[i])
				running[i] = boot()
			case chance(20): // Deliver comes late
				o := running[i]
				time.AfterFunc(time.Duration(pick.IntN(5000))*time.Millisecond, func() { o.Deliver(c, before) })
			default:
				running[i].Deliver(c, before)
			}
		}
		time.Sleep(time.Duration(pick.IntN(1000)) * time.Millisecond)
	}
	mu.Lock()
	calm = true
	mu.Unlock()
	after(10 * time.Minute)
	for _, o := range running {
		require.NoError(t, o.Close(t.Context()))
	}
	require.Zero(t, s.unsettled())
	for _, b := range shared {
		for _, u := range names("u", conversations) {
			require.Equal(t, names(u+"-", turns), b.firsts(u))
		}
	}
}

// kill stops an outbox as the end of its process does.
func kill(o *Outbox) {
	o.stop()
	o.running.Wait()
}

// exclusive lets one call at a time through to a broker that several nodes share.
type exclusive struct{ *broker }

var publishing sync.Mutex

func (e exclusive) Publish(ctx context.Context, list []stores.Publication) error {
	publishing.Lock()
	defer publishing.Unlock()
	return e.broker.Publish(ctx, list)
}
