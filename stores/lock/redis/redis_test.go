package redis

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/redisclient"
	"github.com/parleybot/parley/internal/testservers"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/storetest"
)

// patience is how long a test waits for what must happen.
const patience = 10 * time.Second

func connect(t testing.TB, options *value.Map) *redisclient.Client {
	t.Helper()
	r := component.NewRegistry[*redisclient.Client]("lock store")
	r.Register(component.Spec{Name: "redis", Fields: redisclient.Fields(1)}, redisclient.New)
	c, err := r.Build(component.Config{Name: "redis", Options: options})
	require.NoError(t, err)
	return c
}

// at returns the options for a server, with a prefix of keys of the test's own.
func at(t testing.TB, addr string) *value.Map {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	n, err := strconv.Atoi(port)
	require.NoError(t, err)
	prefix := regexp.MustCompile(`[^0-9A-Za-z]`).ReplaceAllString(testservers.Name(t), "")
	return value.NewMap("url", host, "port", int64(n), "key_prefix", prefix)
}

// node returns a Locker with connections of its own, as another process would have.
func node(t testing.TB, options *value.Map, o Options) *Locks {
	t.Helper()
	if o.Logger == nil {
		o.Logger = logger(t)
	}
	l := New(connect(t, options), o)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l
}

func logger(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// waiting counts the tickets in Redis that wait for their turn.
func (l *Locks) waiting(senderID string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	count := 0
	if n := l.lines[l.key(senderID)]; n != nil {
		for _, t := range n.tickets {
			if t.state == queued {
				count++
			}
		}
	}
	return count
}

func lock(t testing.TB, l *Locks, id string) func() {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	unlock, err := l.Lock(ctx, id)
	require.NoError(t, err)
	return unlock
}

// inBackground locks, once it has its place, and sends what unlocks.
func inBackground(t testing.TB, l *Locks, id string) <-chan func() {
	t.Helper()
	before := l.waiting(id)
	got := make(chan func(), 1)
	go func() {
		unlock, err := l.Lock(t.Context(), id)
		if err != nil {
			t.Error(err)
		}
		got <- unlock
	}()
	require.Eventually(t, func() bool { return l.waiting(id) == before+1 }, patience, 100*time.Microsecond)
	return got
}

func TestLocks(t *testing.T) {
	addr := testservers.Redis(t)
	for _, count := range []int{1, 3} {
		t.Run(strconv.Itoa(count), func(t *testing.T) {
			storetest.Locks(t, func(t *testing.T) storetest.LockNodes { return nodes(t, at(t, addr), count) })
		})
	}
}

func TestLocksOfCluster(t *testing.T) {
	list := []any{}
	for _, a := range testservers.RedisCluster(t).Addrs {
		list = append(list, a)
	}
	storetest.Locks(t, func(t *testing.T) storetest.LockNodes {
		prefix := at(t, "0:0").String("key_prefix")
		return nodes(t, value.NewMap("cluster", list, "db", int64(0), "key_prefix", prefix), 2)
	})
}

func nodes(t *testing.T, options *value.Map, count int) (n storetest.LockNodes) {
	for range count {
		n.Nodes = append(n.Nodes, New(connect(t, options), Options{Logger: logger(t)}))
	}
	n.Waiting = func(senderID string) (sum int) {
		for _, l := range n.Nodes {
			sum += l.(*Locks).waiting(senderID)
		}
		return sum
	}
	return n
}

// TestLocksWithoutNews has users who may not use channels: unlocking works, and who waits finds out by looking.
func TestLocksWithoutNews(t *testing.T) {
	s := testservers.RedisWith(t)
	admin := goredis.NewClient(&goredis.Options{Addr: s.Addr})
	defer admin.Close() //nolint:errcheck // a test
	require.NoError(t, admin.Do(t.Context(), "ACL", "SETUSER", "bot", "on", ">secret", "~*", "+@all", "resetchannels").Err())
	options := at(t, s.Addr)
	options.Update(value.NewMap("username", "bot", "password", "secret"))
	a, b := node(t, options, Options{}), node(t, options, Options{})
	unlock := lock(t, a, "u")
	got := inBackground(t, b, "u")
	unlock()
	(<-got)()
	lock(t, a, "u")()
}

func TestOptions(t *testing.T) {
	build := func(options *value.Map) (*Locks, error) {
		l, err := stores.Locks.Build(component.Config{Name: "redis", Options: options, Pos: "endpoints.yml:4:3"})
		if err != nil {
			return nil, err
		}
		t.Cleanup(func() { require.NoError(t, l.Close()) })
		return l.(*Locks), nil
	}
	l, err := build(value.NewMap())
	require.NoError(t, err)
	require.Equal(t, 5*time.Second, l.lease)
	require.Equal(t, time.Minute, l.maxWait)
	require.Equal(t, "lock:u", l.key("u"))
	require.Equal(t, "parley:lock:1", l.channel)

	t.Setenv("TICKET_LOCK_LIFETIME", "90")
	l, err = build(value.NewMap("key_prefix", "bot", "lease", 1.5, "db", int64(3)))
	require.NoError(t, err)
	require.Equal(t, 1500*time.Millisecond, l.lease)
	require.Equal(t, 90*time.Second, l.maxWait)
	require.Equal(t, "bot:lock:u", l.key("u"))
	require.Equal(t, "parley:bot:lock:3", l.channel)

	l, err = build(value.NewMap("max_wait", int64(7)))
	require.NoError(t, err)
	require.Equal(t, 7*time.Second, l.maxWait)

	for want, options := range map[string]*value.Map{
		`option "lease" must be from 0.5 to 86400 seconds, not 0.1`:           value.NewMap("lease", 0.1),
		`option "max_wait" must be above 0 and at most 86400 seconds, not -1`: value.NewMap("max_wait", int64(-1)),
		`option "max_wait" must be a number, not "long"`:                      value.NewMap("max_wait", "long"),
		`option "port" must be an integer from 0 to 65535, not 'x'`:           value.NewMap("port", "x"),
	} {
		_, err = build(options)
		require.EqualError(t, err, `endpoints.yml:4:3: component "redis": `+want)
	}
}

func TestMaxWait(t *testing.T) {
	options := at(t, testservers.Redis(t))
	unlock := lock(t, node(t, options, Options{}), "u")
	b := node(t, options, Options{MaxWait: 30 * time.Millisecond})
	_, err := b.Lock(t.Context(), "u")
	require.ErrorIs(t, err, stores.ErrLockNotAcquired)
	require.EqualError(t, err, `waiting for the lock of "u": lock not acquired: it took more than 30ms`)
	unlock()
	lock(t, b, "u")()
}

func TestClose(t *testing.T) {
	options := at(t, testservers.Redis(t))
	a, b := New(connect(t, options), Options{}), node(t, options, Options{})
	unlock := lock(t, a, "u")
	failed := make(chan error, 1)
	go func() {
		_, err := a.Lock(t.Context(), "u")
		failed <- err
	}()
	require.Eventually(t, func() bool { return a.waiting("u") == 1 }, patience, time.Millisecond)
	require.NoError(t, a.Close())
	err := <-failed
	require.ErrorIs(t, err, stores.ErrLockNotAcquired)
	require.ErrorIs(t, err, errClosed)
	lock(t, b, "u")() // what a held is released
	unlock()
	_, err = a.Lock(t.Context(), "u")
	require.ErrorIs(t, err, stores.ErrLockNotAcquired)
	require.NoError(t, a.Close())
	require.Empty(t, a.lines)
}

// counter counts the commands of a client.
type counter struct{ commands atomic.Int64 }

func (c *counter) DialHook(next goredis.DialHook) goredis.DialHook { return next }
func (c *counter) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return next
}
func (c *counter) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error {
		c.commands.Add(1)
		return next(ctx, cmd)
	}
}

