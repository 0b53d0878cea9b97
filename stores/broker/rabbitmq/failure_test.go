package rabbitmq

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/testservers"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// turn returns a publication with an event for each text.
func turn(texts ...string) []stores.Publication {
	p := stores.Publication{SenderID: "ann", ID: "c"}
	for i, s := range texts {
		p.Events = append(p.Events, &tracker.SlotSet{Base: tracker.Base{Timestamp: float64(i)}, Key: "dish", Value: s})
	}
	return []stores.Publication{p}
}

func values(t *testing.T, deliveries []amqp.Delivery) []string {
	t.Helper()
	var list []string
	for _, d := range deliveries {
		m, err := value.DecodeObject(d.Body)
		require.NoError(t, err)
		list = append(list, m.String("value"))
	}
	return list
}

// TestSettings uses a server with TLS, a user and a virtual host of its own and a small limit of messages.
func TestSettings(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755)) //nolint:gosec // the server runs as a user of its own
	certs, err := testservers.NewCertificates(dir)
	require.NoError(t, err)
	port := freePort(t)
	s := testservers.RabbitMQServer(t, fmt.Sprintf(`listeners.ssl.default = 127.0.0.1:%d
ssl_options.cacertfile = %s
ssl_options.certfile = %s
ssl_options.keyfile = %s
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
default_vhost = the kitchen
default_user = cook@home
default_pass = p/w:@
max_message_size = 10000`, port, certs.CA, certs.ServerCert, certs.ServerKey))
	reader := "amqp://cook%40home:p%2Fw%3A%40@" + s.Addr + "/the%20kitchen"
	secure := fmt.Sprintf("amqps://localhost:%d/the%%20kitchen", port)
	own := "certfile=" + certs.ClientCert + "&keyfile=" + certs.ClientKey
	options := func(url string) *value.Map {
		name := testservers.Name(t)
		return value.NewMap("url", url, "username", "cook@home", "password", "p/w:@", "queues", name, "exchange_name", name)
	}
	publish := func(t *testing.T, o *value.Map) error {
		t.Helper()
		err := open(t, o).Publish(t.Context(), turn("soup"))
		want := []string{"soup"}
		if err != nil {
			require.ErrorIs(t, err, stores.ErrUnavailable)
			want = nil
		}
		require.Equal(t, want, values(t, (&queue{url: reader, name: o.String("queues")}).read(t)))
		return err
	}
	for name, c := range map[string]struct{ url, wrong string }{
		"clear":                    {strings.Replace(reader, "cook", "nobody", 1), ""},
		"TLS":                      {secure + "?cafile=" + certs.CA + "&" + own, ""},
		"TLS, unknown authority":   {secure + "?" + own, "certificate signed by unknown authority"},
		"TLS, nothing checked":     {secure + "?no_verify_ssl=1&" + own, ""},
		"TLS, no certificate":      {secure + "?cafile=" + certs.CA, "connecting"}, // the reason may be lost with the connection
		"virtual host not there":   {"amqp://" + s.Addr + "/pantry", "vhost"},
		"login by wrong mechanism": {"amqp://" + s.Addr + "/the%20kitchen?auth=external", "could not negotiate a shared mechanism"},
	} {
		t.Run(name, func(t *testing.T) {
			err := publish(t, options(c.url))
			if c.wrong == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, c.wrong)
			}
		})
	}
	t.Run("TLS by environment", func(t *testing.T) {
		t.Setenv("RABBITMQ_SSL_CLIENT_CERTIFICATE", certs.ClientCert)
		t.Setenv("RABBITMQ_SSL_CLIENT_KEY", certs.ClientKey)
		t.Setenv("RABBITMQ_SSL_CA_FILE", certs.CA)
		o := options("localhost").Set("port", fmt.Sprint(port))
		require.ErrorContains(t, publish(t, o), "vhost") // "/" is the only one that a host can mean
	})
	t.Run("wrong password", func(t *testing.T) {
		err := publish(t, options(reader).Set("password", "guessed"))
		require.ErrorContains(t, err, "username or password not allowed")
		require.NotContains(t, err.Error(), "guessed")
	})
	t.Run("too large", func(t *testing.T) {
		o := options(reader)
		var log bytes.Buffer
		b, err := stores.Brokers.Build(component.Config{Name: "pika", Options: o, Env: component.Env{Logger: slog.New(slog.NewTextHandler(&log, nil))}})
		require.NoError(t, err)
		defer b.Close() //nolint:errcheck // it returns none
		list := turn("soup", strings.Repeat("x", 20000), "salad")
		require.ErrorIs(t, b.Publish(t.Context(), list), stores.ErrUnavailable)
		require.NoError(t, b.Publish(t.Context(), list))
		require.Contains(t, log.String(), `\"c-1\" has 20`)
		got := values(t, (&queue{url: reader, name: o.String("queues")}).read(t))
		require.Equal(t, []string{"soup", "salad"}, got[max(0, len(got)-2):])
	})
}

// freePort returns a port that nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close() //nolint:errcheck // nothing was accepted
	return l.Addr().(*net.TCPAddr).Port
}

// admin returns a channel of its own.
func admin(t *testing.T, url string) *amqp.Channel {
	t.Helper()
	conn, err := amqp.Dial(url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() }) // the server may have gone
	ch, err := conn.Channel()
	require.NoError(t, err)
	return ch
}

