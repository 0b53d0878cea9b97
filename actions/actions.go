// Package actions holds what the dialogue engine and action servers tell each other: what a custom action did, and the
// ways in which running it can end.
package actions

import (
	"errors"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
)

// What callers branch on when a custom action did not run.
var (
	// ErrRejected says that the action refused to run (status 400 with the name of the action): another action may be
	// predicted.
	ErrRejected = errors.New("action execution rejected")
	// ErrUnavailable says that the action server could not be reached or answered with a failure.
	ErrUnavailable = errors.New("action server unavailable")
	// ErrInvalidResponse says that the answer is not what the protocol allows, or came too late. Rasa loses the whole
	// turn over it when the action was run to extract slots.
	ErrInvalidResponse = errors.New("invalid response of the action server")
)

// Result is what a custom action did.
type Result struct {
	// Events are those the action returned, in order. Timestamps are zero where the server gave none.
	Events []tracker.Event
	// Responses are what the action wants said, as received. They belong to the caller.
	Responses []*value.Map
}
