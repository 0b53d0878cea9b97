package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

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
	if _, err := load(ctx, s.address, dialBare, some(conversationsPerConnection/10)); err != nil {
		return err
	}
	before, err := s.memory("VmRSS")
	if err != nil {
		return err
	}
	if _, err := load(ctx, s.address, dialBare, some(conversationsPerConnection)); err != nil {
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
	c := dialBare(s.address)
	defer c.close()
	for _, message := range conversation {
		if _, err := c.send(ctx, "counted", message); err != nil {
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
	c := dialBare(s.address)
	defer c.close()
	turns := func(sender string, n int) ([]time.Duration, error) {
		took := make([]time.Duration, n)
		for i := range took {
			if took[i], err = c.send(ctx, sender, answeredByRules[i%len(answeredByRules)]); err != nil {
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

func median[T cmp.Ordered](list []T) T {
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}
