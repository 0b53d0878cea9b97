package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// Timers checks timers. place makes a function that opens a node's timers on data that all its calls share, empty at first;
// it returns nil where there are none.
func Timers(t *testing.T, place func(t *testing.T) func() stores.Timers) {
	cases := map[string]func(t *testing.T, open func() stores.Timers){
		"no timers":          noTimers,
		"claim":              claiming,
		"order":              claimOrder,
		"replace":            replacedTimer,
		"remove":             removedTimer,
		"lease":              leases,
		"once over nodes":    onceOverNodes,
		"odd ids and data":   oddTimers,
		"claims in parallel": claimsInParallel,
	}
	for name, run := range cases {
		t.Run("timers/"+name, func(t *testing.T) {
			open := place(t)
			if open() == nil {
				return
			}
			run(t, open)
		})
	}
}

// noon is the time at which timers are tried.
var noon = time.Date(2030, 5, 1, 12, 0, 0, 123_456_000, time.UTC)

const lease = 30 * time.Second

func timer(sender, name string, due time.Time) stores.Timer {
	return stores.Timer{SenderID: sender, Name: name, ID: sender + "/" + name, Due: due, Data: value.NewMap("n", int64(1))}
}

func set(t *testing.T, s stores.Timers, list ...stores.Timer) {
	t.Helper()
	for _, tm := range list {
		require.NoError(t, s.Set(t.Context(), tm))
	}
}

func claim(t *testing.T, s stores.Timers, now time.Time, limit int) []string {
	t.Helper()
	got, err := s.Claim(t.Context(), now, lease, limit)
	require.NoError(t, err)
	names := []string{}
	for _, tm := range got {
		names = append(names, tm.ID)
	}
	return names
}

func requireNext(t *testing.T, s stores.Timers, want time.Time) {
	t.Helper()
	due, ok, err := s.Next(t.Context())
	require.NoError(t, err)
	require.Equal(t, !want.IsZero(), ok)
	if ok {
		require.WithinDuration(t, want, due, time.Millisecond)
	}
}

func noTimers(t *testing.T, open func() stores.Timers) {
	s := open()
	require.Empty(t, claim(t, s, noon, 10))
	requireNext(t, s, time.Time{})
	list, err := s.List(t.Context(), "u")
	require.NoError(t, err)
	require.Empty(t, list)
	removed, err := s.Remove(t.Context(), timer("u", "a", noon))
	require.NoError(t, err)
	require.False(t, removed)
}

func claiming(t *testing.T, open func() stores.Timers) {
	s := open()
	want := timer("u", "a", noon)
	set(t, s, want)
	requireNext(t, s, noon)
	require.Empty(t, claim(t, s, noon.Add(-time.Millisecond), 10))
	got, err := s.Claim(t.Context(), noon, lease, 10)
	require.NoError(t, err)
	require.Len(t, got, 1)
	requireSameTimer(t, want, got[0])
	require.Equal(t, 1, got[0].Attempt)
	removed, err := s.Remove(t.Context(), got[0])
	require.NoError(t, err)
	require.True(t, removed)
	requireNext(t, s, time.Time{})
}

func requireSameTimer(t *testing.T, want, got stores.Timer) {
	t.Helper()
	require.Equal(t, []string{want.SenderID, want.Name, want.ID}, []string{got.SenderID, got.Name, got.ID})
	require.WithinDuration(t, want.Due, got.Due, time.Microsecond)
	require.Equal(t, string(value.Encode(want.Data, value.JSON)), string(value.Encode(got.Data, value.JSON)))
}

func claimOrder(t *testing.T, open func() stores.Timers) {
	s := open()
	set(t, s, timer("u", "late", noon.Add(time.Hour)), timer("u", "b", noon.Add(-time.Second)), timer("v", "c", noon), timer("v", "a", noon.Add(-time.Minute)))
	require.Equal(t, []string{"v/a", "u/b"}, claim(t, s, noon, 2))
	require.Equal(t, []string{"v/c"}, claim(t, s, noon, 2))
	require.Empty(t, claim(t, s, noon, 2))
	list, err := s.List(t.Context(), "u")
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Equal(t, "b", list[0].Name)
}

