package replay

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/parleybot/parley/internal/value"
)

// Player plays conversations against a server, to record them or to compare them with a recording. It may be used for
// several conversations at a time.
type Player struct {
	Target Target
	// Stub is the action server of Target while it is compared.
	Stub *Stub
	// Tolerance is how far numbers may differ, relatively or absolutely. Default 1e-6.
	Tolerance float64
	// Sleep waits between turns. Default: until the time is over or the context ends.
	Sleep func(time.Duration)
	// OnlyEvents compares the tracker and what the action server is asked, but no replies, predictions and stories: for
	// targets that have no channel and no policies.
	OnlyEvents bool
}

const defaultTolerance = 1e-6

// Replay plays a recorded conversation. The error is a *Difference when the server did something else than was recorded.
func (p *Player) Replay(ctx context.Context, c *Conversation) error {
	p.Stub.expect(c)
	r := &run{Player: p, sender: c.SenderID}
	for i, turn := range c.Turns {
		got, err := r.turn(ctx, turn)
		if err != nil {
			return fmt.Errorf("turn %d: %w", i, err)
		}
		if err := r.differ(fmt.Sprintf("turn %d%s", i, title(turn)), r.compared(turn), r.compared(got)); err != nil {
			return err
		}
	}
	got := &Conversation{}
	if err := r.end(ctx, got); err != nil {
		return err
	}
	return r.compareEnds(c, got)
}

func (r *run) compareEnds(c, got *Conversation) error {
	if err := r.differ("tracker", c.Tracker, got.Tracker); err != nil {
		return err
	}
	if !r.OnlyEvents {
		if err := r.differ("predict", c.Predict, got.Predict); err != nil {
			return err
		}
		if err := r.differ("story", c.Story, got.Story); err != nil {
			return err
		}
	}
	requests := make([]any, len(c.Actions))
	for i, e := range c.Actions {
		requests[i] = e.Value("request")
	}
	return r.differ("action requests", requests, r.Stub.requests(c.SenderID))
}

// run is one conversation being played.
type run struct {
	*Player
	sender string
	seen   []any
}

func (r *run) differ(path string, want, got any) error {
	tolerance := r.Tolerance
	if tolerance == 0 {
		tolerance = defaultTolerance
	}
	if d := Differ(want, got, path, tolerance); d != nil {
		return d
	}
	return nil
}

// compared returns what of a turn is compared.
func (r *run) compared(turn *value.Map) *value.Map {
	if r.OnlyEvents {
		return value.NewMap("reset", turn.Value("reset"), "events", turn.Value("events"))
	}
	return turn
}

// title names a turn in a difference.
func title(turn *value.Map) string {
	switch {
	case turn.Has("send"):
		return " " + quote(turn.Map("send").Value("message"))
	case turn.Has("api"):
		return " " + turn.Map("api").String("path")
	}
	return ""
}

// turn plays one turn and returns it with what the server did.
func (r *run) turn(ctx context.Context, turn *value.Map) (*value.Map, error) {
	out := &value.Map{}
	switch {
	case turn.Has("sleep"):
		out.Set("sleep", turn.Value("sleep"))
		if err := r.pause(ctx, turn.Value("sleep")); err != nil {
			return nil, err
		}
	case turn.Has("api"):
		if err := r.api(ctx, turn.Map("api"), out); err != nil {
			return nil, err
		}
	default:
		body := turn.Map("send").Clone().Set("sender", r.sender)
		status, replies, err := r.Target.Call(ctx, http.MethodPost, "/webhooks/rest/webhook", body)
		if err != nil {
			return nil, err
		}
		out.Set("send", turn.Map("send")).Set("status", int64(status)).Set("replies", replies)
	}
	t, err := r.tracker(ctx)
	if err != nil {
		return nil, err
	}
	now, ok := scrub(t.Value("events")).([]any)
	if !ok {
		now = []any{}
	}
	reset, fresh := newEvents(r.seen, now)
	r.seen = now
	return out.Set("reset", reset).Set("events", fresh), nil
}

func (r *run) pause(ctx context.Context, seconds any) error {
	s, ok := value.ToFloat(seconds)
	if !ok {
		return fmt.Errorf("sleep: want seconds, got %s", quote(seconds))
	}
	d := time.Duration(s * float64(time.Second))
	if r.Sleep != nil {
		r.Sleep(d)
		return nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func (r *run) api(ctx context.Context, api, out *value.Map) error {
	path := strings.ReplaceAll(api.String("path"), "{id}", r.sender)
	status, answer, err := r.Target.Call(ctx, api.String("method"), path, api.Value("body"))
	if err != nil {
		return err
	}
	out.Set("api", api).Set("status", int64(status))
	if m, ok := answer.(*value.Map); ok {
		answer = scrub(without(m, "events", "tracker", "latest_event_time"))
	}
	out.Set("answer", answer)
	return nil
}

// end notes the final tracker, the next prediction and the story.
func (r *run) end(ctx context.Context, c *Conversation) error {
	t, err := r.tracker(ctx)
	if err != nil {
		return err
	}
	c.Tracker, _ = scrub(without(t, "events", "latest_event_time", "sender_id")).(*value.Map)
	if r.OnlyEvents {
		return nil
	}
	status, answer, err := r.Target.Call(ctx, http.MethodPost, "/conversations/"+r.sender+"/predict", nil)
	if err != nil {
		return fmt.Errorf("predicting for %q: %w", r.sender, err)
	}
	if m, ok := answer.(*value.Map); ok {
		answer = without(m, "tracker")
	}
	c.Predict = value.NewMap("status", int64(status), "answer", scrub(answer))
	status, answer, err = r.Target.Call(ctx, http.MethodGet, "/conversations/"+r.sender+"/story", nil)
	if err != nil {
		return fmt.Errorf("reading the story of %q: %w", r.sender, err)
	}
	c.Story = value.NewMap("status", int64(status), "answer", answer)
	return nil
}

// tracker returns the tracker of the conversation with all its events.
func (r *run) tracker(ctx context.Context) (*value.Map, error) {
	_, answer, err := r.Target.Call(ctx, http.MethodGet, "/conversations/"+r.sender+"/tracker?include_events=ALL", nil)
	if err != nil {
		return nil, fmt.Errorf("reading the tracker of %q: %w", r.sender, err)
	}
	m, ok := answer.(*value.Map)
	if !ok {
		return nil, fmt.Errorf("reading the tracker of %q: it is %s", r.sender, quote(answer))
	}
	return m, nil
}

func without(m *value.Map, keys ...string) *value.Map {
	m = m.Clone()
	for _, key := range keys {
		m.Delete(key)
	}
	return m
}
