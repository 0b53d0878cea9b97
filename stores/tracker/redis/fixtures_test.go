package redis_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/testservers"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
	"github.com/parleybot/parley/stores"
)

func factory(t *testing.T) *tracker.Factory {
	t.Helper()
	text, err := os.ReadFile("testdata/domain.yml")
	require.NoError(t, err)
	d, problems := project.ParseDomain(text, "domain.yml")
	require.NoError(t, problems.Err())
	return tracker.NewFactory(d)
}

// raw is the server as another program sees it.
func raw(t *testing.T, addr string) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: addr})
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// closing closes a store at the end of the test.
func closing(t *testing.T, s stores.TrackerStore) stores.TrackerStore {
	t.Helper()
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func maps(events []tracker.Event) []any {
	list := make([]any, len(events))
	for i, e := range events {
		list[i] = tracker.AsMap(e)
	}
	return list
}

func requireEvents(t *testing.T, want any, got []tracker.Event) {
	t.Helper()
	require.Equal(t, string(value.Encode(want, value.SortKeys)), string(value.Encode(maps(got), value.SortKeys)))
}

// TestRasasValues reads what real Rasa wrote (conformance/stores/redis_tracker.py) and writes the same bytes.
func TestRasasValues(t *testing.T) {
	files, err := filepath.Glob("testdata/*.value")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	addr := testservers.Redis(t)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			stored, err := os.ReadFile(file)
			require.NoError(t, err)
			text, err := os.ReadFile(file[:len(file)-len("value")] + "json")
			require.NoError(t, err)
			want, err := value.DecodeObject(text)
			require.NoError(t, err)
			requireSameValue(t, addr, want.String("sender_id"), stored, want)
		})
	}
}

// requireSameValue gives a store a value to read and to write; want has what Rasa reads in it.
func requireSameValue(t *testing.T, addr, id string, stored []byte, want *value.Map) {
	t.Helper()
	c, f := raw(t, addr), factory(t)
	prefix := newPrefix()
	key := prefix + ":tracker:" + id
	require.NoError(t, c.Set(t.Context(), key, stored, 0).Err())
	s := closing(t, open(t, at(t, addr, "key_prefix", prefix)))
	last, err := s.Load(t.Context(), f, id)
	require.NoError(t, err)
	all, err := s.LoadAll(t.Context(), f, id)
	require.NoError(t, err)
	if want != nil {
		requireEvents(t, want.Value("retrieve"), last.Tracker.Events())
		requireEvents(t, want.Value("full"), all.Tracker.Events())
	}
	events := all.Tracker.Events()

	_, err = s.Save(t.Context(), stores.Turn{Tracker: f.FromEvents(id, events), At: all.At, Replace: true})
	require.NoError(t, err)
	require.Equal(t, string(stored), c.Get(t.Context(), key).Val())

	_, err = s.Delete(t.Context(), id)
	require.NoError(t, err)
	turn := stores.Turn{Tracker: f.New(id)}
	turn.At, err = s.Save(t.Context(), turn)
	require.NoError(t, err)
	for _, e := range events {
		turn.Known = len(turn.Tracker.Events())
		turn.Tracker.Update(e)
		turn.At, err = s.Save(t.Context(), turn)
		require.NoError(t, err)
	}
	require.Equal(t, len(events), turn.At.Count)
	require.Equal(t, string(stored), c.Get(t.Context(), key).Val())
}
