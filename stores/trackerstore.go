package stores

import (
	"context"
	"time"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
)

// TrackerStore keeps conversations. Implementations are safe for concurrent use, also of one conversation: Save is
// conditional. Errors wrap ErrUnavailable when the back end is out of reach; a conversation that cannot be read is never
// returned as one that is not there.
type TrackerStore interface {
	// Load returns the last session of a conversation, as the back end of this name cuts sessions in Rasa. Its Tracker is
	// nil when the store has none. The tracker is made by f and the caller's own: what it does to it is not visible to
	// others before Save.
	Load(ctx context.Context, f *tracker.Factory, senderID string) (Conversation, error)
	// LoadAll is Load with all sessions that the store kept.
	LoadAll(ctx context.Context, f *tracker.Factory, senderID string) (Conversation, error)
	// Save stores a turn and returns where the conversation is now. The error wraps ErrConflict when the conversation is
	// not at turn.At any more.
	Save(ctx context.Context, turn Turn) (Position, error)
	// IDs returns up to limit ids of conversations, sorted by their bytes, that come after the id after (""  is the
	// beginning; limit 0: all). A back end may use q to leave conversations out that do not match; it need not.
	IDs(ctx context.Context, q Query, after string, limit int) ([]string, error)
	// Delete removes all that is stored of a conversation, marks of unsettled commits included, and returns how many
	// events it had.
	Delete(ctx context.Context, senderID string) (events int, err error)
	// Close releases what the store holds.
	Close() error
}

// Keeper is a TrackerStore that keeps more than it shows: for Rasa's sake LoadAll may leave sessions out.
type Keeper interface {
	// LoadKept is LoadAll with everything that is stored.
	LoadKept(ctx context.Context, f *tracker.Factory, senderID string) (Conversation, error)
}

// LoadKept returns everything that a store has of a conversation, for those who manage conversations.
func LoadKept(ctx context.Context, s TrackerStore, f *tracker.Factory, senderID string) (Conversation, error) {
	if k, ok := s.(Keeper); ok {
		return k.LoadKept(ctx, f, senderID)
	}
	return s.LoadAll(ctx, f, senderID)
}

// Position is a point of a conversation: what a store had of it when it was read or written. The zero Position is that of
// a conversation of which there is nothing.
type Position struct {
	// Count is how many events the store had, of all sessions.
	Count int
	// Token is the back end's own: what it recognises the position by.
	Token any
}

// Conversation is what a store has of a conversation.
type Conversation struct {
	Tracker *tracker.Tracker
	// At is to be given to Save with what is added to Tracker.
	At Position
	// Unsettled are the IDs of earlier commits, oldest first, that may not have been delivered yet. What this turn sets
	// off must come after them.
	Unsettled []string
}

// Turn is what a turn adds to a conversation.
type Turn struct {
	// Tracker holds the conversation with the new events at its end; the store does not keep it beyond the call unless
	// it takes a Snapshot.
	Tracker *tracker.Tracker
	// Known is the number of Tracker's events that were there when it was loaded; all behind them are new.
	Known int
	// At is where the conversation was when it was loaded.
	At Position
	// Replace makes Tracker's events the whole conversation.
	Replace bool
	// ID names the commit, the same when the turn is run again. It is not empty when Deliver is true.
	ID string
	// Deliver asks the store to note that the new events have to be delivered, in the same write. The note stays until
	// Outbox.Settle. Stores that are no Outbox ignore it.
	Deliver bool
	// Partial says that the turn goes on and will be saved again: a store that cannot write it now must say so.
	Partial bool
	// Input is what the turn answered, so that it can be run again if it has to be kept until a store comes back; nil for
	// events that came by the API.
	Input Input
}

// Input is a message as the conversation's turn got it.
type Input interface {
	// Pack returns the message as a JSON object.
	Pack() *value.Map
}

// New returns the events that the turn added.
func (t *Turn) New() []tracker.Event {
	events := t.Tracker.Events()
	if t.Replace {
		return events
	}
	return events[min(t.Known, len(events)):]
}

// Commit is a stored turn whose events have to be delivered: published by brokers, turned into timers.
type Commit struct {
	SenderID string
	ID       string
	Events   []tracker.Event
	// Time is when it was stored, zero where that is not known.
	Time time.Time
	// Fresh tells that the events are those of the turn itself. Read back from a store they have what their JSON form has,
	// in which cancelled reminders lack what they cancel.
	Fresh bool
}

// SpooledError is what Save returns for a turn that could not be written for now. It is safe on this node's disk and will be
// written before Done is closed; until then nobody should go on with the conversation.
type SpooledError struct{ Done <-chan struct{} }

// Error says so.
func (*SpooledError) Error() string { return "the turn waits on disk for the tracker store" }

// CommitRef names a commit.
type CommitRef struct{ SenderID, ID string }

// Outbox is a TrackerStore that notes what has to be delivered of a turn in the write that stores it.
type Outbox interface {
	// Unsettled returns up to limit commits that were stored before the time given and not settled, oldest first as far
	// as the back end can tell, and in order for each conversation.
	Unsettled(ctx context.Context, before time.Time, limit int) ([]Commit, error)
	// UnsettledOf returns those of one conversation, in order.
	UnsettledOf(ctx context.Context, senderID string) ([]Commit, error)
	// Settle removes the notes of commits. Those that are not there any more are passed over.
	Settle(ctx context.Context, done []CommitRef) error
}

// TimerStore is a TrackerStore that can keep timers as well, in the same back end.
type TimerStore interface {
	// Timers returns the timers. They are closed with the store.
	Timers() Timers
}