func TestTwoRoundTrips(t *testing.T) {
	l := node(t, at(t, testservers.Redis(t)), Options{})
	lock(t, l, "u")() // the script may have to be sent
	var c counter
	l.client.AddHook(&c)
	for i := range 100 {
		lock(t, l, strconv.Itoa(i%7))()
	}
	require.EqualValues(t, 200, c.commands.Load())
}

// TestFastPath checks that in one process handing on costs nothing but unlocking, however long others wait.
func TestFastPath(t *testing.T) {
	const waiters = 20
	l := node(t, at(t, testservers.Redis(t)), Options{})
	unlock := lock(t, l, "u")
	var queue []<-chan func()
	for range waiters {
		queue = append(queue, inBackground(t, l, "u"))
	}
	var c counter
	l.client.AddHook(&c)
	for _, next := range queue {
		unlock()
		unlock = <-next
	}
	unlock()
	require.EqualValues(t, waiters+1, c.commands.Load())
}

// TestChurn has callers give up at any moment: nothing is left behind, and never are two inside.
func TestChurn(t *testing.T) {
	options := at(t, testservers.Redis(t))
	all := []*Locks{node(t, options, Options{}), node(t, options, Options{}), node(t, options, Options{})}
	var inside, served, gaveUp atomic.Int64
	var workers sync.WaitGroup
	for i := range 12 {
		workers.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 5))
			for range 60 {
				limit := time.Duration(random.IntN(40_000)) * time.Microsecond
				if random.IntN(4) == 0 {
					limit = patience
				}
				ctx, cancel := context.WithCancel(t.Context())
				timer := time.AfterFunc(limit, cancel)
				unlock, err := all[i%len(all)].Lock(ctx, "u")
				switch {
				case err == nil:
					if inside.Add(1) != 1 {
						t.Error("two inside")
					}
					served.Add(1)
					time.Sleep(time.Duration(random.IntN(1000)) * time.Microsecond)
					inside.Add(-1)
					unlock()
				case !errors.Is(err, stores.ErrLockNotAcquired):
					t.Error(err)
				default:
					gaveUp.Add(1)
				}
				timer.Stop()
				cancel()
			}
		})
	}
	workers.Wait()
	t.Logf("%d served, %d gave up", served.Load(), gaveUp.Load())
	require.Positive(t, gaveUp.Load())
	for _, l := range all {
		require.Eventually(t, func() bool { return l.count() == 0 }, patience, time.Millisecond)
	}
	require.Equal(t, "redis: nil", all[0].raw(t, "u"))
}

