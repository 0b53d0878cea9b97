package memory

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/storetest"
)

func TestLocks(t *testing.T) {
	storetest.Locks(t, func(*testing.T) stores.Locker { return New() })
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
