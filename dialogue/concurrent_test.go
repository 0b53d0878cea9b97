package dialogue

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/dialogue/tracker"
)

// TestConcurrentConversations has several senders talk, messages of each arriving at once, while others read.
func TestConcurrentConversations(t *testing.T) {
	const senders, messages = 4, 10
	b := newBench(t, testDomain, map[string]string{"greet": "utter_greet", "order": "order_form"})
	var done sync.WaitGroup
	for i := range senders {
		id := fmt.Sprint("u", i)
		for range messages {
			done.Go(func() {
				if err := b.Handle(t.Context(), &channels.UserMessage{Text: "greet dish=soup", SenderID: id, Output: &collector{}}); err != nil {
					t.Error(err)
				}
			})
			done.Go(func() {
				full, err := b.FullTracker(t.Context(), id)
				if err != nil {
					t.Error(err)
					return
				}
				full.CurrentState(tracker.EventsAll)
			})
			done.Go(func() { b.SetModel(b.model) })
		}
	}
	done.Wait()
	for i := range senders {
		full, err := b.FullTracker(t.Context(), fmt.Sprint("u", i))
		require.NoError(t, err)
		require.Len(t, full.Events(), 3+messages*5, "no message is lost")
	}
}
