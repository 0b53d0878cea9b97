package redis

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/internal/testservers"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/storetest"
)

func TestOutOfReach(t *testing.T) {
	for name, end := range map[string]struct{ down, up func(*testservers.Server) }{
		"killed":  {(*testservers.Server).Kill, (*testservers.Server).Restart},
		"stopped": {(*testservers.Server).Stop, (*testservers.Server).Cont},
	} {
		t.Run(name, func(t *testing.T) {
			s := testservers.RedisWith(t)
			var log lockedBuffer
			l := node(t, at(t, s.Addr), Options{Lease: 600 * time.Millisecond, Logger: textLogger(&log)})
			lock(t, l, "u")()
			end.down(s)
			storetest.LocksOutOfReach(t, l)
			end.up(s)
			require.Eventually(t, func() bool {
				unlock, err := l.Lock(t.Context(), "u")
				if err == nil {
					unlock()
				}
				return err == nil
			}, patience, 10*time.Millisecond)
			require.Equal(t, 1, strings.Count(log.String(), "the lock store is out of reach"))
			require.Equal(t, 1, strings.Count(log.String(), "the lock store answers again"))
		})
	}
}

// TestNothingComesLate: what a stopped Redis was asked has no effect once it goes on.
func TestNothingComesLate(t *testing.T) {
	s := testservers.RedisWith(t)
	l := node(t, at(t, s.Addr), Options{Lease: 900 * time.Millisecond})
	lock(t, l, "u")()
	s.Stop()
	_, err := l.Lock(t.Context(), "u")
	require.ErrorIs(t, err, stores.ErrUnavailable)
	s.Cont()
	require.NoError(t, l.client.Ping(t.Context()).Err())
	require.Equal(t, "redis: nil", l.raw(t, "u"))
}

// TestOutageWhileHolding: who holds goes on, who waits is told when its ticket has expired, and tickets come back.
func TestOutageWhileHolding(t *testing.T) {
	s := testservers.RedisWith(t)
	l := node(t, at(t, s.Addr), Options{Lease: 600 * time.Millisecond})
	unlock := lock(t, l, "u")
	failed := make(chan error, 1)
	go func() {
		_, err := l.Lock(t.Context(), "u")
		failed <- err
	}()
	require.Eventually(t, func() bool { return l.waiting("u") == 1 }, patience, time.Millisecond)
	s.Kill() // and all it had with it
	err := <-failed
	require.ErrorIs(t, err, stores.ErrUnavailable)
	require.NotErrorIs(t, err, stores.ErrLockNotAcquired)
	s.Restart()
	require.Eventually(t, func() bool { return l.numbers(t, "u") == "0" }, patience, time.Millisecond, "the holder's ticket comes back")
	unlock()
	require.Equal(t, "redis: nil", l.raw(t, "u"))
}

// TestUnlockDoesNotHang: the turn is over, whatever Redis does.
func TestUnlockDoesNotHang(t *testing.T) {
	s := testservers.RedisWith(t)
	l := node(t, at(t, s.Addr), Options{Lease: 6 * time.Second})
	unlock := lock(t, l, "u")
	s.Stop()
	began := time.Now()
	unlock()
	require.Less(t, time.Since(began), time.Second)
	s.Cont()
	require.Eventually(t, func() bool { return l.raw(t, "u") == "redis: nil" }, patience, time.Millisecond)
}

func childJob(options *value.Map, lease time.Duration) job {
	port, _ := options.Value("port").(int64)
	return job{Host: options.String("url"), Port: port, Prefix: options.String("key_prefix"), ID: "u", Lease: lease}
}

func TestKilledHolder(t *testing.T) {
	const lease = 500 * time.Millisecond
	options := at(t, testservers.Redis(t))
	l := node(t, options, Options{Lease: lease})
	c := childJob(options, lease).start(t)
	require.Equal(t, "held", c.line())
	got := inBackground(t, l, "u")
	time.Sleep(2 * lease) // the holder renews
	require.Empty(t, got)
	c.signal(syscall.SIGKILL)
	began := time.Now()
	(<-got)()
	require.Less(t, time.Since(began), lease+time.Second)
}