func replacedTimer(t *testing.T, open func() stores.Timers) {
	s := open()
	old := timer("u", "a", noon)
	set(t, s, old)
	require.Equal(t, []string{"u/a"}, claim(t, s, noon, 1))
	fresh := timer("u", "a", noon.Add(time.Minute))
	fresh.ID, fresh.Data = "second", value.NewMap("n", int64(2))
	set(t, s, fresh)
	requireNext(t, s, fresh.Due)
	removed, err := s.Remove(t.Context(), old)
	require.NoError(t, err)
	require.False(t, removed, "the claimed timer was replaced")
	require.Empty(t, claim(t, s, noon.Add(59*time.Second), 1))
	require.Equal(t, []string{"second"}, claim(t, s, noon.Add(time.Minute), 1))
	list, err := s.List(t.Context(), "u")
	require.NoError(t, err)
	require.Len(t, list, 1)
	requireSameTimer(t, fresh, list[0])
}

func removedTimer(t *testing.T, open func() stores.Timers) {
	s := open()
	set(t, s, timer("u", "a", noon), timer("u", "b", noon), timer("v", "a", noon))
	removed, err := s.Remove(t.Context(), timer("u", "a", noon))
	require.NoError(t, err)
	require.True(t, removed)
	require.ElementsMatch(t, []string{"u/b", "v/a"}, claim(t, s, noon, 10))
}

func leases(t *testing.T, open func() stores.Timers) {
	s := open()
	set(t, s, timer("u", "a", noon))
	require.Equal(t, []string{"u/a"}, claim(t, s, noon, 1))
	requireNext(t, s, noon.Add(lease))
	require.Empty(t, claim(t, s, noon.Add(lease-time.Millisecond), 1))
	got, err := s.Claim(t.Context(), noon.Add(lease), lease, 1)
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.Equal(t, 2, got[0].Attempt)
	require.WithinDuration(t, noon, got[0].Due, time.Microsecond, "the time that was asked for stays")
}

func onceOverNodes(t *testing.T, open func() stores.Timers) {
	a, b := open(), open()
	set(t, a, timer("u", "a", noon))
	require.Equal(t, []string{"u/a"}, claim(t, b, noon, 1))
	require.Empty(t, claim(t, a, noon, 1))
}

func oddTimers(t *testing.T, open func() stores.Timers) {
	s := open()
	want := map[string]stores.Timer{}
	for i, id := range oddIDs {
		tm := timer(id, fmt.Sprint("näme/", i, " {x}:*"), noon)
		tm.Data = value.NewMap("a.b", nil, "$x", []any{1.5, "🍑", int64(1) << 60}, "", value.NewMap("deep", true))
		want[tm.ID] = tm
		set(t, s, tm)
	}
	got, err := open().Claim(t.Context(), noon, lease, 100)
	require.NoError(t, err)
	require.Len(t, got, len(want))
	for _, tm := range got {
		requireSameTimer(t, want[tm.ID], tm)
	}
}

func claimsInParallel(t *testing.T, open func() stores.Timers) {
	const nodes, timers = 4, 60
	s := open()
	for i := range timers {
		set(t, s, timer(fmt.Sprint("u", i%7), fmt.Sprint(i), noon))
	}
	var mu sync.Mutex
	claimed := map[string]int{}
	var done sync.WaitGroup
	for range nodes {
		node := open()
		done.Go(func() {
			for {
				got, err := node.Claim(t.Context(), noon, lease, 5)
				if err != nil || len(got) == 0 {
					if err != nil {
						t.Error(err)
					}
					return
				}
				mu.Lock()
				for _, tm := range got {
					claimed[tm.ID]++
				}
				mu.Unlock()
			}
		})
	}
	done.Wait()
	// A node may stop early when others hold what it looked at.
	for _, id := range claim(t, s, noon, timers) {
		claimed[id]++
	}
	require.Len(t, claimed, timers)
	for id, n := range claimed {
		require.Equal(t, 1, n, id)
	}
}
