package stores

import (
	"context"
	"time"

	"github.com/parleybot/parley/internal/value"
)

// Inbox keeps messages that a channel has accepted until their turns are stored. It is safe for concurrent use.
type Inbox interface {
	// Put keeps a message for good before it returns. A message whose ID was put for its channel before, within the
	// inbox's window, is dropped: duplicate is true then.
	Put(ctx context.Context, m Envelope) (duplicate bool, err error)
	// Run hands messages to handle until ctx ends, each conversation's in the order of Put and one at a time, whichever
	// nodes run. A message is gone when handle returned nil; otherwise it comes again later, first in its conversation,
	// Attempt counted up. handle is called by several goroutines. A message of a node that died comes again elsewhere.
	Run(ctx context.Context, handle func(ctx context.Context, m Envelope) error) error
	// Delete drops the messages of a conversation and returns how many there were.
	Delete(ctx context.Context, senderID string) (int, error)
	// Close releases what the inbox holds.
	Close() error
}

// Envelope is a message in an inbox: what a channels.UserMessage holds, and the channel to answer by.
type Envelope struct {
	// ID is the platform's id of the message; with Channel it tells duplicates. Put makes one when it is empty.
	ID string
	// Channel is the name of the channel that took the message and sends the answers.
	Channel  string
	SenderID string
	// InputChannel is what the message's event says; it may differ from Channel.
	InputChannel string
	Text         string
	Metadata     *value.Map
	ParseData    *value.Map
	// ReplyTo is the channel's own: what it needs to answer beside the sender.
	ReplyTo  *value.Map
	Received time.Time
	// Attempt is 1 for the first time.
	Attempt int
}
