package redis

import (
	"log/slog"
	"net"
	"regexp"
	"strconv"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/redisclient"
	"github.com/parleybot/parley/internal/testservers"
	"github.com/parleybot/parley/internal/value"
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

func at(t testing.TB, addr string) *value.Map {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	n, err := strconv.Atoi(port)
	require.NoError(t, err)
	return value.NewMap("url", host, "port", int64(n))
}

// node returns a Locker with connections of its own, as another process would have.
func node(t testing.TB, addr string, o Options) *Locks {
	t.Helper()
	l := New(connect(t, at(t, addr)), o)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l
}

// plain returns a client of the database of locks.
func plain(t testing.TB, addr string) *goredis.Client {
	t.Helper()
	c := goredis.NewClient(&goredis.Options{Addr: addr, DB: 1})
	t.Cleanup(func() { _ = c.Close() })
	return c
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

// name returns a key prefix of the test's own.
func name(t testing.TB) string {
	t.Helper()
	return regexp.MustCompile(`[^0-9A-Za-z]`).ReplaceAllString(testservers.Name(t), "")
}

func logger(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func TestLocks(t *testing.T) {
	addr := testservers.Redis(t)
	for _, count := range []int{1, 3} {
		t.Run(strconv.Itoa(count), func(t *testing.T) {
			storetest.Locks(t, func(t *testing.T) storetest.LockNodes {
				options := at(t, addr)
				options.Set("key_prefix", name(t))
				var n storetest.LockNodes
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
			})
		})
	}
}
