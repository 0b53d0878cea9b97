package memory

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/storetest"
)

func TestInbox(t *testing.T) {
	storetest.Inboxes(t, func(*testing.T) storetest.InboxServer {
		s := storetest.InboxServer{Window: 200 * time.Millisecond, Lease: 20 * time.Millisecond, MaxAttempts: 4}
		in := New(Config{DuplicateWindow: s.Window, MaxAttempts: s.MaxAttempts, MinBackoff: time.Millisecond}, component.Env{})
		s.Node = func(*testing.T) stores.Inbox { return in }
		return s
	})
}

func TestOptions(t *testing.T) {
	for key, v := range map[string]any{"duplicate_window": int64(0), "concurrency": int64(0), "max_attempts": int64(-1)} {
		_, err := stores.Inboxes.Build(component.Config{Name: "in_memory", Options: value.NewMap(key, v), Pos: "endpoints.yml:2:1"})
		require.ErrorContains(t, err, `endpoints.yml:2:1: component "in_memory": option "`+key+`"`)
	}
	in, err := stores.Inboxes.Build(component.Config{Name: "in_memory"})
	require.NoError(t, err)
	require.Equal(t, 64, in.(*Inbox).cfg.Concurrency)
}

// TestNothingIsKept checks that handled and deleted conversations leave nothing but their ids, and those only for a while.
func TestNothingIsKept(t *testing.T) {
	now := time.Now()
	in := New(Config{}, component.Env{Now: func() time.Time { return now }})
	for _, id := range []string{"a", "b"} {
		_, err := in.Put(t.Context(), stores.Envelope{ID: id, SenderID: id})
		require.NoError(t, err)
	}
	require.Len(t, in.seen, 2)
	now = now.Add(11 * time.Minute)
	duplicate, err := in.Put(t.Context(), stores.Envelope{ID: "a", SenderID: "c"})
	require.NoError(t, err)
	require.False(t, duplicate)
	require.Len(t, in.seen, 1)
	require.Len(t, in.oldest, 1)
}
