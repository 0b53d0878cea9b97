package stores

import (
	"context"
	"fmt"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
)

// Broker is told of every event of every conversation.
type Broker interface {
	// Publish sends the events of publications, in order, and returns when the broker has taken all of them for good. On
	// an error any of them may have been sent; the caller gives the same list again later. One goroutine calls at a time.
	Publish(ctx context.Context, list []Publication) error
	// Forget tells the broker that a conversation was deleted: a tombstone where the broker has such, otherwise a message
	// whose event is EventDeleted.
	Forget(ctx context.Context, senderID string) error
	// Close flushes and releases the connection.
	Close() error
}

// EventDeleted is the event of the message that tells of a deleted conversation. Rasa has none.
const EventDeleted = "parley.conversation_deleted"

// Publication is what a commit has to tell brokers.
type Publication struct {
	SenderID string
	// ID is that of the commit.
	ID     string
	Events []tracker.Event
}

// EventID returns the id of the i-th event, the same whenever and by whomever it is published.
func (p *Publication) EventID(i int) string { return fmt.Sprintf("%s-%d", p.ID, i) }

// Body returns the i-th event as brokers get it: Rasa's as_dict with sender_id in front
// (rasa/core/tracker_store.py, _stream_new_events).
func (p *Publication) Body(i int) *value.Map {
	m := value.NewMap("sender_id", p.SenderID)
	return m.Update(tracker.AsMap(p.Events[i]))
}
