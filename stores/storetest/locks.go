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

// Locks checks a lock store. open returns one without locks; it is called for every case.
func Locks(t *testing.T, open func(t *testing.T) stores.Locker) {
	cases := map[string]func(t *testing.T, l stores.Locker){
		"mutual exclusion":  mutualExclusion,
		"order of asking":   orderOfAsking,
		"independent":       independent,
		"context ends":      contextEnds,
		"leaving the queue": leavingTheQueue,
	}
	for name, run := range cases {
		t.Run(name, func(t *testing.T) {
			l := open(t)
			t.Cleanup(func() { require.NoError(t, l.Close()) })
			run(t, l)
		})
	}
}

func lock(t *testing.T, l stores.Locker, id string) func() {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	unlock, err := l.Lock(ctx, id)
	require.NoError(t, err)
	return unlock
}

func mutualExclusion(t *testing.T, l stores.Locker) {
	const workers, rounds = 4, 25
	held, count := 0, 0
	var done sync.WaitGroup
	for range workers {
		done.Go(func() {
			for range rounds {
				unlock, err := l.Lock(t.Context(), "u")
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

func orderOfAsking(t *testing.T, l stores.Locker) {
	const waiters = 5
	unlock := lock(t, l, "u")
	order := make(chan int, waiters)
	for i := range waiters {
		asked := make(chan struct{})
		go func() {
			close(asked)
			next, err := l.Lock(t.Context(), "u")
			if err != nil {
				t.Error(err)
				next = func() {}
			}
			order <- i
			next()
		}()
		<-asked
		time.Sleep(5 * time.Millisecond) // the goroutine is on its way into Lock; nothing tells when it queued
	}
	unlock()
	for want := range waiters {
		select {
		case got := <-order:
			require.Equal(t, want, got)
		case <-time.After(patience):
			t.Fatal("a waiter never got the lock")
		}
	}
}

func independent(t *testing.T, l stores.Locker) {
	defer lock(t, l, "a")()
	defer lock(t, l, "b")()
	lock(t, l, "c")()
	lock(t, l, "c")()
}

func contextEnds(t *testing.T, l stores.Locker) {
	unlock := lock(t, l, "u")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err := l.Lock(ctx, "u")
	require.ErrorIs(t, err, stores.ErrLockNotAcquired)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	unlock()
	lock(t, l, "u")()
}

// leavingTheQueue checks that a waiter who gives up does not block those behind.
func leavingTheQueue(t *testing.T, l stores.Locker) {
	unlock := lock(t, l, "u")
	ctx, cancel := context.WithCancel(t.Context())
	gaveUp := make(chan error, 1)
	go func() {
		_, err := l.Lock(ctx, "u")
		gaveUp <- err
	}()
	got := make(chan func(), 1)
	go func() {
		next, err := l.Lock(t.Context(), "u")
		if err != nil {
			t.Error(err)
			next = func() {}
		}
		got <- next
	}()
	cancel()
	if err := <-gaveUp; !errors.Is(err, stores.ErrLockNotAcquired) {
		t.Errorf("giving up: %v", err)
	}
	unlock()
	select {
	case next := <-got:
		next()
	case <-time.After(patience):
		t.Fatal("the waiter behind never got the lock")
	}
}
