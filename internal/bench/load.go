package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

const path = "/webhooks/rest/webhook"

// conversation is what every sender says, one message after the other.
var conversation = []string{
	"good morning", "send a parcel to Oslo", "is that insured?", "more please", "thanks",
}

// answeredByRules can be said over and over in one conversation.
var answeredByRules = []string{"good morning", "when do you open", "thanks", "goodbye"}

func body(sender, message string) string {
	return `{"sender":` + strconv.Quote(sender) + `,"message":` + strconv.Quote(message) + `}`
}

// client is one connection that is kept. It does little, so that the server has the processor.
type client struct {
	conn net.Conn
	in   *bufio.Reader
	out  []byte
}

func dial(ctx context.Context, address string) (*client, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	return &client{conn: conn, in: bufio.NewReader(conn)}, nil
}

// send sends a message and waits for the answer.
func (c *client) send(sender, message string) (time.Duration, error) {
	text := body(sender, message)
	c.out = append(c.out[:0], "POST "+path+" HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: "...)
	c.out = strconv.AppendInt(c.out, int64(len(text)), 10)
	c.out = append(append(c.out, "\r\n\r\n"...), text...)
	start := time.Now()
	if _, err := c.conn.Write(c.out); err != nil {
		return 0, fmt.Errorf("sending a message: %w", err)
	}
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return 0, fmt.Errorf("reading an answer: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	n, err := io.Copy(io.Discard, resp.Body)
	if err != nil {
		return 0, fmt.Errorf("reading an answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK || n <= int64(len("[]\n")) {
		return 0, fmt.Errorf("no good answer: status %d, %d bytes", resp.StatusCode, n)
	}
	return time.Since(start), nil
}

// result is what a load measured.
type result struct {
	messages       int
	took, p50, p99 time.Duration
	// cost is the server's processor time for one message.
	cost time.Duration
	// peak is what was resident at most, in bytes.
	peak int64
}

// underLoad warms the server up and measures it.
func (b *bench) underLoad(ctx context.Context, s *server) (result, error) {
	if _, err := s.firstAnswer(ctx); err != nil {
		return result{}, err
	}
	if _, err := load(ctx, s.address, until(b.duration/6)); err != nil {
		return result{}, err
	}
	before, err := s.cpu()
	if err != nil {
		return result{}, err
	}
	start := time.Now()
	latencies, err := load(ctx, s.address, until(b.duration))
	if err != nil {
		return result{}, err
	}
	r := result{messages: len(latencies), took: time.Since(start)}
	after, err := s.cpu()
	if err != nil {
		return result{}, err
	}
	slices.Sort(latencies)
	r.p50, r.p99 = latencies[len(latencies)/2], latencies[len(latencies)*99/100]
	r.cost = (after - before) / time.Duration(r.messages)
	r.peak, err = s.memory("VmHWM")
	return r, err
}

// until returns a condition that holds until the time is over.
func until(d time.Duration) func(int) bool {
	end := time.Now().Add(d)
	return func(int) bool { return time.Now().Before(end) }
}

// load has conversations over all connections as long as more(the number of conversations before, per connection)
// holds, with a new sender each, and returns how long every answer took.
func load(ctx context.Context, address string, more func(done int) bool) ([]time.Duration, error) {
	var (
		group sync.WaitGroup
		all   [connections][]time.Duration
		errs  [connections]error
	)
	for i := range connections {
		group.Go(func() { all[i], errs[i] = talk(ctx, address, more) })
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return slices.Concat(all[:]...), ctx.Err()
}

func talk(ctx context.Context, address string, more func(done int) bool) ([]time.Duration, error) {
	c, err := dial(ctx, address)
	if err != nil {
		return nil, err
	}
	defer c.conn.Close() //nolint:errcheck // nothing more to send
	var latencies []time.Duration
	for done := 0; more(done) && ctx.Err() == nil; done++ {
		sender := newSender()
		for _, message := range conversation {
			took, err := c.send(sender, message)
			if err != nil {
				return nil, err
			}
			latencies = append(latencies, took)
		}
	}
	return latencies, nil
}

// newSender returns a random UUID, version 4.
func newSender() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// storing measures what an event costs in the store in memory. The server collects garbage eagerly there, so that what
// is resident is what is kept.
func (b *bench) storing(ctx context.Context) error {
	const conversationsPerConnection = 1500
	s, err := b.serveWith(ctx, "GOGC=5")
	if err != nil {
		return err
	}
	defer s.stop()
	if _, err := s.firstAnswer(ctx); err != nil {
		return err
	}
	some := func(n int) func(int) bool { return func(done int) bool { return done < n } }
	if _, err := load(ctx, s.address, some(conversationsPerConnection/10)); err != nil {
		return err
	}
	before, err := s.memory("VmRSS")
	if err != nil {
		return err
	}
	if _, err := load(ctx, s.address, some(conversationsPerConnection)); err != nil {
		return err
	}
	after, err := s.memory("VmRSS")
	if err != nil {
		return err
	}
	each, err := s.eventsOfConversation(ctx)
	if err != nil {
		return err
	}
	events := int64(each) * conversationsPerConnection * connections
	figure("stored event, the whole conversation's memory", fmt.Sprintf("%d bytes", (after-before)/events), "400 bytes")
	return nil
}

// eventsOfConversation has one more conversation and counts its events.
func (s *server) eventsOfConversation(ctx context.Context) (int, error) {
	c, err := dial(ctx, s.address)
	if err != nil {
		return 0, err
	}
	defer c.conn.Close() //nolint:errcheck // nothing more to send
	for _, message := range conversation {
		if _, err := c.send("counted", message); err != nil {
			return 0, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.address+"/conversations/counted/tracker?include_events=ALL", nil)
	if err != nil {
		return 0, fmt.Errorf("counting events: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, fmt.Errorf("counting events: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	var tracker struct{ Events []json.RawMessage }
	if err := json.NewDecoder(resp.Body).Decode(&tracker); err != nil {
		return 0, fmt.Errorf("counting events: %w", err)
	}
	if len(tracker.Events) == 0 {
		return 0, errors.New("counting events: there are none")
	}
	return len(tracker.Events), nil
}

// longTurns compares the turns around the 5,000th of a conversation with those around the 10th of many.
func (b *bench) longTurns(ctx context.Context) error {
	const early, late, around, conversations = 10, 5000, 5, 60
	s, err := b.serve(ctx)
	if err != nil {
		return err
	}
	defer s.stop()
	if _, err := s.firstAnswer(ctx); err != nil {
		return err
	}
	c, err := dial(ctx, s.address)
	if err != nil {
		return err
	}
	defer c.conn.Close() //nolint:errcheck // nothing more to send
	turns := func(sender string, n int) ([]time.Duration, error) {
		took := make([]time.Duration, n)
		for i := range took {
			if took[i], err = c.send(sender, answeredByRules[i%len(answeredByRules)]); err != nil {
				return nil, err
			}
		}
		return took, ctx.Err()
	}
	if _, err := turns("warm", late/2); err != nil {
		return err
	}
	var short []time.Duration
	for i := range conversations {
		took, err := turns("short "+strconv.Itoa(i), early+around)
		if err != nil {
			return err
		}
		short = append(short, took[early-around:]...)
	}
	const window = around * conversations
	took, err := turns("long", late+window)
	if err != nil {
		return err
	}
	tenth, last := median(short), median(took[late-window:])
	figure("turn 10 of a conversation", milliseconds(tenth), "")
	figure("turn 5000 of a conversation", milliseconds(last), "")
	figure("turn 5000 to turn 10", fmt.Sprintf("%.2f x", float64(last)/float64(tenth)), "1.5 x")
	return nil
}

func median(d []time.Duration) time.Duration {
	d = slices.Clone(d)
	slices.Sort(d)
	return d[len(d)/2]
}
