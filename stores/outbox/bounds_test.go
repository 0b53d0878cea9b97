package outbox

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/stores"
)

// TestMoreThanIsRemembered has a broker that is away for so many commits that some are forgotten. They are found in the
// store again.
func TestMoreThanIsRemembered(t *testing.T) {
	s, a, b := &store{}, &broker{fail: down}, &broker{}
	in(t, Config{Store: s, Brokers: targets(a, b), MaxCommits: 4}, func(t *testing.T, o *Outbox) {
		o.remembered = 60
		for i := range 40 {
			for _, u := range names("u", 3) {
				deliver(o, s, u, fmt.Sprint(u, "-", i))
			}
			after(time.Second)
			stubs := 0
			for _, e := range o.hand {
				if e.stub {
					require.Nil(t, e.Events)
					stubs++
				}
			}
			require.Equal(t, stubs, o.stubs.n)
			require.LessOrEqual(t, stubs, 60)
		}
		a.setFail(nil)
		after(10 * time.Minute)
		for _, u := range names("u", 3) {
			require.Equal(t, names(u+"-", 40), a.firsts(u))
			require.Equal(t, names(u+"-", 40), b.firsts(u))
		}
		require.Zero(t, s.unsettled())
		require.Zero(t, o.stubs.n)
		require.Empty(t, o.consumers[0].left)
		require.Zero(t, o.consumers[0].bytes)
	})
}

// TestSlowBroker looks at the queue of a broker that comes back and is slow.
func TestSlowBroker(t *testing.T) {
	s, a := &store{}, &broker{fail: down}
	in(t, Config{Store: s, Brokers: targets(a), MaxCommits: 8}, func(t *testing.T, o *Outbox) {
		for _, u := range names("u", 5) {
			deliver(o, s, u, names(u+"-", 20)...)
		}
		after(time.Minute)
		a.mu.Lock()
		a.fail, a.takes = nil, 200*time.Millisecond
		a.mu.Unlock()
		for s.unsettled() > 0 {
			after(50 * time.Millisecond)
			require.LessOrEqual(t, o.Stats().Consumers[0].Queued, 8)
		}
		for _, u := range names("u", 5) {
			require.Equal(t, names(u+"-", 20), a.firsts(u))
		}
	})
}

func TestParkedAreBounded(t *testing.T) {
	s, a := &store{}, &broker{}
	in(t, Config{Store: s, Brokers: targets(a), MaxCommits: 5, Grace: time.Hour}, func(t *testing.T, o *Outbox) {
		s.commit("u", "lost")
		deliver(o, s, "u", names("c", 20)...)
		after(time.Second)
		require.Equal(t, 5, o.Depth())
		after(time.Minute)
		require.Equal(t, append([]string{"lost"}, names("c", 20)...), a.firsts("u"), "the sweep takes them")
	})
}

func TestRefusedCommitLetsThoseBeforeItThrough(t *testing.T) {
	s, a := &store{}, &picky{refused: "bad"}
	cfg := Config{Store: s, Brokers: []Target{{Name: "picky", Broker: a}}}
	synctest.Test(t, func(t *testing.T) {
		o := New(cfg)
		deliver(o, s, "u", "1", "2", "bad", "3")
		after(time.Minute)
		require.Equal(t, []string{"1", "2"}, a.firsts("u"))
		require.Equal(t, 2, s.unsettled())
		require.Error(t, o.Close(t.Context()))
	})
}

// picky takes nothing of a list with a commit that it does not like.
type picky struct {
	broker
	refused string
}

func (p *picky) Publish(ctx context.Context, list []stores.Publication) error {
	if slices.ContainsFunc(list, func(l stores.Publication) bool { return l.ID == p.refused }) {
		return errNotThisTime
	}
	return p.broker.Publish(ctx, list)
}

func TestCommitWithoutEvents(t *testing.T) {
	s, a := &store{}, &broker{}
	timers := func(context.Context, stores.Commit) error { return errNotThisTime }
	in(t, Config{Store: s, Brokers: targets(a), Timers: timers}, func(t *testing.T, o *Outbox) {
		c, none := s.commit("u", "1")
		c.Events = nil
		o.Deliver(c, none)
		after(time.Second)
		require.Zero(t, a.calls)
		require.Zero(t, s.unsettled())
	})
}

// TestGivenUpBeforeTimers has a store without notes and timers that are away: neither timers nor brokers get the oldest.
func TestGivenUpBeforeTimers(t *testing.T) {
	a := &broker{}
	timers := &broker{fail: down}
	set := func(ctx context.Context, c stores.Commit) error {
		return timers.Publish(ctx, []stores.Publication{{SenderID: c.SenderID, ID: c.ID}})
	}
	in(t, Config{Store: memory{}, Brokers: targets(a), Timers: set, MaxCommits: 4}, func(t *testing.T, o *Outbox) {
		for _, id := range names("c", 10) {
			o.Deliver(stores.Commit{SenderID: "u", ID: id, Events: []tracker.Event{&tracker.Restarted{}}}, nil)
		}
		require.Equal(t, 4, o.Depth())
		timers.setFail(nil)
		after(20 * time.Second)
		require.Equal(t, names("c", 10)[6:], a.all("u"))
		require.Zero(t, o.Depth())
	})
}

// TestOverflowWhilePublishing has more commits come than find room while the first are being published.
func TestOverflowWhilePublishing(t *testing.T) {
	a := &broker{takes: time.Second}
	in(t, Config{Store: memory{}, Brokers: targets(a), MaxCommits: 4}, func(t *testing.T, o *Outbox) {
		send := func(ids ...string) {
			for _, id := range ids {
				o.Deliver(stores.Commit{SenderID: "u", ID: id, Events: []tracker.Event{&tracker.Restarted{}}}, nil)
			}
		}
		send("1", "2")
		after(time.Millisecond)
		send(names("c", 6)...)
		after(10 * time.Second)
		require.Equal(t, append([]string{"1", "2"}, names("c", 6)[4:]...), a.all("u"))
	})
}
