package server

import (
	"context"
	"fmt"
	"time"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/dialogue"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// accept returns the way of a channel's messages into the inbox.
func (s *Server) accept(ch channels.Async) channels.Accept {
	return func(ctx context.Context, m *channels.UserMessage, replyTo *value.Map) error {
		duplicate, err := s.cfg.Inbox.Put(ctx, stores.Envelope{
			ID: m.MessageID, Channel: ch.Name(), SenderID: m.SenderID, InputChannel: m.InputChannel, Text: m.Text,
			Metadata: m.Metadata, ParseData: m.ParseData, ReplyTo: replyTo, Received: time.Now(),
		})
		if err != nil {
			return forChannel(fmt.Errorf("keeping a message of %q: %w", m.SenderID, err))
		}
		if duplicate {
			s.log.Debug("dropping a message that came again", "sender_id", m.SenderID, "channel", ch.Name())
		}
		return nil
	}
}

// answerInbox answers the messages of the inbox until ctx ends.
func (s *Server) answerInbox(ctx context.Context) {
	if s.cfg.Inbox == nil {
		return
	}
	if err := s.cfg.Inbox.Run(ctx, s.answerEnvelope); err != nil && ctx.Err() == nil {
		s.log.Error("messages of the inbox are not answered any more", "err", err)
	}
}

// answerEnvelope answers one message of the inbox. It returns an error when the message is to come again; one that the
// engine cannot deal with is gone, as if it had come straight from its channel.
func (s *Server) answerEnvelope(ctx context.Context, m stores.Envelope) error {
	if s.cfg.Processor.Model() == nil {
		return fmt.Errorf("%w: %w", stores.ErrUnavailable, dialogue.ErrNoModel)
	}
	var out channels.Output
	for _, ch := range s.cfg.Channels {
		if async, ok := ch.(channels.Async); ok && ch.Name() == m.Channel {
			out = async.ReplyOutput(m.ReplyTo)
		}
	}
	if out == nil {
		return fmt.Errorf("answering a message of channel %q: this node does not serve it: %w", m.Channel, stores.ErrUnavailable)
	}
	sent := &delivery{Output: out}
	within := limit(ctx, time.Now().Add(s.cfg.ResponseTimeout))
	defer within.release()
	err := s.cfg.Processor.Handle(within, &channels.UserMessage{
		Text: m.Text, SenderID: m.SenderID, InputChannel: m.InputChannel, MessageID: m.ID, Metadata: m.Metadata,
		ParseData: m.ParseData, Output: sent,
	})
	if err != nil && (dialogue.Later(err) || ctx.Err() != nil) {
		return err
	}
	if err != nil {
		s.log.Error("message failed", "sender_id", m.SenderID, "channel", m.Channel, "err", err)
	}
	return sent.err
}

// delivery remembers that an answer could not be delivered: then the message comes again, and is answered again under the
// same ids.
type delivery struct {
	channels.Output
	err error
}

// Send implements channels.Output.
func (d *delivery) Send(ctx context.Context, recipientID string, message *value.Map) error {
	err := d.Output.Send(ctx, recipientID, message)
	if err != nil {
		d.err = fmt.Errorf("delivering an answer to %q: %w", recipientID, err)
	}
	return err
}
