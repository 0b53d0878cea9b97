package dialogue

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/actions"
	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// meddler is a store in which something happens before a turn is stored.
type meddler struct {
	stores.TrackerStore
	before func(turn stores.Turn) error
	saved  []stores.Turn
}

func (m *meddler) Save(ctx context.Context, turn stores.Turn) (stores.Position, error) {
	if f := m.before; f != nil {
		m.before = nil
		if err := f(turn); err != nil {
			return stores.Position{}, err
		}
	}
	m.saved = append(m.saved, turn)
	return m.TrackerStore.Save(ctx, turn)
}

func newMeddled(t *testing.T, next map[string]string, change ...func(*Config)) (*bench, *meddler) {
	m := &meddler{}
	b := newBench(t, testDomain, next, append(change, func(c *Config) {
		m.TrackerStore = c.Store
		c.Store = m
	})...)
	return b, m
}

// send sends a message with an id and returns the answers.
func (b *bench) send(id, text string) []string {
	b.t.Helper()
	require.NoError(b.t, b.Handle(b.t.Context(), &channels.UserMessage{
		Text: text, SenderID: "u", InputChannel: "rest", MessageID: id, Output: b.out,
	}))
	return b.out.take()
}

func TestTurnIsRunAgainAfterAConflict(t *testing.T) {
	b, m := newMeddled(t, map[string]string{"greet": "utter_greet"})
	b.say("chitchat")
	m.before = func(stores.Turn) error { // another node is faster
		require.Empty(t, b.out.take(), "nothing is said before it is stored")
		b.SetModel(b.model)
		conv, err := b.store.Load(t.Context(), b.model.Trackers, "u")
		require.NoError(t, err)
		other := stores.Turn{Tracker: conv.Tracker, Known: len(conv.Tracker.Events()), At: conv.At}
		conv.Tracker.Update(&tracker.SlotSet{Base: tracker.Base{Timestamp: 1}, Key: "dish", Value: "soup"})
		_, err = b.store.Save(t.Context(), other)
		return err
	}
	require.Equal(t, []string{"Hello"}, b.say("greet"))
	require.Equal(t, []string{"utter_greet", "bot Hello", "action_listen"}, b.after("greet"))
	require.Equal(t, "soup", b.tracker().Slot("dish"))
}

func TestStoreThatIsAway(t *testing.T) {
	b, m := newMeddled(t, map[string]string{"greet": "utter_greet"})
	b.say("chitchat")
	before := len(b.stored())
	m.before = func(stores.Turn) error { return stores.ErrUnavailable }
	err := b.Handle(t.Context(), &channels.UserMessage{Text: "greet", SenderID: "u", Output: b.out})
	require.ErrorIs(t, err, stores.ErrUnavailable)
	require.True(t, Later(err))
	require.Len(t, b.stored(), before)
	require.Equal(t, []string{"Hello"}, b.say("greet"))
}

func TestMessageThatComesAgain(t *testing.T) {
	b, m := newMeddled(t, map[string]string{"greet": "utter_greet", "order": "utter_done"})
	require.Equal(t, []string{"Hello"}, b.send("m1", "greet"))
	require.Equal(t, []string{"Done"}, b.send("m2", "order"))
	n := len(b.stored())
	require.Equal(t, []string{"Hello"}, b.send("m1", "greet"))
	require.Equal(t, []string{"Done"}, b.send("m2", "order"))
	require.Len(t, b.stored(), n)

	// The write takes place and the answer to it is lost: the turn finds itself stored.
	m.before = func(turn stores.Turn) error {
		_, err := b.store.Save(t.Context(), turn)
		return errors.Join(err, stores.ErrConflict)
	}
	require.Equal(t, []string{"Hello"}, b.say("greet"))
	require.Equal(t, []string{"utter_greet", "bot Hello", "action_listen"}, b.after("greet"))
	require.Len(t, b.stored(), n+4)
}

// ids keeps the ids of what is sent, by a channel that shows messages at once.
type ids struct {
	collector
	sent []string
}

func (o *ids) Send(ctx context.Context, to string, m *value.Map) error {
	o.sent = append(o.sent, channels.MessageID(ctx))
	return o.collector.Send(ctx, to, m)
}

func TestAnswersHaveTheSameIDsAgain(t *testing.T) {
	b, _ := newMeddled(t, map[string]string{"greet": "utter_greet", "greet utter_greet": "utter_done"})
	out := &ids{}
	for range 2 {
		require.NoError(t, b.Handle(t.Context(), &channels.UserMessage{Text: "greet", SenderID: "u", MessageID: "m", Output: out}))
	}
	require.Len(t, out.sent, 4)
	require.NotEmpty(t, out.sent[0])
	require.NotEqual(t, out.sent[0], out.sent[1])
	require.Equal(t, out.sent[:2], out.sent[2:])
}

