package rabbitmq

import (
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/testservers"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/storetest"
)

// options returns those of a broker for a server, with a queue and an exchange of their own.
func testOptions(tb testing.TB, s *testservers.Server) *value.Map {
	name := testservers.Name(tb)
	return value.NewMap("url", s.URL, "username", "guest", "password", "guest", "queues", []any{name + "_q"}, "exchange_name", name+"_x")
}

func open(tb testing.TB, options *value.Map) *Broker {
	tb.Helper()
	b, err := stores.Brokers.Build(component.Config{Name: "pika", Options: options})
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, b.Close()) })
	return b.(*Broker)
}

// queue reads what arrives in a queue.
type queue struct {
	url, name string
	messages  []amqp.Delivery
}

// read takes all messages that are there.
func (q *queue) read(tb testing.TB) []amqp.Delivery {
	tb.Helper()
	conn, err := amqp.Dial(q.url)
	require.NoError(tb, err)
	defer conn.Close() //nolint:errcheck // a test's reader
	ch, err := conn.Channel()
	require.NoError(tb, err)
	if _, err := ch.QueueDeclare(q.name, true, false, false, false, nil); err != nil {
		require.NoError(tb, err)
	}
	for {
		m, ok, err := ch.Get(q.name, true)
		require.NoError(tb, err)
		if !ok {
			return q.messages
		}
		q.messages = append(q.messages, m)
	}
}

func (q *queue) received(t *testing.T) []storetest.BrokerMessage {
	var list []storetest.BrokerMessage
	for _, m := range q.read(t) {
		list = append(list, storetest.BrokerMessage{EventID: m.MessageId, Body: m.Body})
	}
	return list
}

func TestBroker(t *testing.T) {
	s := testservers.RabbitMQServer(t, "")
	storetest.Brokers(t, func(t *testing.T) storetest.BrokerTest {
		options := testOptions(t, s)
		q := queue{url: s.URL, name: options.Value("queues").([]any)[0].(string)}
		return storetest.BrokerTest{
			Open:     func(t *testing.T) stores.Broker { return open(t, options) },
			Received: q.received,
			Stop:     func(*testing.T) { s.Kill() },
			Start:    func(*testing.T) { s.Restart() },
			Freeze:   func(*testing.T) { s.Stop() },
			Thaw:     func(*testing.T) { s.Cont() },
		}
	})
}
