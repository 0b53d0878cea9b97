package memory

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/storetest"
)

func TestLocks(t *testing.T) {
	storetest.Locks(t, func(*testing.T) storetest.LockNodes {
		l := New()
		waiting := func(senderID string) int {
			sh := l.shard(senderID)
			sh.mu.Lock()
			defer sh.mu.Unlock()
			if q := sh.queue[senderID]; q != nil {
				return len(q.waiting)
			}
			return 0
		}
		return storetest.LockNodes{Nodes: []stores.Locker{l}, Waiting: waiting}
	})
}

func TestNothingIsKept(t *testing.T) {
	l := New()
	for _, id := range []string{"a", "b", "c"} {
		unlock, err := l.Lock(t.Context(), id)
		require.NoError(t, err)
		unlock()
		unlock() // does nothing
	}
	for i := range l.shards {
		require.Empty(t, l.shards[i].queue)
	}
}
