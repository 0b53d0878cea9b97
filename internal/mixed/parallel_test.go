//go:build mixed

package mixed

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	// crowd is how many senders write at the same time in the part with parallel messages, atATime messages of each.
	crowd, atATime = 10, 4
)

// result is what became of the messages that nodes of a kind took.
type result struct{ sent, refused, accepted, lost, doubled int }

func (r *result) String() string {
	return fmt.Sprintf("%d sent, %d refused, %d accepted, of which %d lost and %d doubled", r.sent, r.refused, r.accepted, r.lost, r.doubled)
}

// tally is the results by kind of node.
type tally map[string]*result

func (t tally) String() string {
	text := ""
	for _, kind := range []string{"parley", "Rasa"} {
		if r := t[kind]; r != nil {
			text += fmt.Sprintf("[%s nodes: %v] ", kind, r)
		}
	}
	return text
}

// post is a message, where it went and whether the node answered 200.
type post struct {
	text     string
	node     *node
	accepted bool
}

// inParallel posts numbered messages, several of each sender at a time, and counts which are in the trackers that every one
// of readers reads.
func (w *world) inParallel(t *testing.T, p *pool, readers []*node, name string) tally {
	t.Helper()
	all := map[string][]post{}
	var mu sync.Mutex
	var senders sync.WaitGroup
	for s := range crowd {
		sender := fmt.Sprintf("%s-parallel-%d", name, s)
		senders.Go(func() {
			posts := w.crowd(t, p, sender, uint64(s))
			mu.Lock()
			defer mu.Unlock()
			all[sender] = posts
		})
	}
	senders.Wait()

	var first tally
	for _, n := range readers {
		sum := tally{}
		for sender, posts := range all {
			tracker, err := p.tracker(t.Context(), n, sender)
			require.NoError(t, err)
			sum.add(posts, userTexts(tracker))
		}
		if first == nil {
			first = sum
		}
		require.Equal(t, first.String(), sum.String(), "what %s reads", n.name)
	}
	return first
}

// crowd posts the messages of one sender.
func (w *world) crowd(t *testing.T, p *pool, sender string, stream uint64) []post {
	draw := rand.New(rand.NewPCG(w.seed, 1000+stream))
	posts := make([]post, *parallelFlag)
	for i := range posts {
		posts[i] = post{text: fmt.Sprintf(`/note{"n": "%d"}`, i), node: p.nodes[draw.IntN(len(p.nodes))]}
	}
	next := make(chan *post)
	var wg sync.WaitGroup
	for range atATime {
		wg.Go(func() {
			for one := range next {
				_, err := p.say(t.Context(), one.node, sender, one.text)
				one.accepted = err == nil
			}
		})
	}
	for i := range posts {
		next <- &posts[i]
	}
	close(next)
	wg.Wait()
	return posts
}

func (t tally) add(posts []post, stored map[string]int) {
	for _, one := range posts {
		kind := "parley"
		if one.node.rasa {
			kind = "Rasa"
		}
		r := t[kind]
		if r == nil {
			r = &result{}
			t[kind] = r
		}
		r.sent++
		if !one.accepted {
			r.refused++
			continue
		}
		r.accepted++
		switch n := stored[one.text]; {
		case n == 0:
			r.lost++
		case n > 1:
			r.doubled++
		}
	}
}
