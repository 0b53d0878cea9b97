package redis_test

import (
	"fmt"
	"net"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/testservers"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/storetest"
	_ "github.com/parleybot/parley/stores/tracker/redis"
)

// build makes a store from options as endpoints.yml has them.
func build(options *value.Map) (stores.TrackerStore, error) {
	return stores.Trackers.Build(component.Config{Name: "redis", Options: options, Pos: "endpoints.yml:2:3"})
}

func open(t *testing.T, options *value.Map) stores.TrackerStore {
	t.Helper()
	s, err := build(options)
	require.NoError(t, err)
	return s
}

// at returns the options for a server, with others behind.
func at(t *testing.T, addr string, more ...any) *value.Map {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	n, err := strconv.Atoi(port)
	require.NoError(t, err)
	return value.NewMap(append([]any{"url", host, "port", int64(n)}, more...)...)
}

var prefixes atomic.Int64

// newPrefix returns a key_prefix that no other test has.
func newPrefix() string { return fmt.Sprint("p", prefixes.Add(1)) }

// place makes places that have a key_prefix of their own.
func place(options func(prefix string) *value.Map) func(t *testing.T) storetest.Place {
	return func(t *testing.T) storetest.Place {
		prefix := newPrefix()
		return func() stores.TrackerStore { return open(t, options(prefix)) }
	}
}

func TestTrackers(t *testing.T) {
	addr := testservers.Redis(t)
	for name, more := range map[string][]any{
		"plain":   {"segments", "off"},
		"expiry":  {"record_exp", int64(600)},
		"cutting": {"segments", "always", "segment_events", int64(20)},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Trackers(t, place(func(prefix string) *value.Map {
				return at(t, addr, append(more, "key_prefix", prefix)...)
			}))
		})
	}
}

func TestCluster(t *testing.T) {
	t.Parallel()
	c := testservers.RedisCluster(t)
	nodes := make([]any, len(c.Addrs))
	for i, addr := range c.Addrs {
		nodes[i] = addr
	}
	storetest.Trackers(t, place(func(prefix string) *value.Map {
		return value.NewMap("cluster", nodes, "key_prefix", prefix, "segment_events", int64(20))
	}))
	// WAIT has to reach the node that wrote. The masters have no replicas.
	s := closing(t, open(t, value.NewMap("cluster", nodes, "wait_replicas", int64(1), "wait_timeout", 0.01)))
	f, time := factory(t), clock(1.7e9)
	for n := range 10 {
		_, err := s.Save(t.Context(), stores.Turn{Tracker: f.FromEvents(fmt.Sprint("u", n), time.turn("hello"))})
		require.ErrorIs(t, err, stores.ErrUnavailable)
		require.ErrorContains(t, err, "0 of 1")
	}
	ids, err := s.IDs(t.Context(), stores.Query{}, "u3", 4)
	require.NoError(t, err)
	require.Equal(t, []string{"u4", "u5", "u6", "u7"}, ids)
}
