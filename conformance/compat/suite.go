// Package compat proves that parley does what a running Rasa did: it replays recordings of many bots against any command
// that trains and serves as Rasa's does, and records conversations of a running Rasa. What a recording is and how it is
// compared says package replay.
package compat

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"sync"

	"github.com/parleybot/parley/conformance/replay"
)

// Suite replays recordings of many bots.
type Suite struct {
	// Command starts parley, or anything that understands `train` and `run` as Rasa does: program and first arguments.
	Command []string
	// Bots is the folder with one project a bot, Recorded the one with their recordings.
	Bots, Recorded string
	// Models, if set, is a folder with BOT.tar.gz: these models are served and nothing is trained.
	Models string
	// Only limits the bots, Names the conversations; nothing means all.
	Only  []string
	Names *regexp.Regexp
	// Tolerance is how far numbers may differ, relatively or absolutely.
	Tolerance float64
	// Parallel is the number of conversations at a time for one bot, BotsAtOnce that of bots. Default 4 and 1.
	Parallel, BotsAtOnce int
	// Show is the number of differences written for each bot.
	Show int
	// Out gets one line a bot and the differences.
	Out io.Writer
}

// Result counts conversations.
type Result struct {
	Bot              string
	Identical, Total int
	// Differences has one line for each conversation that differs: its name and the first difference.
	Differences []string
}

// Run replays everything and returns the results in the order of the bots. An error is a failure of the suite itself;
// a bot that cannot be trained or served counts as different in all its conversations.
func (s *Suite) Run(ctx context.Context) ([]Result, error) {
	bots, err := replay.LoadFolder(s.Recorded)
	if err != nil {
		return nil, err
	}
	bots = slices.DeleteFunc(bots, func(b replay.Bot) bool { return len(s.Only) > 0 && !slices.Contains(s.Only, b.Name) })
	results := make([]Result, len(bots))
	var mu sync.Mutex
	limited(len(bots), max(s.BotsAtOnce, 1), func(i int) {
		results[i] = s.bot(ctx, bots[i])
		mu.Lock()
		defer mu.Unlock()
		s.report(results[i])
	})
	return results, ctx.Err()
}

// Sum adds results up.
func Sum(results []Result) (identical, total int) {
	for _, r := range results {
		identical += r.Identical
		total += r.Total
	}
	return identical, total
}

func (s *Suite) report(r Result) {
	for _, d := range r.Differences[:min(len(r.Differences), s.Show)] {
		fmt.Fprintf(s.Out, "  %s/%s\n", r.Bot, d)
	}
	fmt.Fprintf(s.Out, "%s: identical %d of %d\n", r.Bot, r.Identical, r.Total)
}

func (s *Suite) bot(ctx context.Context, b replay.Bot) Result {
	conversations := b.Conversations
	if s.Names != nil {
		conversations = slices.DeleteFunc(conversations, func(c *replay.Conversation) bool { return !s.Names.MatchString(c.Name) })
	}
	result := Result{Bot: b.Name, Total: len(conversations)}
	if len(conversations) == 0 {
		return result
	}
	stub := &replay.Stub{}
	server, err := s.start(ctx, b.Name, stub)
	if err != nil {
		result.Differences = []string{fmt.Sprintf("all: %v", err)}
		return result
	}
	defer server.stop()
	player := &replay.Player{Target: server.client, Stub: stub, Tolerance: s.Tolerance}
	differences := make([]error, len(conversations))
	limited(len(conversations), max(s.Parallel, 1), func(i int) {
		differences[i] = player.Replay(ctx, conversations[i])
	})
	for i, d := range differences {
		if d == nil {
			result.Identical++
			continue
		}
		result.Differences = append(result.Differences, fmt.Sprintf("%s: %v", conversations[i].Name, d))
	}
	return result
}

// limited calls do for 0 to n-1, at most width at a time, and returns when all are done.
func limited(n, width int, do func(i int)) {
	var wg sync.WaitGroup
	gate := make(chan struct{}, width)
	for i := range n {
		gate <- struct{}{}
		wg.Go(func() {
			defer func() { <-gate }()
			do(i)
		})
	}
	wg.Wait()
}
