package storetest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/stores"
)

// patience is how long a case waits for what must happen.
const patience = 10 * time.Second

// LockNodes are what a case of the lock suite works with.
type LockNodes struct {
	// Nodes share a back end without locks, as processes do. At least one; the case closes them.
	Nodes []stores.Locker
	// Waiting returns how many calls of Lock have a place in the queue of a conversation, that of the holder aside.
	Waiting func(senderID string) int
}

// Locks checks a lock store. open is called for every case.
func Locks(t *testing.T, open func(t *testing.T) LockNodes) {
	cases := map[string]func(t *testing.T, n LockNodes){
		"mutual exclusion":         mutualExclusion,
		"order of asking":          orderOfAsking,
		"independent":              independent,
		"context ends":             contextEnds,
		"context is over":          contextIsOver,
		"leaving the queue":        leavingTheQueue,
		"unlocking twice":          unlockingTwice,
		"deleting":                 deletingLocks,
		"deleting from under them": deletingFromUnderThem,
	}
	for name, run := range cases {
		t.Run(name, func(t *testing.T) {
			n := open(t)
			t.Cleanup(func() {
				for _, l := range n.Nodes {
					require.NoError(t, l.Close())
				}
			})
			run(t, n)
		})
	}
}

// LocksOutOfReach checks a lock store whose back end cannot be reached: it says so, soon, and by the right name.
func LocksOutOfReach(t *testing.T, l stores.Locker) {
	t.Helper()
	for range 3 {
		began := time.Now()
		_, err := l.Lock(t.Context(), "u")
		require.ErrorIs(t, err, stores.ErrUnavailable)
		require.NotErrorIs(t, err, stores.ErrLockNotAcquired, "a caller may go on without the lock")
		require.Less(t, time.Since(began), patience)
	}
	_, err := l.Delete(t.Context(), "u")
	require.ErrorIs(t, err, stores.ErrUnavailable)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = l.Lock(ctx, "u")
	require.ErrorIs(t, err, stores.ErrLockNotAcquired)
}

// node returns the i-th node, beginning again behind the last.
func (n LockNodes) node(i int) stores.Locker { return n.Nodes[i%len(n.Nodes)] }

// lock locks by the first node.
func (n LockNodes) lock(t *testing.T, id string) func() {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	unlock, err := n.Nodes[0].Lock(ctx, id)
	require.NoError(t, err)
	return unlock
}

// queue has the i-th node wait for a lock that somebody holds, and returns when it has its place. What Lock returned is
// sent to the channel.
func (n LockNodes) queue(ctx context.Context, t *testing.T, i int, id string) <-chan locked {
	t.Helper()
	before := n.Waiting(id)
	got := make(chan locked, 1)
	go func() {
		unlock, err := n.node(i).Lock(ctx, id)
		got <- locked{unlock, err}
	}()
	n.waitUntil(t, id, before+1)
	return got
}

func (n LockNodes) waitUntil(t *testing.T, id string, waiting int) {
	t.Helper()
	require.Eventually(t, func() bool { return n.Waiting(id) == waiting }, patience, 100*time.Microsecond)
}

type locked struct {
	unlock func()
	err    error
}

func receive(t *testing.T, from <-chan locked) locked {
	t.Helper()
	select {
	case got := <-from:
		return got
	case <-time.After(patience):
		require.FailNow(t, "a waiter never heard of its lock")
		return locked{}
	}
}

// gets waits until a waiter has the lock.
func gets(t *testing.T, from <-chan locked) (unlock func()) {
	t.Helper()
	got := receive(t, from)
	require.NoError(t, got.err)
	return got.unlock
}

func mutualExclusion(t *testing.T, n LockNodes) {
	const workers, rounds = 4, 25
	held, count := 0, 0
	var done sync.WaitGroup
	for i := range workers {
		done.Go(func() {
			for range rounds {
				unlock, err := n.node(i).Lock(t.Context(), "u")
				if err != nil {
					t.Error(err)
					return
				}
				held++
				if held != 1 {
					t.Errorf("%d holders at once", held)
				}
				count++
				held--
				unlock()
			}
		})
	}
	done.Wait()
	require.Equal(t, workers*rounds, count)
}