// TestHandOverIsSoon checks that another node hears of an unlocked conversation, and does not only look.
func TestHandOverIsSoon(t *testing.T) {
	options := at(t, testservers.Redis(t))
	all := []*Locks{node(t, options, Options{}), node(t, options, Options{})}
	unlock := lock(t, all[0], "u")
	var took []time.Duration
	for i := range 41 {
		got := inBackground(t, all[(i+1)%2], "u")
		began := time.Now()
		unlock()
		unlock = <-got
		took = append(took, time.Since(began))
	}
	unlock()
	slices.Sort(took)
	require.Less(t, took[len(took)/2], 20*time.Millisecond)
}

func TestPing(t *testing.T) {
	s := testservers.RedisWith(t)
	l := node(t, at(t, s.Addr), Options{Lease: time.Second})
	require.NoError(t, l.Ping(t.Context()))
	s.Kill()
	require.ErrorIs(t, l.Ping(t.Context()), stores.ErrUnavailable)
}

func TestClockSkew(t *testing.T) {
	for name, tc := range map[string]struct {
		took, ahead time.Duration
		want        string
	}{
		"same":                      {0, 0, ""},
		"somewhat":                  {0, 900 * time.Millisecond, ""},
		"ahead":                     {0, 2 * time.Second, "duration=2s"},
		"behind":                    {0, -90 * time.Second, "duration=-1m30s"},
		"within what the call took": {2 * time.Second, 1900 * time.Millisecond, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var log lockedBuffer
			c := clock{log: slog.New(slog.NewTextHandler(&log, nil))}
			began := time.Now()
			for range 2 {
				c.set(began, began.Add(tc.took), began.Add(tc.took/2-tc.ahead).UnixMicro())
			}
			if tc.want == "" {
				require.Empty(t, log.String())
				return
			}
			require.Contains(t, log.String(), tc.want)
			require.Len(t, regexp.MustCompile("level=WARN").FindAllString(log.String(), -1), 1)
		})
	}
}

func TestWrongType(t *testing.T) {
	l := node(t, at(t, testservers.Redis(t)), Options{})
	require.NoError(t, l.client.RPush(t.Context(), l.key("u"), "x").Err())
	_, err := l.Lock(t.Context(), "u")
	require.ErrorContains(t, err, `locking "u": WRONGTYPE`)
	require.False(t, errors.Is(err, stores.ErrUnavailable) || errors.Is(err, stores.ErrLockNotAcquired))
	lock(t, l, "v")()
}

func textLogger(to *lockedBuffer) *slog.Logger { return slog.New(slog.NewTextHandler(to, nil)) }
