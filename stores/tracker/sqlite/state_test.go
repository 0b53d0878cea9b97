package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
	"github.com/parleybot/parley/stores"
)

// TestSessionsShown compares the two ways of showing conversations: that of Rasa's store in memory, which replays what
// counts and forgets sessions, and that of its SQL store.
func TestSessionsShown(t *testing.T) {
	d, problems := project.ParseDomain([]byte("intents: [greet]\nforms: {f: {required_slots: []}}\n"), "domain.yml")
	require.NoError(t, problems.Err())
	f, at := tracker.NewFactory(d), 0.0
	base := func() tracker.Base { at++; return tracker.Base{Timestamp: at} }
	action := func(name string) tracker.Event { return &tracker.ActionExecuted{Base: base(), Name: name} }
	say := func(text string) tracker.Event {
		u := tracker.NewUserUttered(text, value.NewMap("intent", value.NewMap("name", "greet")), "rest", text, nil)
		u.Base = base()
		return u
	}
	session := func(texts ...string) []tracker.Event {
		events := []tracker.Event{action(tracker.ActionSessionStart), &tracker.SessionStarted{Base: base()}, action(tracker.ActionListen)}
		for i, text := range texts {
			events = append(events, say(text), action("f"))
			if i == 0 {
				events = append(events, &tracker.ActiveLoop{Base: base(), Name: "f"})
			}
			events = append(events, action(tracker.ActionListen))
		}
		return events
	}
	turns := [][]tracker.Event{session("a", "b"), session("c"), {say("d"), action(tracker.ActionListen)}}
	lengths := []int{len(turns[0]), len(turns[0]) + len(turns[1]), len(turns[1]) + len(turns[2])}

	for _, shown := range []string{"last", "all"} {
		t.Run(shown, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "c.db")
			s, err := open(t, "path", path, "sessions", shown)
			require.NoError(t, err)
			total := 0
			for i, added := range turns {
				conv, err := s.Load(t.Context(), f, "u")
				require.NoError(t, err)
				if conv.Tracker == nil {
					conv.Tracker = f.New("u")
				}
				turn := stores.Turn{Tracker: conv.Tracker, Known: len(conv.Tracker.Events()), At: conv.At}
				conv.Tracker.UpdateAll(added)
				_, err = s.Save(t.Context(), turn)
				require.NoError(t, err)
				total += len(added)
				want, latest := total, "b"
				if shown == "last" {
					want, latest = lengths[i], "a" // the message inside the form does not count
				}
				again, err := open(t, "path", path, "sessions", shown)
				require.NoError(t, err)
				for _, node := range []stores.TrackerStore{s, again} {
					all, err := node.LoadAll(t.Context(), f, "u")
					require.NoError(t, err)
					require.Len(t, all.Tracker.Events(), want, "after turn %d", i)
					kept, err := stores.LoadKept(t.Context(), node, f, "u")
					require.NoError(t, err)
					require.Len(t, kept.Tracker.Events(), total)
					if i == 0 {
						conv, err := node.Load(t.Context(), f, "u")
						require.NoError(t, err)
						require.Equal(t, latest, conv.Tracker.State().LatestMessage.Text)
					}
				}
				require.NoError(t, again.Close())
			}
			require.NoError(t, s.Close())
		})
	}
}
