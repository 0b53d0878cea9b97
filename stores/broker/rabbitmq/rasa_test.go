package rabbitmq

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"strconv"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/testservers"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

var record = flag.String("record", "", "a Python with Rasa 3.6.21 that records testdata/rasa.json anew")

const recording = "testdata/rasa.json"

// run is what Rasa sent with a value of RASA_ENVIRONMENT.
type run struct {
	Environment  *string   `json:"environment"`
	ExchangeName string    `json:"exchange_name"`
	Messages     []message `json:"messages"`
}

// message is what a reader gets; of what is null there, the library makes "" here.
type message struct {
	Exchange        string         `json:"exchange"`
	RoutingKey      string         `json:"routing_key"`
	ContentType     string         `json:"content_type"`
	ContentEncoding string         `json:"content_encoding"`
	DeliveryMode    uint8          `json:"delivery_mode"`
	Priority        uint8          `json:"priority"`
	CorrelationID   string         `json:"correlation_id"`
	ReplyTo         string         `json:"reply_to"`
	Expiration      string         `json:"expiration"`
	Type            string         `json:"type"`
	UserID          string         `json:"user_id"`
	AppID           string         `json:"app_id"`
	Headers         map[string]any `json:"headers"`
	Body            string         `json:"body"`
}

func newMessage(d *amqp.Delivery) message {
	headers := map[string]any{}
	for k, v := range d.Headers {
		headers[k] = v
	}
	return message{
		Exchange: d.Exchange, RoutingKey: d.RoutingKey, ContentType: d.ContentType, ContentEncoding: d.ContentEncoding,
		DeliveryMode: d.DeliveryMode, Priority: d.Priority, CorrelationID: d.CorrelationId, ReplyTo: d.ReplyTo,
		Expiration: d.Expiration, Type: d.Type, UserID: d.UserId, AppID: d.AppId, Headers: headers, Body: string(d.Body),
	}
}

// TestRasa publishes the events that Rasa published and compares what readers get: every byte and every property. Only
// message_id differs, which is a random number there.
func TestRasa(t *testing.T) {
	url := testservers.RabbitMQ(t)
	for _, r := range readRecording(t, url) {
		name := testservers.Name(t)
		setEnvironment(t, r.Environment)
		options := value.NewMap("url", url, "username", "guest", "password", "guest", "queues", name)
		if r.ExchangeName != "" {
			options.Set("exchange_name", r.ExchangeName)
		}
		pub := stores.Publication{SenderID: "ann", ID: "c"}
		for _, m := range r.Messages {
			body, err := value.DecodeObject([]byte(m.Body))
			require.NoError(t, err)
			event, err := tracker.EventFromMap(body)
			require.NoError(t, err)
			pub.Events = append(pub.Events, event)
		}
		require.NoError(t, open(t, options).Publish(t.Context(), []stores.Publication{pub}))
		var got []message
		for i, d := range (&queue{url: url, name: name}).read(t) {
			require.Equal(t, pub.EventID(i), d.MessageId)
			got = append(got, newMessage(&d))
		}
		require.Equal(t, r.Messages, got)
	}
}

func setEnvironment(t *testing.T, v *string) {
	t.Helper()
	t.Setenv("RASA_ENVIRONMENT", "") // puts back what it was
	if v == nil {
		require.NoError(t, os.Unsetenv("RASA_ENVIRONMENT"))
		return
	}
	t.Setenv("RASA_ENVIRONMENT", *v)
}

func readRecording(t *testing.T, url string) []run {
	t.Helper()
	if *record != "" {
		uri, err := amqp.ParseURI(url)
		require.NoError(t, err)
		cmd := exec.CommandContext(t.Context(), *record, "../../../conformance/stores/record_brokers.py", "pika", strconv.Itoa(uri.Port))
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(recording, out, 0o600))
	}
	data, err := os.ReadFile(recording)
	require.NoError(t, err)
	var runs []run
	require.NoError(t, json.Unmarshal(data, &runs))
	require.NotEmpty(t, runs)
	return runs
}
