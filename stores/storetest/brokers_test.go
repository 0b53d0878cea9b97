package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// TestBrokers runs the suite with a back end in memory that keeps every promise, so that a failure elsewhere is not the
// suite's.
func TestBrokers(t *testing.T) {
	for _, tombstones := range []bool{false, true} {
		Brokers(t, func(*testing.T) BrokerTest {
			end := &backEnd{thawed: make(chan struct{})}
			close(end.thawed)
			return BrokerTest{
				Open:     func(*testing.T) stores.Broker { return &broker{end: end, tombstones: tombstones} },
				Received: func(*testing.T) []BrokerMessage { return end.received() },
				Stop:     func(*testing.T) { end.setAway(true) },
				Start:    func(*testing.T) { end.setAway(false) },
				Freeze:   func(*testing.T) { end.freeze() },
				Thaw:     func(*testing.T) { close(end.thawed) },
			}
		})
	}
}

// backEnd takes messages. When it goes away, the first messages of a list under way may have been taken.
type backEnd struct {
	mu       sync.Mutex
	away     bool
	thawed   chan struct{}
	messages []BrokerMessage
}

func (e *backEnd) setAway(away bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.away = away
}

func (e *backEnd) freeze() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.thawed = make(chan struct{})
}

func (e *backEnd) received() []BrokerMessage {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.messages)
}

func (e *backEnd) take(ctx context.Context, m BrokerMessage) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	select {
	case <-e.thawed:
	case <-ctx.Done():
		return errors.Join(stores.ErrUnavailable, ctx.Err())
	}
	if e.away {
		return stores.ErrUnavailable
	}
	e.messages = append(e.messages, m)
	return nil
}

type broker struct {
	end        *backEnd
	tombstones bool
	closed     bool
}

func (b *broker) Publish(ctx context.Context, list []stores.Publication) error {
	if err := b.usable(ctx); err != nil {
		return err
	}
	for _, pub := range list {
		for i := range pub.Events {
			m := BrokerMessage{Key: pub.SenderID, EventID: pub.EventID(i), Body: value.Encode(pub.Body(i), value.JSON)}
			if err := b.end.take(ctx, m); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *broker) Forget(ctx context.Context, senderID string) error {
	if err := b.usable(ctx); err != nil {
		return err
	}
	if b.tombstones {
		return b.end.take(ctx, BrokerMessage{Key: senderID})
	}
	event := value.NewMap("sender_id", senderID, "event", stores.EventDeleted, "timestamp", 1.5)
	return b.end.take(ctx, BrokerMessage{Body: value.Encode(event, value.JSON)})
}

func (b *broker) usable(ctx context.Context) error {
	if b.closed {
		return errors.New("closed")
	}
	return ctx.Err()
}

func (b *broker) Close() error {
	b.closed = true
	return nil
}
