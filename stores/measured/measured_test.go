package measured

import (
	"context"
	"errors"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/metrics"
	"github.com/parleybot/parley/project"
	"github.com/parleybot/parley/stores"
	locks "github.com/parleybot/parley/stores/lock/memory"
	"github.com/parleybot/parley/stores/storetest"
	timers "github.com/parleybot/parley/stores/timer/memory"
	memory "github.com/parleybot/parley/stores/tracker/memory"
)

// written returns the samples as text, times as T.
func written(write func(w *metrics.Writer)) string {
	var w metrics.Writer
	write(&w)
	text := regexp.MustCompile(`(?m)^#.*\n`).ReplaceAllString(w.String(), "")
	return regexp.MustCompile(`(?m)(_sum(?:\{.*\})?) .*$`).ReplaceAllString(text, "$1 T")
}

func TestTracker(t *testing.T) {
	storetest.Trackers(t, func(*testing.T) storetest.Place {
		s := Trackers(memory.New())
		return func() stores.TrackerStore { return s }
	})
}

// scripted returns its errors one after the other.
type scripted struct {
	stores.TrackerStore
	errs []error
}

func (s *scripted) Save(context.Context, stores.Turn) (stores.Position, error) {
	err := s.errs[0]
	s.errs = s.errs[1:]
	return stores.Position{}, err
}

func TestTrackerCounts(t *testing.T) {
	d, problems := project.ParseDomain([]byte(`version: "3.1"`), "")
	require.NoError(t, problems.Err())
	f, oops := tracker.NewFactory(d), errors.New("broken on purpose")
	s := Trackers(&scripted{memory.New(), []error{nil, nil, stores.ErrConflict, &stores.SpooledError{}, oops}})
	for _, partial := range []bool{false, true, false, false, false} {
		_, _ = s.Save(t.Context(), stores.Turn{Tracker: f.New("u"), Partial: partial})
	}
	_, _ = s.Load(t.Context(), f, "u")
	_, _ = s.LoadAll(t.Context(), f, "u")
	_, _ = s.IDs(t.Context(), stores.Query{}, "", 0)
	_, _ = s.Delete(t.Context(), "u")
	require.Nil(t, s.Timers())
	require.Equal(t, `parley_turns_total 2
parley_conflicts_total 1
parley_turns_spooled_total 1
parley_store_seconds_sum{operation="load"} T
parley_store_seconds_count{operation="load"} 2
parley_store_seconds_sum{operation="save"} T
parley_store_seconds_count{operation="save"} 5
parley_store_seconds_sum{operation="other"} T
parley_store_seconds_count{operation="other"} 2
parley_store_errors_total{operation="load"} 0
parley_store_errors_total{operation="save"} 2
parley_store_errors_total{operation="other"} 0
`, written(s.Metrics))
}

// away is a lock store that is out of reach.
type away struct{ stores.Locker }

func (away) Lock(context.Context, string) (func(), error) { return nil, stores.ErrUnavailable }

func TestLocks(t *testing.T) {
	l := Locks(locks.New())
	unlock, err := l.Lock(t.Context(), "u")
	require.NoError(t, err)
	short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err = l.Lock(short, "u")
	require.ErrorIs(t, err, stores.ErrLockNotAcquired)
	time.AfterFunc(2*waited, unlock)
	unlock, err = l.Lock(t.Context(), "u")
	require.NoError(t, err)
	unlock()
	require.Equal(t, `parley_lock_seconds_sum T
parley_lock_seconds_count 3
parley_lock_waits_total 1
parley_lock_timeouts_total 1
parley_lock_unavailable_total 0
`, written(l.Metrics))
	l = Locks(away{})
	_, err = l.Lock(t.Context(), "u")
	require.Error(t, err)
	require.Contains(t, written(l.Metrics), "timeouts_total 0\nparley_lock_unavailable_total 1\n")
}

func TestTimers(t *testing.T) {
	m := Timers(timers.New())
	now := time.Now()
	for name, due := range map[string]time.Time{"late": now.Add(-2 * time.Second), "soon": now.Add(-time.Millisecond), "later": now.Add(time.Hour)} {
		require.NoError(t, m.Set(t.Context(), stores.Timer{SenderID: "u", Name: name, ID: name, Due: due}))
	}
	for _, at := range []time.Time{now, now.Add(time.Minute)} {
		list, err := m.Claim(t.Context(), at, time.Second, 10)
		require.NoError(t, err)
		require.Len(t, list, 2)
	}
	require.Equal(t, `parley_timers_fired_total 2
parley_timers_late_total 1
parley_timers_retried_total 2
parley_timer_errors_total 0
`, written(m.Metrics))
}

// fakeBroker and fakeInbox fail when err says so.
type fakeBroker struct {
	stores.Broker
	err error
}

func (f *fakeBroker) Publish(context.Context, []stores.Publication) error { return f.err }
func (f *fakeBroker) Forget(context.Context, string) error                { return f.err }

type fakeInbox struct {
	stores.Inbox
	err error
}

func (f *fakeInbox) Put(_ context.Context, m stores.Envelope) (bool, error) {
	return m.ID == "again", f.err
}

func (f *fakeInbox) Run(ctx context.Context, handle func(context.Context, stores.Envelope) error) error {
	return errors.Join(handle(ctx, stores.Envelope{}), handle(ctx, stores.Envelope{ID: "bad"}))
}

func TestBrokersAndInbox(t *testing.T) {
	broker, inbox, oops := &fakeBroker{}, &fakeInbox{}, errors.New("broken on purpose")
	b, i := &Broker{Broker: broker, Name: "file"}, &Inbox{Inbox: inbox}
	list := []stores.Publication{{Events: make([]tracker.Event, 3)}, {Events: make([]tracker.Event, 2)}}
	require.NoError(t, b.Publish(t.Context(), list))
	require.NoError(t, b.Forget(t.Context(), "u"))
	for _, id := range []string{"a", "again"} {
		_, err := i.Put(t.Context(), stores.Envelope{ID: id})
		require.NoError(t, err)
	}
	broker.err, inbox.err = oops, oops
	require.ErrorIs(t, b.Publish(t.Context(), list), oops)
	require.ErrorIs(t, b.Forget(t.Context(), "u"), oops)
	_, err := i.Put(t.Context(), stores.Envelope{})
	require.ErrorIs(t, err, oops)
	require.ErrorIs(t, i.Run(t.Context(), func(_ context.Context, m stores.Envelope) error {
		if m.ID == "bad" {
			return oops
		}
		return nil
	}), oops)
	require.Equal(t, `parley_broker_events_total{broker="file"} 5
parley_broker_errors_total{broker="file"} 2
parley_inbox_messages_total{result="accepted"} 1
parley_inbox_messages_total{result="duplicate"} 1
parley_inbox_messages_total{result="error"} 1
parley_inbox_handled_total{result="ok"} 1
parley_inbox_handled_total{result="error"} 1
`, written(func(w *metrics.Writer) {
		Brokers(w, []*Broker{b})
		i.Metrics(w)
	}))
}