// TestStoppedHolder is the ABA case: A is stopped for longer than its lease, B gets the lock, A goes on and unlocks. C has
// to wait for B nevertheless.
func TestStoppedHolder(t *testing.T) {
	const lease = 500 * time.Millisecond
	options := at(t, testservers.Redis(t))
	l, other := node(t, options, Options{Lease: lease}), node(t, options, Options{Lease: lease})
	a := childJob(options, lease).start(t)
	require.Equal(t, "held", a.line())
	a.signal(syscall.SIGSTOP)
	b := lock(t, l, "u")
	a.signal(syscall.SIGCONT)
	require.Eventually(t, func() bool { return strings.Contains(a.log.String(), "was lost while it was held") }, patience, time.Millisecond)
	a.say()
	require.Equal(t, "released", a.line())
	c := inBackground(t, other, "u")
	time.Sleep(2 * lease)
	require.Empty(t, c)
	b()
	(<-c)()
	require.NotContains(t, l.raw(t, "u"), `number`+`\": 1`)
}

// TestFailover has turns of several nodes go on while Redis fails over: whatever the lock store says, it says it in time,
// and when the new master is there, locks work again. That no two turns run at once is not promised meanwhile.
func TestFailover(t *testing.T) {
	set := testservers.Sentinel(t)
	sentinels := []any{}
	for _, a := range set.Addrs {
		sentinels = append(sentinels, a)
	}
	options := value.NewMap("sentinel_master", set.Name, "sentinels", sentinels)
	const lease = time.Second
	var log lockedBuffer
	a, b := node(t, options, Options{Lease: lease, Logger: textLogger(&log)}), node(t, options, Options{Lease: lease})
	long := lock(t, a, "long")

	var served, without, beside atomic.Int64
	var inside atomic.Int64
	stop := make(chan struct{})
	var workers sync.WaitGroup
	for i := range 4 {
		workers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				ctx, cancel := context.WithTimeout(context.Background(), patience)
				unlock, err := []*Locks{a, b}[i%2].Lock(ctx, "u")
				cancel()
				if err != nil {
					if !strings.Contains(err.Error(), stores.ErrUnavailable.Error()) {
						t.Errorf("locking: %v", err)
					}
					without.Add(1)
					time.Sleep(5 * time.Millisecond)
					continue
				}
				if inside.Add(1) > 1 {
					beside.Add(1)
				}
				served.Add(1)
				time.Sleep(2 * time.Millisecond)
				inside.Add(-1)
				unlock()
			}
		})
	}
	waitServed := func(more int64) {
		t.Helper()
		goal := served.Load() + more
		require.Eventually(t, func() bool { return served.Load() >= goal }, 30*time.Second, time.Millisecond)
	}
	waitServed(50)
	killed := set.KillMaster()
	began := time.Now()
	require.Eventually(t, func() bool { return without.Load() > 0 }, patience, time.Millisecond)
	waitServed(1)
	t.Logf("locks were back after %s", time.Since(began).Round(time.Millisecond))
	waitServed(100)
	master, _ := set.Master()
	require.NotEqual(t, killed.Port(), master.Port())
	t.Logf("%d turns with the lock, %d answers that it is out of reach, %d overlaps", served.Load(), without.Load(), beside.Load())
	close(stop)
	workers.Wait()

	// The outage was longer than the lease, so the ticket expired; it was renewed nevertheless.
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "sender_id=long") }, patience, 10*time.Millisecond)
	require.Equal(t, "0", a.numbers(t, "long"))
	waiter := inBackground(t, b, "long")
	require.Empty(t, waiter)
	long()
	(<-waiter)()
}
