package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// patience is how long a message may take to be accepted, or to be answered once it was.
	patience = 2 * time.Minute
	// attempt is how long a sender waits for one answer.
	attempt = 15 * time.Second
)

// sender is one user. The messages of an orderly one follow each other, those of a hasty one are sent four at a time.
type sender struct {
	id       string
	number   int
	messages int
	hasty    bool
	callback bool
	rand     *rand.Rand
	run      *run

	mu      sync.Mutex
	answers map[string][]string // by number of the message
}

// post gives a message to a node once and returns what it was answered at once.
func (s *sender) post(ctx context.Context, n *node, number string) (accepted bool, answers []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	body, err := json.Marshal(map[string]any{"sender": s.id, "message": fmt.Sprintf("/say{\"n\": %q}", number), "message_id": "m" + number})
	if err != nil {
		return false, nil, err
	}
	channel := "rest"
	if s.callback {
		channel = "callback"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, n.url+"/webhooks/"+channel+"/webhook", bytes.NewReader(body))
	if err != nil {
		return false, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	s.run.posted.Add(1)
	resp, err := s.run.client.Do(req)
	if err != nil {
		return false, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return false, nil, fmt.Errorf("status %d: %w", resp.StatusCode, err)
	}
	if s.callback {
		return true, nil, nil
	}
	var messages []struct {
		Text string `json:"text"`
	}
	if err := json.Unmarshal(answer, &messages); err != nil {
		return false, nil, err
	}
	for _, m := range messages {
		answers = append(answers, m.Text)
	}
	return len(answers) > 0, answers, nil
}

// send delivers a message until a node accepts it, and sometimes once or twice more.
func (s *sender) send(ctx context.Context, k int, r *rand.Rand) error {
	number := fmt.Sprintf("%d.%d", s.number, k)
	until := time.Now().Add(patience)
	for {
		n := s.run.nodes[r.IntN(len(s.run.nodes))]
		accepted, answers, err := s.post(ctx, n, number)
		if accepted {
			s.keep(number, answers)
			break
		}
		if ctx.Err() != nil || time.Now().After(until) {
			return fmt.Errorf("message %s of %s was never accepted: %w", number, s.id, err)
		}
		s.run.refused.Add(1)
		time.Sleep(time.Duration(20+r.IntN(200)) * time.Millisecond)
	}
	for extra := 0; extra < 2 && r.IntN(20) == 0; extra++ {
		if _, answers, err := s.post(ctx, s.run.nodes[r.IntN(len(s.run.nodes))], number); err == nil {
			s.keep(number, answers)
		}
	}
	if s.callback {
		return s.run.callbacks.await(ctx, s.id, number)
	}
	return nil
}

func (s *sender) keep(number string, answers []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[number] = append(s.answers[number], answers...)
}

// talk sends all messages.
func (s *sender) talk(ctx context.Context) error {
	if !s.hasty {
		for k := 1; k <= s.messages; k++ {
			if err := s.send(ctx, k, s.rand); err != nil {
				return err
			}
		}
		return nil
	}
	var next atomic.Int64
	errs := make(chan error, 4)
	for range cap(errs) {
		r := rand.New(rand.NewPCG(s.rand.Uint64(), 1))
		go func() {
			for {
				k := int(next.Add(1))
				if k > s.messages {
					errs <- nil
					return
				}
				if err := s.send(ctx, k, r); err != nil {
					errs <- err
					return
				}
			}
		}()
	}
	var first error
	for range cap(errs) {
		if err := <-errs; err != nil && first == nil {
			first = err
		}
	}
	return first
}

// callbacks is where the callback channel posts answers to.
type callbacks struct {
	url string
	l   net.Listener

	mu sync.Mutex
	// ids has the ids under which each text came to each user, and how often.
	ids     map[string]map[string]int
	changed chan struct{}
}

func startCallbacks() (*callbacks, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &callbacks{url: "http://" + l.Addr().String(), l: l, ids: map[string]map[string]int{}, changed: make(chan struct{})}
	go func() { _ = http.Serve(l, http.HandlerFunc(c.serve)) }()
	return c, nil
}

func (c *callbacks) close() { _ = c.l.Close() }

func (c *callbacks) serve(_ http.ResponseWriter, r *http.Request) {
	var m struct {
		Recipient string `json:"recipient_id"`
		Text      string `json:"text"`
	}
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	key := m.Recipient + " " + m.Text
	if c.ids[key] == nil {
		c.ids[key] = map[string]int{}
	}
	c.ids[key][r.Header.Get("Idempotency-Key")]++
	close(c.changed)
	c.changed = make(chan struct{})
}

// await waits for the answer to a message.
func (c *callbacks) await(ctx context.Context, user, number string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		c.mu.Lock()
		changed := c.changed
		for key := range c.ids {
			if strings.HasPrefix(key, user+" echo "+number+" as ") {
				c.mu.Unlock()
				return nil
			}
		}
		c.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("message %s of %s was accepted and never answered", number, user)
		}
	}
}