func orderOfAsking(t *testing.T, n LockNodes) {
	const waiters = 100
	unlock := n.lock(t, "u")
	var queue []<-chan locked
	for i := range waiters {
		queue = append(queue, n.queue(t.Context(), t, i, "u"))
	}
	for i, next := range queue {
		for _, later := range queue[i:] {
			require.Empty(t, later, "a waiter overtook the %dth", i)
		}
		unlock()
		unlock = gets(t, next)
	}
	unlock()
}

func independent(t *testing.T, n LockNodes) {
	defer n.lock(t, "a")()
	defer n.lock(t, "b")()
	n.lock(t, "c")()
	n.lock(t, "c")()
	n.lock(t, `"ü / \ 😀" lock:`)()
}

func contextEnds(t *testing.T, n LockNodes) {
	unlock := n.lock(t, "u")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err := n.node(1).Lock(ctx, "u")
	require.ErrorIs(t, err, stores.ErrLockNotAcquired)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	unlock()
	n.lock(t, "u")()
}

func contextIsOver(t *testing.T, n LockNodes) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := n.Nodes[0].Lock(ctx, "u")
	require.ErrorIs(t, err, stores.ErrLockNotAcquired)
	n.lock(t, "u")()
}

// leavingTheQueue checks that a waiter who gives up does not block those behind.
func leavingTheQueue(t *testing.T, n LockNodes) {
	unlock := n.lock(t, "u")
	ctx, cancel := context.WithCancel(t.Context())
	gaveUp := n.queue(ctx, t, 1, "u")
	behind := n.queue(t.Context(), t, 0, "u")
	cancel()
	if err := receive(t, gaveUp).err; !errors.Is(err, stores.ErrLockNotAcquired) {
		t.Errorf("giving up: %v", err)
	}
	unlock()
	gets(t, behind)()
}

// unlockingTwice checks that only the first call hands the lock on.
func unlockingTwice(t *testing.T, n LockNodes) {
	first := n.lock(t, "u")
	second := n.queue(t.Context(), t, 1, "u")
	third := n.queue(t.Context(), t, 0, "u")
	first()
	unlock := gets(t, second)
	first()
	fourth := n.queue(t.Context(), t, 1, "u")
	require.Empty(t, third)
	unlock()
	gets(t, third)()
	gets(t, fourth)()
}

func deletingLocks(t *testing.T, n LockNodes) {
	deleted := func(id string) bool {
		t.Helper()
		was, err := n.node(1).Delete(t.Context(), id)
		require.NoError(t, err)
		return was
	}
	require.False(t, deleted("u"))
	n.lock(t, "u")()
	require.False(t, deleted("u"), "nothing is left of a lock that nobody holds")
	first := n.lock(t, "u")
	other := n.lock(t, "v")
	require.True(t, deleted("u"), "held")
	second := n.lock(t, "u")
	first() // is not the holder any more
	third := n.queue(t.Context(), t, 1, "u")
	fourth := n.queue(t.Context(), t, 0, "v")
	require.Empty(t, third)
	second()
	gets(t, third)()
	other()
	gets(t, fourth)()
	require.False(t, deleted("u"))
}

// deletingFromUnderThem checks that those who wait when a lock is deleted get it, one at a time.
func deletingFromUnderThem(t *testing.T, n LockNodes) {
	const waiters = 6
	first := n.lock(t, "u")
	got := make(chan locked, waiters)
	for i := range waiters {
		next := n.queue(t.Context(), t, i, "u")
		go func() { got <- <-next }()
	}
	was, err := n.Nodes[0].Delete(t.Context(), "u")
	require.NoError(t, err)
	require.True(t, was)
	for i := range waiters {
		unlock := gets(t, got)
		first()
		n.waitUntil(t, "u", waiters-1-i)
		require.Empty(t, got)
		unlock()
	}
}
