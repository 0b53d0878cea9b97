//go:build mixed

package mixed

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

// turnLimit is how long a turn may take. A Rasa node waits up to 60 s for a lock that another one left behind.
const turnLimit = 3 * time.Minute

// conversation is one to be played.
type conversation struct {
	Name  string `yaml:"name"`
	Turns []struct {
		User *string `yaml:"user"`
		Wait float64 `yaml:"sleep"`
		API  *struct {
			Method string `yaml:"method"`
			Path   string `yaml:"path"`
			Body   any    `yaml:"body"`
		} `yaml:"api"`
	} `yaml:"turns"`
}

func loadConversations(t *testing.T, path string) []conversation {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var file struct {
		Conversations []conversation `yaml:"conversations"`
	}
	require.NoError(t, yaml.Unmarshal(text, &file))
	require.NotEmpty(t, file.Conversations, path)
	return file.Conversations
}

// pool is nodes that share their stores.
type pool struct {
	nodes  []*node
	client *http.Client
	mu     sync.Mutex
	turns  map[string]int // by kind of node
	// gap is the longest time from a turn's begin to that of the next which did not wait.
	gap time.Duration
}

func newPool(nodes []*node) *pool {
	return &pool{nodes: nodes, client: &http.Client{Timeout: turnLimit}, turns: map[string]int{}}
}

// played is what came of a conversation.
type played struct {
	answers []any // one a turn
	err     error
}

// playAll plays conversations, each under the id that senderID gives, and returns what came of them.
func (p *pool) playAll(ctx context.Context, list []conversation, seed uint64) []played {
	out := make([]played, len(list))
	var wg sync.WaitGroup
	slots := make(chan struct{}, 20) // so many at a time: their waits overlap
	for i := range list {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			draw := rand.New(rand.NewPCG(seed, uint64(i)))
			out[i].answers, out[i].err = p.play(ctx, &list[i], senderID(i), draw)
		})
	}
	wg.Wait()
	return out
}

func senderID(i int) string { return fmt.Sprintf("mixed-%03d", i) }

// play plays a conversation. The node changes with every turn: to one of the others, drawn.
func (p *pool) play(ctx context.Context, c *conversation, sender string, draw *rand.Rand) ([]any, error) {
	var answers []any
	at, last := draw.IntN(len(p.nodes)), time.Time{}
	for i, turn := range c.Turns {
		if turn.Wait > 0 {
			time.Sleep(time.Duration(turn.Wait * float64(time.Second)))
			last = time.Time{}
			continue
		}
		at = (at + 1 + draw.IntN(len(p.nodes)-1)) % len(p.nodes)
		n := p.nodes[at]
		p.count(n, last)
		last = time.Now()
		var answer any
		var err error
		switch {
		case turn.User != nil:
			answer, err = p.say(ctx, n, sender, *turn.User)
		case turn.API != nil:
			path := strings.ReplaceAll(turn.API.Path, "{id}", url.PathEscape(sender))
			answer, err = p.call(ctx, turn.API.Method, n.url+path, turn.API.Body)
			var refused *statusError
			if errors.As(err, &refused) { // so do the others, or the answers differ
				answer, err = map[string]any{"status": float64(refused.status)}, nil
			}
		default:
			err = fmt.Errorf("neither user, sleep nor api")
		}
		if err != nil {
			return answers, fmt.Errorf("%s, turn %d at %s: %w", c.Name, i, n.name, err)
		}
		answers = append(answers, answer)
	}
	return answers, nil
}

// count notes a turn at a node; the one before began at last.
func (p *pool) count(n *node, last time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turns[n.name]++
	if !last.IsZero() {
		p.gap = max(p.gap, time.Since(last))
	}
}

func (p *pool) say(ctx context.Context, n *node, sender, text string) (any, error) {
	return p.call(ctx, http.MethodPost, n.url+"/webhooks/rest/webhook", map[string]any{"sender": sender, "message": text})
}

// tracker reads a conversation with all its sessions.
func (p *pool) tracker(ctx context.Context, n *node, sender string) (map[string]any, error) {
	v, err := p.call(ctx, http.MethodGet, n.url+"/conversations/"+url.PathEscape(sender)+"/tracker?include_events=ALL", nil)
	if err != nil {
		return nil, fmt.Errorf("reading %s at %s: %w", sender, n.name, err)
	}
	tracker, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s says of %s: %v", n.name, sender, v)
	}
	return tracker, nil
}

// statusError is an answer that is not 200.
type statusError struct {
	status int
	text   string
}

func (e *statusError) Error() string { return fmt.Sprintf("status %d: %s", e.status, e.text) }

// call makes a request and returns the JSON that answers it.
func (p *pool) call(ctx context.Context, method, address string, body any) (any, error) {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := p.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, &statusError{resp.StatusCode, string(answer)}
	}
	var v any
	if err := json.Unmarshal(answer, &v); err != nil {
		return nil, fmt.Errorf("%w in %s", err, answer)
	}
	return v, nil
}