// TestQueuesGone checks that events do not vanish in an exchange without queues.
func TestQueuesGone(t *testing.T) {
	url, name := testservers.RabbitMQ(t), testservers.Name(t)
	b := open(t, value.NewMap("url", url, "username", "guest", "password", "guest", "queues", name, "exchange_name", name))
	require.NoError(t, b.Publish(t.Context(), nil))
	ch := admin(t, url)
	_, err := ch.QueueDelete(name, false, false, false)
	require.NoError(t, err)
	list := turn("soup")
	require.ErrorIs(t, b.Publish(t.Context(), list), stores.ErrUnavailable)
	require.NoError(t, b.Publish(t.Context(), list))
	require.Equal(t, []string{"soup"}, values(t, (&queue{url: url, name: name}).read(t)))

	require.NoError(t, ch.ExchangeDelete(name, false, false))
	require.ErrorIs(t, b.Publish(t.Context(), list), stores.ErrUnavailable)
	require.NoError(t, b.Publish(t.Context(), list))
}

// TestTwoQueues checks that each gets all.
func TestTwoQueues(t *testing.T) {
	url, name := testservers.RabbitMQ(t), testservers.Name(t)
	b := open(t, value.NewMap("url", url, "username", "guest", "password", "guest", "queues", []any{name + "a", name + "b"}, "exchange_name", name))
	require.NoError(t, b.Publish(t.Context(), turn("soup", "salad")))
	for _, q := range []string{"a", "b"} {
		require.Equal(t, []string{"soup", "salad"}, values(t, (&queue{url: url, name: name + q}).read(t)))
	}
}

// TestOtherQueue checks that a queue that exists in another form is an error that says so, as in Rasa.
func TestOtherQueue(t *testing.T) {
	url, name := testservers.RabbitMQ(t), testservers.Name(t)
	_, err := admin(t, url).QueueDeclare(name, true, true, false, false, nil)
	require.NoError(t, err)
	b := open(t, value.NewMap("url", url, "username", "guest", "password", "guest", "queues", name, "exchange_name", name))
	err = b.Publish(t.Context(), turn("soup"))
	require.ErrorIs(t, err, stores.ErrUnavailable)
	require.ErrorContains(t, err, "declaring the queue")
	require.ErrorContains(t, err, "PRECONDITION_FAILED")
}

// TestNotKept checks that events are dropped when the options say so.
func TestNotKept(t *testing.T) {
	var log bytes.Buffer
	options := value.NewMap("url", fmt.Sprintf("127.0.0.1:%d", freePort(t)), "username", "guest", "password", "guest", "should_keep_unpublished_messages", false)
	b, err := stores.Brokers.Build(component.Config{Name: "pika", Options: options, Env: component.Env{Logger: slog.New(slog.NewTextHandler(&log, nil))}})
	require.NoError(t, err)
	require.NoError(t, b.Publish(t.Context(), turn("soup", "salad")))
	require.Contains(t, log.String(), "2 events: ")
	require.NoError(t, b.Close())
}

// TestNothingRunsAfterClose counts the library's goroutines.
func TestNothingRunsAfterClose(t *testing.T) {
	url, name := testservers.RabbitMQ(t), testservers.Name(t)
	gone := func() bool { return libraryGoroutines(t) == 0 }
	require.Eventually(t, gone, 10*time.Second, 10*time.Millisecond, "of other tests")
	b := open(t, value.NewMap("url", url, "username", "guest", "password", "guest", "queues", name, "exchange_name", name))
	require.NoError(t, b.Publish(t.Context(), turn("soup")))
	require.NotZero(t, libraryGoroutines(t))
	b.drop()
	require.NoError(t, b.Publish(t.Context(), turn("soup")))
	require.NoError(t, b.Close())
	require.Eventually(t, gone, 10*time.Second, 10*time.Millisecond)
}

func libraryGoroutines(t *testing.T) int {
	t.Helper()
	var text bytes.Buffer
	require.NoError(t, pprof.Lookup("goroutine").WriteTo(&text, 2))
	n := 0
	for _, g := range strings.Split(text.String(), "\n\n") {
		if strings.Contains(g, "amqp091") && !strings.Contains(g, "testing.tRunner") {
			n++
		}
	}
	return n
}

// TestExport checks the header of Rasa's exports, and that they are never dropped.
func TestExport(t *testing.T) {
	url, name := testservers.RabbitMQ(t), testservers.Name(t)
	options := value.NewMap("url", url, "username", "guest", "password", "guest", "queues", name, "exchange_name", name,
		"should_keep_unpublished_messages", false)
	list := turn("soup")
	list[0].ExportID = "run"
	require.NoError(t, open(t, options).Publish(t.Context(), list))
	got := (&queue{url: url, name: name}).read(t)
	require.Len(t, got, 1)
	require.Equal(t, amqp.Table{stores.ExportHeader: "run"}, got[0].Headers)
	require.JSONEq(t, `{"event": "slot", "timestamp": 0.0, "name": "dish", "value": "soup", "sender_id": "ann"}`, string(got[0].Body))

	options.Set("url", fmt.Sprintf("127.0.0.1:%d", freePort(t)))
	require.ErrorIs(t, open(t, options).Publish(t.Context(), list), stores.ErrUnavailable)
}
