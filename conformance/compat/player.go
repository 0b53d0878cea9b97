package compat

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/parleybot/parley/internal/value"
)

// player plays the turns of one conversation against a server and notes what it does.
type player struct {
	client *Client
	sender string
	seen   []any
}

// step plays one turn (with one of the keys send, api and sleep) and returns it with what the server did.
func (p *player) step(ctx context.Context, turn *value.Map) (*value.Map, error) {
	out := &value.Map{}
	switch {
	case turn.Has("sleep"):
		out.Set("sleep", turn.Value("sleep"))
		if err := pause(ctx, turn.Value("sleep")); err != nil {
			return nil, err
		}
	case turn.Has("api"):
		if err := p.api(ctx, turn.Map("api"), out); err != nil {
			return nil, err
		}
	default:
		body := turn.Map("send").Clone().Set("sender", p.sender)
		status, replies, err := p.client.call(ctx, http.MethodPost, "/webhooks/rest/webhook", body)
		if err != nil {
			return nil, err
		}
		out.Set("send", turn.Map("send")).Set("status", status).Set("replies", replies)
	}
	t, err := p.client.tracker(ctx, p.sender)
	if err != nil {
		return nil, err
	}
	now, _ := scrub(t.List("events")).([]any)
	reset, fresh := newEvents(p.seen, now)
	p.seen = now
	return out.Set("reset", reset).Set("events", fresh), nil
}

func (p *player) api(ctx context.Context, api, out *value.Map) error {
	path := strings.ReplaceAll(api.String("path"), "{id}", p.sender)
	status, answer, err := p.client.call(ctx, api.String("method"), path, api.Value("body"))
	if err != nil {
		return err
	}
	if m, ok := answer.(*value.Map); ok {
		m = m.Clone()
		for _, key := range []string{"events", "tracker", "latest_event_time"} {
			m.Delete(key)
		}
		answer = scrub(m)
	}
	out.Set("api", api).Set("status", status).Set("answer", answer)
	return nil
}

// end notes the final tracker, the next prediction and the story.
func (p *player) end(ctx context.Context, r *Recording) error {
	t, err := p.client.tracker(ctx, p.sender)
	if err != nil {
		return err
	}
	t = t.Clone()
	for _, key := range []string{"events", "latest_event_time", "sender_id"} {
		t.Delete(key)
	}
	r.Tracker, _ = scrub(t).(*value.Map)
	status, answer, err := p.client.call(ctx, http.MethodPost, "/conversations/"+p.sender+"/predict", nil)
	if err != nil {
		return err
	}
	if m, ok := answer.(*value.Map); ok {
		m = m.Clone()
		m.Delete("tracker")
		answer = scrub(m)
	}
	r.Predict = value.NewMap("status", status, "answer", answer)
	status, answer, err = p.client.call(ctx, http.MethodGet, "/conversations/"+p.sender+"/story", nil)
	if err != nil {
		return err
	}
	r.Story = value.NewMap("status", status, "answer", answer)
	return nil
}

func pause(ctx context.Context, seconds any) error {
	s, ok := value.ToFloat(seconds)
	if !ok {
		return fmt.Errorf("sleep: want seconds, got %s", quote(seconds))
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Duration(s * float64(time.Second))):
		return nil
	}
}

// Replay plays a recorded conversation against the server of client, whose action server must be stub, and returns the
// first difference, "" when there is none.
func Replay(ctx context.Context, client *Client, stub *Stub, r *Recording, tolerance float64) (string, error) {
	stub.expect(r.SenderID, r.Actions)
	p := player{client: client, sender: r.SenderID}
	for i, turn := range r.Turns {
		got, err := p.step(ctx, turn)
		if err != nil {
			return "", fmt.Errorf("turn %d: %w", i, err)
		}
		if d := Difference(turn, got, tolerance); d != "" {
			return fmt.Sprintf("turn %d %s%s", i, title(turn), d), nil
		}
	}
	var got Recording
	if err := p.end(ctx, &got); err != nil {
		return "", err
	}
	requests := make([]any, len(r.Actions))
	for i, e := range r.Actions {
		requests[i] = e.Value("request")
	}
	for _, c := range []struct {
		name      string
		want, got any
	}{
		{"tracker", r.Tracker, got.Tracker}, {"predict", r.Predict, got.Predict}, {"story", r.Story, got.Story},
		{"action requests", requests, stub.requests(r.SenderID)},
	} {
		if d := Difference(c.want, c.got, tolerance); d != "" {
			return c.name + d, nil
		}
	}
	return "", nil
}

// title names a turn in a difference.
func title(turn *value.Map) string {
	switch {
	case turn.Has("send"):
		return quote(turn.Map("send").Value("message")) + " "
	case turn.Has("api"):
		return turn.Map("api").String("path") + " "
	}
	return ""
}
