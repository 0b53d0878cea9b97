package replay

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/parleybot/parley/internal/value"
)

// Target is the server under test. Call sends a request, with body as JSON unless it is nil, and returns the status and
// the answer: a JSON value, or the text as a string when it is no JSON.
type Target interface {
	Call(ctx context.Context, method, path string, body any) (status int, answer any, err error)
}

// Player replays conversations.
type Player struct {
	Target Target
	Stub   *Stub
	// Tolerance is how far numbers may differ, relatively. Default 1e-6.
	Tolerance float64
	// Sleep waits between turns. Default: time.Sleep.
	Sleep func(time.Duration)
	// OnlyEvents compares the tracker and what the action server is asked, but no replies, predictions and stories: for
	// targets that have no channel and no policies.
	OnlyEvents bool
}

const defaultTolerance = 1e-6

// Replay plays a conversation. The error is a *Difference when the server answered something else than was recorded.
func (p *Player) Replay(ctx context.Context, c *Conversation) error {
	r := &run{Player: p, c: c, base: "/conversations/" + c.SenderID}
	p.Stub.expect(c)
	for i := range c.Turns {
		if err := r.turn(ctx, i, &c.Turns[i]); err != nil {
			return err
		}
	}
	return r.end(ctx)
}

// run is the replay of one conversation.
type run struct {
	*Player
	c    *Conversation
	base string
	seen []any
}

func (r *run) differ(want, got any, path string) error {
	tolerance := r.Tolerance
	if tolerance == 0 {
		tolerance = defaultTolerance
	}
	if d := Differ(want, got, path, tolerance); d != nil {
		return d
	}
	return nil
}

func (r *run) turn(ctx context.Context, i int, t *Turn) error {
	var err error
	at := fmt.Sprintf("turn %d", i)
	switch {
	case t.Send != nil:
		err = r.send(ctx, t, fmt.Sprintf("%s %q", at, t.Send.Value("message")))
	case t.API != nil:
		err = r.api(ctx, t, at+" "+t.API.String("path"))
	case r.Sleep != nil:
		r.Sleep(time.Duration(t.Sleep * float64(time.Second)))
	default:
		time.Sleep(time.Duration(t.Sleep * float64(time.Second)))
	}
	if err != nil {
		return err
	}
	events, err := r.events(ctx)
	if err != nil {
		return err
	}
	continues := len(events) >= len(r.seen) && Differ(r.seen, events[:len(r.seen)], "", 0) == nil
	fresh := events
	if continues {
		fresh = events[len(r.seen):]
	}
	r.seen = events
	return r.differ(value.NewMap("reset", t.Reset, "events", orEmpty(t.Events)), value.NewMap("reset", !continues, "events", fresh), at)
}

func orEmpty(l []any) []any {
	if l == nil {
		return []any{}
	}
	return l
}

func (r *run) send(ctx context.Context, t *Turn, at string) error {
	status, replies, err := r.Target.Call(ctx, "POST", "/webhooks/rest/webhook", t.Send.Clone().Set("sender", r.c.SenderID))
	if err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	if r.OnlyEvents {
		return nil
	}
	return r.differ(value.NewMap("status", t.Status, "replies", t.Replies), value.NewMap("status", int64(status), "replies", replies), at)
}

func (r *run) api(ctx context.Context, t *Turn, at string) error {
	path := strings.ReplaceAll(t.API.String("path"), "{id}", r.c.SenderID)
	status, answer, err := r.Target.Call(ctx, t.API.String("method"), path, t.API.Value("body"))
	if err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	if r.OnlyEvents {
		return nil
	}
	if m, ok := answer.(*value.Map); ok {
		shown := m.Clone()
		for _, key := range []string{"events", "tracker", "latest_event_time"} {
			shown.Delete(key)
		}
		answer = scrub(shown)
	}
	return r.differ(value.NewMap("status", t.Status, "answer", t.Answer), value.NewMap("status", int64(status), "answer", answer), at)
}

func (r *run) tracker(ctx context.Context) (*value.Map, error) {
	_, answer, err := r.Target.Call(ctx, "GET", r.base+"/tracker?include_events=ALL", nil)
	if err != nil {
		return nil, fmt.Errorf("reading the tracker of %q: %w", r.c.SenderID, err)
	}
	m, ok := answer.(*value.Map)
	if !ok {
		return nil, &Difference{"tracker", "an object", short(answer)}
	}
	return m, nil
}

func (r *run) events(ctx context.Context) ([]any, error) {
	m, err := r.tracker(ctx)
	if err != nil {
		return nil, err
	}
	events, _ := scrub(orEmpty(m.List("events"))).([]any)
	return events, nil
}

// end compares what the API shows of the whole conversation, and what the action server was asked.
func (r *run) end(ctx context.Context) error {
	t, err := r.tracker(ctx)
	if err != nil {
		return err
	}
	t = t.Clone()
	t.Delete("events")
	t.Delete("sender_id")
	if err := r.differ(r.c.Tracker, scrub(t), "tracker"); err != nil {
		return err
	}
	if !r.OnlyEvents {
		if err := r.views(ctx); err != nil {
			return err
		}
	}
	want := make([]any, len(r.c.Actions))
	for i := range want {
		want[i] = r.c.Actions[i].Request
	}
	return r.differ(want, orEmpty(r.Stub.take(r.c.SenderID)), "action requests")
}

// views compares the prediction and, if it was recorded, the story of the whole conversation.
func (r *run) views(ctx context.Context) error {
	status, answer, err := r.Target.Call(ctx, "POST", r.base+"/predict", nil)
	if err != nil {
		return fmt.Errorf("predicting for %q: %w", r.c.SenderID, err)
	}
	if m, ok := answer.(*value.Map); ok {
		m = m.Clone()
		m.Delete("tracker")
		answer = m
	}
	if err := r.differ(r.c.Predict, value.NewMap("status", int64(status), "answer", scrub(answer)), "predict"); err != nil {
		return err
	}
	if r.c.Story == nil {
		return nil
	}
	status, answer, err = r.Target.Call(ctx, "GET", r.base+"/story", nil)
	if err != nil {
		return fmt.Errorf("reading the story of %q: %w", r.c.SenderID, err)
	}
	return r.differ(r.c.Story, value.NewMap("status", int64(status), "answer", answer), "story")
}
