package redis_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/stores"
)

// model is what a conversation should be.
type model struct {
	events  []tracker.Event
	commits []stores.Commit
	// changes counts what made older positions wrong.
	changes int
}

// lastSession is what a node should load.
func (m *model) lastSession() []tracker.Event {
	for i := len(m.events) - 1; i > 0; i-- {
		if a, ok := m.events[i].(*tracker.ActionExecuted); ok && a.Name == tracker.ActionSessionStart {
			return m.events[i:]
		}
	}
	return m.events
}

// pending is a turn that a node has not saved yet.
type pending struct {
	node    stores.TrackerStore
	turn    stores.Turn
	added   []tracker.Event
	changes int
}

// TestRandomNodes lets three nodes do what comes to their minds, and compares every step with a model.
func TestRandomNodes(t *testing.T) {
	for name, more := range map[string][]any{
		"off":      {"segments", "off"},
		"sessions": {"segment_events", int64(25)},
		"always":   {"segments", "always", "segment_events", int64(25)},
	} {
		for seed := range uint64(4) {
			t.Run(fmt.Sprint(name, " ", seed), func(t *testing.T) {
				r := rand.New(rand.NewPCG(seed, 5)) //nolint:gosec // repeatable on purpose
				w := newWorld(t, more...)
				nodes := []stores.TrackerStore{w.node(), w.node(), w.node()}
				m := &model{}
				var waiting []pending
				for step := range 150 {
					node := nodes[r.IntN(len(nodes))]
					switch dice := r.IntN(100); {
					case dice < 55:
						p := w.plan(r, m, node, step)
						if r.IntN(4) == 0 {
							waiting = append(waiting, p)
							continue
						}
						w.finish(m, p)
					case dice < 70 && len(waiting) > 0:
						i := r.IntN(len(waiting))
						w.finish(m, waiting[i])
						waiting = slices.Delete(waiting, i, i+1)
					case dice < 80:
						w.settleSome(r, m, node)
					case dice < 82:
						n, err := node.Delete(t.Context(), "u")
						require.NoError(t, err)
						require.Equal(t, len(m.events), n)
						*m = model{changes: m.changes + 1}
					case dice < 84 && len(m.events) > 0:
						w.replaceSome(m, node)
					default:
						w.compare(m, node)
					}
				}
				w.compare(m, w.node())
			})
		}
	}
}

// plan prepares a turn.
func (w *world) plan(r *rand.Rand, m *model, node stores.TrackerStore, step int) pending {
	w.t.Helper()
	added := w.clock.turn(fmt.Sprint("turn ", step))
	if r.IntN(7) == 0 {
		added = append(w.clock.session(), added...)
	}
	p := pending{node: node, turn: w.turn(node, added...), added: added, changes: m.changes}
	p.turn.ID, p.turn.Deliver = fmt.Sprint("c", step), r.IntN(2) == 0
	return p
}

// finish saves a turn, perhaps twice.
func (w *world) finish(m *model, p pending) {
	w.t.Helper()
	at, err := p.node.Save(w.t.Context(), p.turn)
	isGone := p.turn.At.Token == nil && len(m.events) == 0 // it was not there when the turn began, and is not there again
	if p.changes != m.changes && !isGone {
		require.ErrorIs(w.t, err, stores.ErrConflict)
		return
	}
	require.NoError(w.t, err)
	m.changes++
	m.events = append(m.events[:len(m.events):len(m.events)], p.added...)
	require.Equal(w.t, len(m.events), at.Count)
	if p.turn.Deliver {
		m.commits = append(m.commits, stores.Commit{ID: p.turn.ID, Events: p.added})
	}
	again, err := p.node.Save(w.t.Context(), p.turn)
	require.NoError(w.t, err)
	require.Equal(w.t, at.Count, again.Count)
}

func (w *world) settleSome(r *rand.Rand, m *model, node stores.TrackerStore) {
	w.t.Helper()
	var done []stores.CommitRef
	m.commits = slices.DeleteFunc(m.commits, func(c stores.Commit) bool {
		settle := r.IntN(2) == 0
		if settle {
			done = append(done, stores.CommitRef{SenderID: "u", ID: c.ID})
		}
		return settle
	})
	require.NoError(w.t, node.(stores.Outbox).Settle(w.t.Context(), done))
}

// replaceSome drops the first event of the conversation.
func (w *world) replaceSome(m *model, node stores.TrackerStore) {
	w.t.Helper()
	m.events = m.events[1:]
	m.changes++
	turn := stores.Turn{Tracker: w.f.FromEvents("u", m.events), At: w.load(node).At, Replace: true}
	_, err := node.Save(w.t.Context(), turn)
	require.NoError(w.t, err)
}

func (w *world) compare(m *model, node stores.TrackerStore) {
	w.t.Helper()
	c := w.load(node)
	requireEvents(w.t, maps(m.lastSession()), c.Tracker.Events())
	require.Equal(w.t, len(m.events), c.At.Count)
	if len(m.events) > 0 {
		requireEvents(w.t, maps(m.events), w.all(node))
	}
	commits, err := node.(stores.Outbox).UnsettledOf(w.t.Context(), "u")
	require.NoError(w.t, err)
	require.Len(w.t, commits, len(m.commits))
	require.Len(w.t, c.Unsettled, len(m.commits))
	for i, want := range m.commits {
		require.Equal(w.t, want.ID, commits[i].ID)
		require.Equal(w.t, want.ID, c.Unsettled[i])
		requireEvents(w.t, maps(want.Events), commits[i].Events)
	}
}