// TestSlowAction lets the bot say something, then run an action that is slow, and fail or end in the middle.
func TestSlowAction(t *testing.T) {
	next := map[string]string{"order": "utter_greet", "order utter_greet": "action_cook"}
	slow := func(c *Config) {
		c.AfterFunc = func(d time.Duration, f func()) func() bool { return time.AfterFunc(d/100, f).Stop }
	}
	b, m := newMeddled(t, next, slow)
	release, said := make(chan struct{}), []string(nil)
	b.runner.do["action_cook"] = func(tr *tracker.Tracker) (*actions.Result, error) {
		<-release
		return &actions.Result{}, nil
	}
	done := make(chan error)
	go func() {
		done <- b.Handle(t.Context(), &channels.UserMessage{Text: "order", SenderID: "u", MessageID: "m", Output: b.out})
	}()
	require.Eventually(t, func() bool { said = append(said, b.out.take()...); return len(said) == 1 }, 10*time.Second, time.Millisecond)
	require.Equal(t, []string{"utter_greet", "bot Hello"}, b.after("order"), "what was said is stored")
	close(release)
	require.NoError(t, <-done)
	require.Equal(t, []string{"utter_greet", "bot Hello", "action_cook", "action_listen"}, b.after("order"))
	require.Len(t, m.saved, 2)
	require.NotEqual(t, m.saved[0].ID, m.saved[1].ID)
	require.True(t, m.saved[0].Partial)
}

func TestTurnThatEndedInTheMiddleGoesOn(t *testing.T) {
	b, _ := newMeddled(t, map[string]string{"order": "utter_greet", "order utter_greet": "action_cook"})
	f := b.model.Trackers
	half := f.New("u")
	require.Equal(t, []string{"Hello"}, b.send("m", "order"))
	for _, e := range b.stored() {
		if a, ok := e.(*tracker.ActionExecuted); ok && a.Name == "action_cook" {
			break
		}
		half.Update(e)
	}
	at := b.tracker()
	_, err := b.store.Save(t.Context(), stores.Turn{Tracker: half, At: stores.Position{Count: len(at.Events())}, Replace: true})
	require.NoError(t, err)
	require.Equal(t, []string{"Hello"}, b.send("m", "order"))
	require.Equal(t, []string{"utter_greet", "bot Hello", "action_cook", "action_listen"}, b.after("order"))
}

// delivered keeps what an outbox is given.
type delivered struct{ commits []stores.Commit }

func (d *delivered) Deliver(c stores.Commit, _ []string) { d.commits = append(d.commits, c) }

func TestCommitsAreDelivered(t *testing.T) {
	for _, c := range []struct {
		name string
		all  bool
		want int
	}{{"with brokers every commit", true, 2}, {"without those that set timers", false, 1}} {
		t.Run(c.name, func(t *testing.T) {
			box := &delivered{}
			b, m := newMeddled(t, map[string]string{"order": "action_remind"}, func(cfg *Config) { cfg.Outbox, cfg.PublishAll = box, c.all })
			b.runner.do["action_remind"] = func(*tracker.Tracker) (*actions.Result, error) {
				return &actions.Result{Events: []tracker.Event{&tracker.ReminderScheduled{Intent: "ask", Name: "r",
					DateTime: b.clock.Now().Add(time.Minute).Format(time.RFC3339)}}}, nil
			}
			b.say("greet")
			b.say("order")
			require.Len(t, box.commits, c.want)
			last := box.commits[len(box.commits)-1]
			require.True(t, last.Fresh)
			require.Equal(t, m.saved[len(m.saved)-1].ID, last.ID)
			require.True(t, m.saved[len(m.saved)-1].Deliver)
			list, err := b.cfg.Timers.List(t.Context(), "u")
			require.NoError(t, err)
			require.Empty(t, list, "the outbox has it done")
			for range 2 { // delivered twice it is one timer
				require.NoError(t, b.SetTimers(t.Context(), last))
			}
			list, err = b.cfg.Timers.List(t.Context(), "u")
			require.NoError(t, err)
			require.Len(t, list, 1)
		})
	}
}

// TestReminderThatMayHaveRun delivers the commit of a reminder again when it has run, as a node does that was stopped.
func TestReminderThatMayHaveRun(t *testing.T) {
	box := &delivered{}
	b, _ := newMeddled(t, map[string]string{"order": "action_remind", "ask": "utter_greet"}, func(cfg *Config) { cfg.Outbox = box })
	b.runner.do["action_remind"] = func(*tracker.Tracker) (*actions.Result, error) {
		return &actions.Result{Events: []tracker.Event{&tracker.ReminderScheduled{Intent: "ask", Name: "r",
			DateTime: b.clock.Now().Add(time.Minute).Format(time.RFC3339)}}}, nil
	}
	b.say("order")
	require.NoError(t, b.SetTimers(t.Context(), box.commits[0]))
	b.advance(2 * time.Minute)
	require.Equal(t, []string{"Hello"}, b.out.take())
	n := len(b.stored())
	require.NoError(t, b.SetTimers(t.Context(), box.commits[0]))
	b.advance(2 * time.Minute)
	require.Len(t, b.stored(), n, "it is not run twice")
}
