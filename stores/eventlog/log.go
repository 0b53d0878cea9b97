// Package eventlog makes a tracker store of a list of events a conversation, which is what databases keep.
//
// A Log is a back end: it reads the events behind a point that is known already and appends events if nobody else did. The
// Store over it keeps trackers of recent conversations ready, so that a turn reads only what other nodes added and writes
// only what is new, whatever the conversation's length: one read and one conditional write.
package eventlog

import (
	"context"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/stores"
)

// Log keeps conversations as lists of events, in the form in which Rasa's store of the same name reads and writes them.
// It is safe for concurrent use. Its errors wrap stores.ErrUnavailable when the back end is out of reach.
type Log interface {
	// Cut says where the last session begins in this back end.
	Cut() Cut
	// Read returns what a conversation has behind since, a position that an earlier Read or Append returned, in one round
	// trip if since is still right. Otherwise, and for the zero position, it returns the last session by the rule of Cut,
	// or with all every session.
	Read(ctx context.Context, senderID string, since stores.Position, all bool) (Tail, error)
	// Append writes a turn in one round trip, unless the conversation is not at turn.At: then the error is
	// stores.ErrConflict and nothing is written. With turn.Replace the new events take the place of all others. It notes
	// the commit if turn.Deliver is true. A turn without new events makes sure the conversation exists where the back end
	// knows empty ones.
	Append(ctx context.Context, turn stores.Turn) (stores.Position, error)
	// IDs and Delete are those of stores.TrackerStore.
	IDs(ctx context.Context, q stores.Query, after string, limit int) ([]string, error)
	Delete(ctx context.Context, senderID string) (events int, err error)
	stores.Outbox
	// Close releases the connection.
	Close() error
}

// Tail is what Log.Read found.
type Tail struct {
	// Found is false when there is nothing of the conversation.
	Found bool
	// Continues tells that Events are those behind the position that was asked for; otherwise they are all that was
	// asked for.
	Continues bool
	Events    []tracker.Event
	At        stores.Position
	// Unsettled are the IDs of commits that are noted as not delivered.
	Unsettled []string
}

// Cut is the rule by which a back end finds the beginning of the last session.
type Cut int

// The rules of Rasa 3.6.21 (rasa/core/tracker_store.py).
const (
	// AtActionSessionStart cuts before the last action_session_start (Redis).
	AtActionSessionStart Cut = iota
	// AtSessionStarted cuts before the last session_started event, so the action before it is not part of the session
	// (MongoDB).
	AtSessionStarted
	// AtSessionStartedTime takes the events that are not older than the youngest session_started (SQL).
	AtSessionStartedTime
	// NoCut takes all sessions for one (DynamoDB).
	NoCut
)

// LastSession returns the events of the last session. The result shares the list unless events of earlier sessions stand
// in between.
func (c Cut) LastSession(events []tracker.Event) []tracker.Event {
	switch c {
	case AtActionSessionStart:
		for i := len(events) - 1; i >= 0; i-- {
			if a, ok := events[i].(*tracker.ActionExecuted); ok && a.Name == tracker.ActionSessionStart {
				return events[i:]
			}
		}
	case AtSessionStarted:
		for i := len(events) - 1; i >= 0; i-- {
			if _, ok := events[i].(*tracker.SessionStarted); ok {
				return events[i:]
			}
		}
	case AtSessionStartedTime:
		return sinceYoungestStart(events)
	case NoCut:
	}
	return events
}

// begins reports whether a session may begin in events, the first checked of which are of one session.
func (c Cut) begins(events []tracker.Event, checked int) bool {
	if c == NoCut {
		return false
	}
	for i := checked; i < len(events); i++ {
		switch e := events[i].(type) {
		case *tracker.SessionStarted:
			return true
		case *tracker.ActionExecuted:
			if e.Name == tracker.ActionSessionStart {
				return true
			}
		}
		if c == AtSessionStartedTime && events[i].Meta().Timestamp < events[0].Meta().Timestamp {
			return true // by a clock that is behind
		}
	}
	return false
}

func sinceYoungestStart(events []tracker.Event) []tracker.Event {
	start, found := 0.0, false
	for _, e := range events {
		if s, ok := e.(*tracker.SessionStarted); ok && (!found || s.Timestamp > start) {
			start, found = s.Timestamp, true
		}
	}
	if !found {
		return events
	}
	var session []tracker.Event
	for _, e := range events {
		if e.Meta().Timestamp >= start {
			session = append(session, e)
		}
	}
	return session
}
