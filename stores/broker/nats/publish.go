package nats

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// maxPending bounds the messages that are under way.
const maxPending = 256

// sendAll publishes the first messages of all conversations, then the second ones, and so on.
func (b *Broker) sendAll(ctx context.Context, queues [][]*nats.Msg) error {
	var round []*nats.Msg
	for i := 0; ; i++ {
		round = round[:0]
		for _, q := range queues {
			if i < len(q) {
				round = append(round, q[i])
			}
		}
		if len(round) == 0 {
			return nil
		}
		if err := b.connect(ctx); err != nil {
			return err
		}
		for len(round) > 0 {
			n := min(len(round), maxPending)
			if err := b.sendTogether(ctx, round[:n]); err != nil {
				return err
			}
			round = round[n:]
		}
	}
}

// connect makes sure that the stream is there.
func (b *Broker) connect(ctx context.Context) error {
	if b.js != nil {
		return nil
	}
	conn, err := b.node.Conn(ctx)
	if err != nil {
		return err
	}
	// The library gives up by itself what is not acknowledged for long; the context does so sooner or later.
	js, err := jetstream.New(conn, jetstream.WithPublishAsyncMaxPending(2*maxPending))
	if err != nil {
		return err
	}
	_, err = js.Stream(ctx, b.stream.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		_, err = js.CreateStream(ctx, b.stream)
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			err = nil // another node made it
		}
	}
	if err != nil {
		return fmt.Errorf("looking for the stream %s: %w", b.stream.Name, err)
	}
	b.js = js
	return nil
}

// tooLarge is the server's code for a message above the stream's max_msg_size.
const tooLarge jetstream.ErrorCode = 10054

// sendTogether publishes messages of different conversations and waits until they are stored.
func (b *Broker) sendTogether(ctx context.Context, messages []*nats.Msg) error {
	acks := make([]jetstream.PubAckFuture, 0, len(messages))
	var failed error
	for _, m := range messages {
		ack, err := b.js.PublishMsgAsync(m, jetstream.WithExpectStream(b.stream.Name))
		if err != nil {
			if failed = b.refused(m, err); failed != nil {
				break
			}
			continue
		}
		acks = append(acks, ack)
	}
	for _, ack := range acks {
		select {
		case <-ack.Ok():
		case err := <-ack.Err():
			failed = errors.Join(failed, b.refused(ack.Msg(), err))
		case <-ctx.Done():
			return errors.Join(failed, context.Cause(ctx))
		}
	}
	return failed
}

// refused returns err, or nil for a message that is never taken.
func (b *Broker) refused(m *nats.Msg, err error) error {
	var answer *jetstream.APIError
	if errors.Is(err, nats.ErrMaxPayload) || errors.As(err, &answer) && answer.ErrorCode == tooLarge {
		b.log.Error("an event is lost: it is larger than NATS takes", "value", len(m.Data), "err", err)
		return nil
	}
	return err
}
