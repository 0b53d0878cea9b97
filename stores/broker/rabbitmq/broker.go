// Package rabbitmq sends events to RabbitMQ as Rasa's PikaEventBroker does (rasa/core/brokers/pika.py, 3.6.21): a
// persistent message an event, json.dumps as its body, to a fanout exchange that dies with the server, with durable queues
// bound to it.
//
// What is different: messages are confirmed by the server before Publish returns, an exchange without queues is noticed,
// and message_id is the event's own id instead of a random one, so that a reader can leave out what comes twice. The
// connection is made by the first Publish, also by an empty one, and made again by the next after it broke.
package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// Broker is a stores.Broker that is built from the options of `type: pika`. It is safe for concurrent use.
type Broker struct {
	server   *server
	exchange string
	queues   []string
	keep     bool
	appID    string
	log      *slog.Logger
	now      func() time.Time

	// turn is held by whoever uses what follows.
	turn   chan struct{}
	link   *link
	closed bool
	// largest is how many bytes the server takes in a message, 0 while that is not known.
	largest int
}

var _ stores.Broker = (*Broker)(nil)

// patience bounds a Publish, also one whose context has no deadline.
const patience = time.Minute

var errClosed = errors.New("the event broker is closed")

// Publish implements stores.Broker. Errors wrap stores.ErrUnavailable, also when RabbitMQ refuses the login or a queue. With
// should_keep_unpublished_messages false events that cannot be delivered are dropped, and there is no error, except for those of
// an export.
func (b *Broker) Publish(ctx context.Context, list []stores.Publication) error {
	var messages []amqp.Publishing
	exports := false
	for i := range list {
		exports = exports || list[i].ExportID != ""
		for j := range list[i].Events {
			m := b.message(list[i].EventID(j), list[i].Body(j))
			if id := list[i].ExportID; id != "" {
				m.Headers = amqp.Table{stores.ExportHeader: id}
			}
			messages = append(messages, m)
		}
	}
	err := b.send(ctx, messages)
	if err != nil && !b.keep && !exports && errors.Is(err, stores.ErrUnavailable) {
		b.log.Error("events are lost: should_keep_unpublished_messages is false", "err", fmt.Errorf("%d events: %w", len(messages), err))
		return nil
	}
	return err
}

// Forget implements stores.Broker by an event stores.EventDeleted: queues know no tombstones.
func (b *Broker) Forget(ctx context.Context, senderID string) error {
	seconds := float64(b.now().UnixMicro()) / 1e6
	body := value.NewMap("sender_id", senderID, "event", stores.EventDeleted, "timestamp", seconds)
	return b.send(ctx, []amqp.Publishing{b.message("", body)})
}

func (b *Broker) message(id string, body *value.Map) amqp.Publishing {
	return amqp.Publishing{Body: value.Encode(body, value.JSON), MessageId: id, AppId: b.appID, DeliveryMode: amqp.Persistent}
}

func (b *Broker) send(ctx context.Context, messages []amqp.Publishing) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("publishing to RabbitMQ: %w", err)
	}
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-ctx.Done():
		return fmt.Errorf("publishing to RabbitMQ: %w", ctx.Err())
	}
	if b.closed {
		return errClosed
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := b.sendAll(ctx, b.takeable(messages))
	if err == nil {
		return nil
	}
	b.learnLimit(err)
	return fmt.Errorf("publishing to RabbitMQ at %s: %w: %w", b.server.address, stores.ErrUnavailable, err)
}

func (b *Broker) sendAll(ctx context.Context, messages []amqp.Publishing) error {
	if b.link != nil && b.link.broken() {
		b.drop()
	}
	if b.link == nil {
		l, err := b.server.connect(ctx, b.exchange, b.queues)
		if err != nil {
			return fmt.Errorf("connecting: %w", err)
		}
		b.link = l
		b.log.Info("connected to RabbitMQ", "url", b.server.address)
	}
	if err := b.link.publish(ctx, b.exchange, messages); err != nil {
		b.drop()
		return err
	}
	return nil
}

func (b *Broker) drop() {
	b.link.close(false)
	b.link = nil
}

// tooLarge matches the reason for which RabbitMQ closes a channel after a message above its max_message_size.
var tooLarge = regexp.MustCompile(`message size \d+\D* larger than \D*(\d+)`)

// learnLimit remembers the largest size that a refusal names. A message that is never taken would hold up all behind it.
func (b *Broker) learnLimit(err error) {
	if found := tooLarge.FindStringSubmatch(err.Error()); found != nil {
		if n, err := strconv.Atoi(found[1]); err == nil {
			b.largest = n
		}
	}
}

// takeable leaves out messages that the server said it never takes.
func (b *Broker) takeable(messages []amqp.Publishing) []amqp.Publishing {
	if b.largest == 0 {
		return messages
	}
	var taken []amqp.Publishing
	for _, m := range messages {
		if len(m.Body) > b.largest {
			b.log.Error("an event is lost", "err", fmt.Errorf("%q has %d bytes, RabbitMQ's max_message_size is %d", m.MessageId, len(m.Body), b.largest))
			continue
		}
		taken = append(taken, m)
	}
	return taken
}

// Close implements stores.Broker. It waits for a Publish under way; what that returned for is with the server already.
func (b *Broker) Close() error {
	b.turn <- struct{}{}
	defer func() { <-b.turn }()
	b.closed = true
	if b.link != nil {
		b.link.close(true)
		b.link = nil
	}
	return nil
}
