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
	// ExportID names the run of `export` that publishes events again; "" for those of a commit. Messages of an export say
	// so where Rasa's do (header ExportHeader of RabbitMQ), and one that cannot be delivered is an error in any case.
	ExportID string
}

// ExportHeader is the header of messages with ExportID (rasa/core/constants.py, RASA_EXPORT_PROCESS_ID_HEADER_NAME).
const ExportHeader = "rasa-export-process-id"

// EventID returns the id of the i-th event, the same whenever and by whomever it is published.
func (p *Publication) EventID(i int) string { return fmt.Sprintf("%s-%d", p.ID, i) }

// Body returns the i-th event as brokers get it: Rasa's as_dict with sender_id in front
// (rasa/core/tracker_store.py, _stream_new_events), or at the end for exports (rasa/core/exporter.py).
func (p *Publication) Body(i int) *value.Map {
	if p.ExportID != "" {
		return tracker.AsMap(p.Events[i]).Set("sender_id", p.SenderID)
	}
	m := value.NewMap("sender_id", p.SenderID)
	return m.Update(tracker.AsMap(p.Events[i]))
}
