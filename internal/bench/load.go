package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
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

// client is one connection that is kept.
type client interface {
	// send sends a message and waits for the answer. It returns how long that took.
	send(ctx context.Context, sender, message string) (time.Duration, error)
	close()
}

// dialer makes a client of a server.
type dialer func(address string) client

// ordinary is Go's HTTP client, as a program that talks to a bot would use it.
type ordinary struct {
	http.Client
	url string
}

func dialOrdinary(address string) client {
	return &ordinary{http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}}, "http://" + address + path}
}

func (c *ordinary) close() { c.CloseIdleConnections() }

func (c *ordinary) send(ctx context.Context, sender, message string) (time.Duration, error) {
	start := time.Now()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, strings.NewReader(body(sender, message)))
	if err != nil {
		return 0, fmt.Errorf("making a request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.Do(req)
	if err != nil {
		return 0, fmt.Errorf("sending a message: %w", err)
	}
	if err := isGood(resp); err != nil {
		return 0, err
	}
	return time.Since(start), nil
}

// isGood reads an answer and closes it.
func isGood(resp *http.Response) error {
	defer resp.Body.Close() //nolint:errcheck // only read
	n, err := io.Copy(io.Discard, resp.Body)
	if err != nil {
		return fmt.Errorf("reading an answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK || n <= int64(len("[]\n")) {
		return fmt.Errorf("no good answer: status %d, %d bytes", resp.StatusCode, n)
	}
	return nil
}

// bare writes requests with the fewest headers and does little else, so that the server has the processor.
type bare struct {
	address string
	conn    net.Conn // nil before the first message
	in      *bufio.Reader
	out     []byte
}

func dialBare(address string) client { return &bare{address: address} }

func (c *bare) close() {
	if c.conn != nil {
		_ = c.conn.Close() // nothing more to send
	}
}

func (c *bare) send(ctx context.Context, sender, message string) (time.Duration, error) {
	if c.conn == nil {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", c.address)
		if err != nil {
			return 0, fmt.Errorf("connecting: %w", err)
		}
		c.conn, c.in = conn, bufio.NewReader(conn)
	}
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
	if err := isGood(resp); err != nil {
		return 0, err
	}
	return time.Since(start), nil
}

// result is what the loads of one server measured.
type result struct {
	messages  int
	took      time.Duration
	latencies []time.Duration
	// costs are the server's processor time for one message, one a load.
	costs []time.Duration
}

// underLoad puts a server under load and adds what was measured to r.
func (r *result) underLoad(ctx context.Context, s *server, dial dialer, d time.Duration) error {
	before, err := s.cpu()
	if err != nil {
		return err
	}
	start := time.Now()
	latencies, err := load(ctx, s.address, dial, until(d))
	if err != nil {
		return err
	}
	after, err := s.cpu()
	if err != nil {
		return err
	}
	r.messages += len(latencies)
	r.took += time.Since(start)
	r.latencies = append(r.latencies, latencies...)
	r.costs = append(r.costs, (after-before)/time.Duration(len(latencies)))
	return nil
}

// percentile returns how long p hundredths of the answers took at most.
func (r *result) percentile(p int) time.Duration {
	slices.Sort(r.latencies)
	return r.latencies[len(r.latencies)*p/100]
}

// until returns a condition that holds until the time is over.
func until(d time.Duration) func(int) bool {
	end := time.Now().Add(d)
	return func(int) bool { return time.Now().Before(end) }
}

// load has conversations over all connections as long as more(the number of conversations before, per connection)
// holds, with a new sender each, and returns how long every answer took.
func load(ctx context.Context, address string, dial dialer, more func(done int) bool) ([]time.Duration, error) {
	var (
		group sync.WaitGroup
		all   [connections][]time.Duration
		errs  [connections]error
	)
	for i := range connections {
		group.Go(func() { all[i], errs[i] = talk(ctx, dial(address), more) })
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return slices.Concat(all[:]...), ctx.Err()
}

func talk(ctx context.Context, c client, more func(done int) bool) ([]time.Duration, error) {
	defer c.close()
	var latencies []time.Duration
	for done := 0; more(done) && ctx.Err() == nil; done++ {
		sender := newSender()
		for _, message := range conversation {
			took, err := c.send(ctx, sender, message)
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
