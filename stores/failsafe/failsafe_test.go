package failsafe_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/project"
	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/failsafe"
	"github.com/parleybot/parley/stores/storetest"
	"github.com/parleybot/parley/stores/tracker/memory"
)

func TestStoreThatWorks(t *testing.T) {
	storetest.Trackers(t, func(*testing.T) storetest.Place {
		inner := memory.New()
		return func() stores.TrackerStore { return failsafe.New(inner, memory.New(), slog.New(slog.DiscardHandler)) }
	})
}

// away is a store that is out of reach.
type away struct{ stores.TrackerStore }

func (away) Load(context.Context, *tracker.Factory, string) (stores.Conversation, error) {
	return stores.Conversation{}, stores.ErrUnavailable
}

func (away) LoadAll(context.Context, *tracker.Factory, string) (stores.Conversation, error) {
	return stores.Conversation{}, stores.ErrUnavailable
}

func (away) Save(context.Context, stores.Turn) (stores.Position, error) {
	return stores.Position{}, stores.ErrUnavailable
}

func TestStoreThatIsAway(t *testing.T) {
	d, problems := project.ParseDomain([]byte("{}"), "domain.yml")
	require.NoError(t, problems.Err())
	f, fallback := tracker.NewFactory(d), memory.New()
	s := failsafe.New(away{}, fallback, slog.New(slog.DiscardHandler))
	for range 2 {
		conv, err := s.Load(t.Context(), f, "u")
		require.NoError(t, err)
		require.Nil(t, conv.Tracker, "as in Rasa, what was kept in memory is not read again")
		all, err := s.LoadAll(t.Context(), f, "u")
		require.NoError(t, err)
		require.Nil(t, all.Tracker)
		_, err = s.Save(t.Context(), stores.Turn{Tracker: f.FromEvents("u", []tracker.Event{&tracker.Restarted{}})})
		require.NoError(t, err)
	}
	kept, err := fallback.LoadAll(t.Context(), f, "u")
	require.NoError(t, err)
	require.Len(t, kept.Tracker.Events(), 1)
}
