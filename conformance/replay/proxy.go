package replay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/parleybot/parley/internal/value"
)

// Proxy stands between a recorded server and its action server and notes every exchange. It is an http.Handler and may
// be used by several goroutines.
type Proxy struct {
	// Actions is the URL of the action server, .../webhook. Without one every action fails.
	Actions string

	mu    sync.Mutex
	noted map[string][]*value.Map // by sender_id
}

// take returns the exchanges of a conversation since the last call.
func (p *Proxy) take(sender string) []*value.Map {
	p.mu.Lock()
	defer p.mu.Unlock()
	mine := p.noted[sender]
	delete(p.noted, sender)
	return mine
}

// ServeHTTP passes action calls on; everything but POST counts as a health check.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		respond(w, http.StatusOK, value.NewMap("status", "ok"))
		return
	}
	raw, err := readCall(r)
	if err != nil {
		respond(w, http.StatusBadRequest, value.NewMap("error", err.Error(), "action_name", nil))
		return
	}
	status, body, err := p.pass(r.Context(), raw)
	if err != nil {
		status = http.StatusInternalServerError
		body = value.Encode(value.NewMap("error", err.Error(), "action_name", ""), value.JSON)
	}
	if request, err := value.DecodeObject(raw); err == nil {
		p.note(request, status, body)
	}
	respond(w, status, string(body))
}

func (p *Proxy) pass(ctx context.Context, raw []byte) (int, []byte, error) {
	if p.Actions == "" {
		return 0, nil, errors.New("no action server was named")
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.Actions, bytes.NewReader(raw))
	if err != nil {
		return 0, nil, fmt.Errorf("calling the action server: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("calling the action server: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil, fmt.Errorf("reading the action server's answer: %w", err)
	}
	return resp.StatusCode, body, nil
}

func (p *Proxy) note(request *value.Map, status int, body []byte) {
	response := scrub(relativeTimes(decoded(body), time.Now()))
	sender := request.String("sender_id")
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.noted == nil {
		p.noted = make(map[string][]*value.Map)
	}
	p.noted[sender] = append(p.noted[sender], value.NewMap("request", summary(request), "status", int64(status), "response", response))
}

// Record plays turns, each with one of the keys send, api and sleep, for sender and returns what the server did. The
// server's action server must be proxy; nil stands for a server without custom actions.
func (p *Player) Record(ctx context.Context, sender string, turns []*value.Map, proxy *Proxy) (*Conversation, error) {
	r := &run{Player: p, sender: sender}
	out := &Conversation{SenderID: sender}
	for i, turn := range turns {
		played, err := r.turn(ctx, turn)
		if err != nil {
			return nil, fmt.Errorf("turn %d: %w", i, err)
		}
		out.Turns = append(out.Turns, played)
		if proxy == nil {
			continue
		}
		for _, exchange := range proxy.take(sender) {
			out.Actions = append(out.Actions, exchange.Set("turn", int64(i)))
		}
	}
	return out, r.end(ctx, out)
}
