package redis_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/testservers"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

func TestTLS(t *testing.T) {
	server, certs := testservers.RedisTLS(t, "--requirepass", "secret")
	options := at(t, server.Addr, "use_ssl", true, "ssl_ca_certs", certs.CA, "ssl_certfile", certs.ClientCert, "ssl_keyfile", certs.ClientKey,
		"password", "secret")
	s, c, f := closing(t, open(t, options)), clock(1.7e9), factory(t)
	_, err := s.Save(t.Context(), stores.Turn{Tracker: f.FromEvents("u", c.turn("hello"))})
	require.NoError(t, err)
	got, err := s.Load(t.Context(), f, "u")
	require.NoError(t, err)
	require.Len(t, got.Tracker.Events(), 6)

	_, err = closing(t, open(t, options.Clone().Update(value.NewMap("ssl_check_hostname", true)))).Load(t.Context(), f, "u")
	require.NoError(t, err)

	other, err := testservers.NewCertificates(t.TempDir())
	require.NoError(t, err)
	for name, change := range map[string]*value.Map{
		"another CA":     value.NewMap("ssl_ca_certs", other.CA),
		"no TLS":         value.NewMap("use_ssl", false),
		"no certificate": value.NewMap("ssl_certfile", nil, "ssl_keyfile", nil),
		"system's CAs":   value.NewMap("ssl_ca_certs", nil),
	} {
		_, err := closing(t, open(t, options.Clone().Update(change))).Load(t.Context(), f, "u")
		require.ErrorIs(t, err, stores.ErrUnavailable, name)
	}
	_, err = closing(t, open(t, options.Clone().Update(value.NewMap("password", "wrong")))).Load(t.Context(), f, "u")
	require.ErrorContains(t, err, "WRONGPASS")
}

func TestServerIsAway(t *testing.T) {
	t.Parallel()
	server := testservers.RedisWith(t, "--appendonly", "yes", "--appendfsync", "always")
	s, c, f := closing(t, open(t, at(t, server.Addr, "socket_timeout", 0.3))), clock(1.7e9), factory(t)
	_, err := s.Save(t.Context(), stores.Turn{Tracker: f.FromEvents("u", c.turn("hello"))})
	require.NoError(t, err)
	conv, err := s.Load(t.Context(), f, "u")
	require.NoError(t, err)
	turn := stores.Turn{Tracker: conv.Tracker, Known: 6, At: conv.At}
	turn.Tracker.UpdateAll(c.turn("more"))
	away := func() {
		_, err := s.Load(t.Context(), f, "u")
		require.ErrorIs(t, err, stores.ErrUnavailable)
		_, err = s.Save(t.Context(), turn)
		require.ErrorIs(t, err, stores.ErrUnavailable)
		_, err = s.IDs(t.Context(), stores.Query{}, "", 0)
		require.ErrorIs(t, err, stores.ErrUnavailable)
		_, err = s.Delete(t.Context(), "v")
		require.ErrorIs(t, err, stores.ErrUnavailable)
		_, err = s.(stores.Outbox).Unsettled(t.Context(), time.Now(), 1)
		require.ErrorIs(t, err, stores.ErrUnavailable)
		_, _, err = s.(stores.TimerStore).Timers().Next(t.Context())
		require.ErrorIs(t, err, stores.ErrUnavailable)
	}
	server.Stop()
	away()
	server.Cont()
	require.Eventually(t, func() bool { // the write may have come through when the server went on
		_, err := s.Save(t.Context(), turn)
		return err == nil
	}, 10*time.Second, 10*time.Millisecond)
	server.Kill()
	away()
	server.Restart()
	require.Eventually(t, func() bool {
		conv, err = s.Load(t.Context(), f, "u")
		return err == nil
	}, 10*time.Second, 10*time.Millisecond)
	require.Len(t, conv.Tracker.Events(), 12)
}

