package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/stores"
)

// untilTaken gives the same list until the back end has it, and returns how often that failed. All errors must say that
// it is not reachable.
func untilTaken(ctx context.Context, b stores.Broker, list []stores.Publication) (failures int, err error) {
	for deadline := time.Now().Add(absence); ; failures++ {
		limited, cancel := context.WithTimeout(ctx, attempt)
		err := b.Publish(limited, list)
		cancel()
		if err == nil {
			return failures, nil
		}
		if !errors.Is(err, stores.ErrUnavailable) || time.Now().After(deadline) {
			return failures, err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func publishUntilTaken(t *testing.T, b stores.Broker, list []stores.Publication) {
	t.Helper()
	_, err := untilTaken(t.Context(), b, list)
	require.NoError(t, err)
}

// awayAtStart checks that a broker can be opened while its back end is away.
func awayAtStart(t *testing.T, bt BrokerTest) {
	var p publications
	bt.Stop(t)
	b := bt.open(t)
	list := p.turns(2, "ann")
	require.ErrorIs(t, publishOnce(t, b, list, attempt), stores.ErrUnavailable)
	require.ErrorIs(t, publishOnce(t, b, list, attempt), stores.ErrUnavailable)
	bt.Start(t)
	publishUntilTaken(t, b, list)
	p.requireArrived(t, bt.Received(t), true)
}

func awayForAWhile(t *testing.T, bt BrokerTest) {
	var p publications
	b := bt.open(t)
	publish(t, b, p.turns(2, "ann", "bob"))
	p.requireArrived(t, bt.Received(t), false)
	bt.Stop(t)
	list := p.turns(2, "bob", "ann")
	require.ErrorIs(t, publishOnce(t, b, list, attempt), stores.ErrUnavailable)
	require.ErrorIs(t, publishOnce(t, b, list, attempt), stores.ErrUnavailable)
	bt.Start(t)
	publishUntilTaken(t, b, list)
	publishUntilTaken(t, b, p.turns(2, "ann"))
	p.requireArrived(t, bt.Received(t), true)
}

// awayInTheMiddle checks that what was confirmed outlives the back end's end, whatever is under way at that moment.
func awayInTheMiddle(t *testing.T, bt BrokerTest) {
	var p publications
	b := bt.open(t)
	started, stop, stopped := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	failures := 0
	go func() {
		for i := 0; ; i++ {
			n, err := untilTaken(t.Context(), b, p.turns(20, "ann", "bob", fmt.Sprint("sender", i%5)))
			if failures += n; err != nil {
				stopped <- err
				return
			}
			if i == 3 {
				close(started)
			}
			select {
			case <-stop:
				stopped <- nil
				return
			default:
			}
		}
	}()
	select {
	case <-started:
	case err := <-stopped:
		t.Fatal("publishing ended early: ", err)
	}
	bt.Stop(t)
	bt.Start(t)
	close(stop)
	require.NoError(t, <-stopped)
	t.Logf("%d turns, %d failed attempts", len(p.all), failures)
	publishUntilTaken(t, b, p.turns(1, "ann"))
	p.requireArrived(t, bt.Received(t), true)
}

// hanging checks that a back end that does not answer holds up nobody for longer than the context allows.
func hanging(t *testing.T, bt BrokerTest) {
	var p publications
	b := bt.open(t)
	publish(t, b, p.turns(1, "ann"))
	p.requireArrived(t, bt.Received(t), false)
	bt.Freeze(t)
	list := p.turns(2, "ann")
	var errs []error
	for deadline := time.Now().Add(patience); len(errs) < 2 && time.Now().Before(deadline); {
		err := publishOnce(t, b, list, time.Second)
		if err != nil || len(errs) > 0 { // a process that is told to halt may finish something
			errs = append(errs, err)
		}
	}
	bt.Thaw(t)
	require.NotEmpty(t, errs, "the back end does not hang")
	for _, err := range errs {
		require.ErrorIs(t, err, stores.ErrUnavailable)
	}
	publishUntilTaken(t, b, list)
	p.requireArrived(t, bt.Received(t), true)
}