// TestFailover kills the master while a conversation goes on. With wait_replicas every turn that was stored is on the replica,
// so that none is lost; turns whose fate is unknown are given again.
func TestFailover(t *testing.T) {
	t.Parallel()
	set := testservers.Sentinel(t)
	sentinels := make([]any, len(set.Addrs))
	for i, addr := range set.Addrs {
		sentinels[i] = addr
	}
	s := closing(t, open(t, value.NewMap("sentinel_master", set.Name, "sentinels", sentinels, "socket_timeout", 1.0,
		"wait_replicas", int64(1), "wait_timeout", 0.2)))
	c, f := clock(1.7e9), factory(t)
	const turns, killedAt = 60, 40
	for n := range turns {
		if n == killedAt {
			set.KillMaster()
		}
		persist(t, s, f, &c, fmt.Sprint("turn ", n))
	}
	all, err := s.LoadAll(t.Context(), f, "u")
	require.NoError(t, err)
	var texts []string
	for _, e := range all.Tracker.Events() {
		if u, ok := e.(*tracker.UserUttered); ok {
			texts = append(texts, u.Text)
		}
	}
	require.Len(t, texts, turns)
	for n, text := range texts {
		require.Equal(t, fmt.Sprint("turn ", n), text)
	}
}

// persist stores a turn, however often that takes.
func persist(t *testing.T, s stores.TrackerStore, f *tracker.Factory, c *clock, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	added := c.turn(text)
	for ctx.Err() == nil {
		conv, err := s.Load(ctx, f, "u")
		if err == nil {
			if conv.Tracker == nil {
				conv.Tracker = f.New("u")
			}
			turn := stores.Turn{Tracker: conv.Tracker, Known: len(conv.Tracker.Events()), At: conv.At}
			if isLast(conv.Tracker, added) {
				return
			}
			turn.Tracker.UpdateAll(added)
			_, err = s.Save(ctx, turn)
		}
		if err == nil {
			return
		}
		if !errors.Is(err, stores.ErrUnavailable) && !errors.Is(err, stores.ErrConflict) {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("%s was not stored in time", text)
}

// isLast reports whether a turn is stored already: an earlier attempt may have come through.
func isLast(tr *tracker.Tracker, added []tracker.Event) bool {
	events := tr.Events()
	return len(events) > 0 && events[len(events)-1].Meta().Timestamp == added[len(added)-1].Meta().Timestamp
}

func TestWaitReplicasWithoutReplica(t *testing.T) {
	server := testservers.RedisWith(t)
	s, c, f := closing(t, open(t, at(t, server.Addr, "wait_replicas", int64(1), "wait_timeout", 0.05))), clock(1.7e9), factory(t)
	turn := stores.Turn{Tracker: f.FromEvents("u", c.turn("hello"))}
	for range 2 { // the turn is stored, but not safe
		_, err := s.Save(t.Context(), turn)
		require.ErrorIs(t, err, stores.ErrUnavailable)
		require.ErrorContains(t, err, "0 of 1")
	}
	got, err := s.Load(t.Context(), f, "u")
	require.NoError(t, err)
	require.Len(t, got.Tracker.Events(), 6)
	turn.At = stores.Position{}
	turn.Tracker = f.FromEvents("u", c.turn("another"))
	_, err = s.Save(t.Context(), turn)
	require.ErrorIs(t, err, stores.ErrConflict)
}

func TestCloseLeavesNoGoroutines(t *testing.T) {
	addr := testservers.Redis(t)
	before := goleak.IgnoreCurrent()
	s := open(t, at(t, addr))
	_, err := s.Load(t.Context(), factory(t), "nobody")
	require.NoError(t, err)
	require.NoError(t, s.Close())
	goleak.VerifyNone(t, before)
}

func TestBadOptions(t *testing.T) {
	for name, tc := range map[string]struct {
		options *value.Map
		want    string
	}{
		"record_exp":     {value.NewMap("record_exp", "soon"), `option "record_exp" must be a number of seconds, not 'soon'`},
		"segments":       {value.NewMap("segments", "some"), `option "segments" must be sessions, always or off, not "some"`},
		"segment_events": {value.NewMap("segment_events", int64(3)), `option "segment_events" must be 20 or more`},
		"wait_replicas":  {value.NewMap("wait_replicas", int64(-1)), `option "wait_replicas" must not be negative`},
		"wait_timeout":   {value.NewMap("wait_timeout", int64(0)), `option "wait_timeout" must be a number of seconds above 0`},
		"port":           {value.NewMap("port", int64(70000)), `option "port" must be an integer from 0 to 65535, not 70000`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := build(tc.options)
			require.EqualError(t, err, `endpoints.yml:2:3: component "redis": `+tc.want)
		})
	}
}
