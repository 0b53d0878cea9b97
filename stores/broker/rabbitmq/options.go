package rabbitmq

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/tlsfile"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// Rasa's defaults (rasa/core/brokers/pika.py, 3.6.21, and aiormq for the heartbeat).
const (
	defaultExchange  = "rasa-exchange"
	defaultQueue     = "rasa_core_events"
	defaultPort      = 5672
	defaultHeartbeat = 60 * time.Second
)

func init() {
	stores.Brokers.Register(component.Spec{
		Name:    "pika",
		Summary: "Sends events to RabbitMQ: a persistent message an event, to a fanout exchange and the queues bound to it.",
		Source:  "rasa/core/brokers/pika.py PikaEventBroker",
		Fields: []component.Field{
			{Name: "url", Kind: component.String, Doc: "The host, or an amqp:// or amqps:// URL whose path is the virtual host and whose query may set " +
				"heartbeat, timeout (both in seconds), name, auth (plain or external), cafile, certfile, keyfile and no_verify_ssl."},
			{Name: "username", Kind: component.String, Doc: "The user to log in as; may be left out when url names one."},
			{Name: "password", Kind: component.String, Doc: "The user's password."},
			{Name: "port", Kind: component.Any, Default: int64(defaultPort), Doc: "The port, unless url names one; a number or its digits."},
			{Name: "queues", Kind: component.Any, Default: defaultQueue, Doc: "The durable queues that get the events: a list, or the name of one."},
			{Name: "exchange_name", Kind: component.String, Default: defaultExchange, Doc: "The fanout exchange to which the queues are bound."},
			{Name: "should_keep_unpublished_messages", Kind: component.Bool, Default: true,
				Doc: "Whether events wait for RabbitMQ while it is away. With false they are lost then, with an error in the log."},
			{Name: "raise_on_failure", Kind: component.Bool, Default: false, Doc: "Has no effect: a turn never fails because of its events."},
			{Name: "connection_attempts", Kind: component.Int, Default: int64(20), Doc: "Has no effect: connecting is tried until it succeeds, and the server starts without."},
			{Name: "retry_delay_in_seconds", Kind: component.Float, Default: 5.0, Doc: "Has no effect: see connection_attempts."},
		},
	}, build)
}

type options struct {
	URL      string  `option:"url"`
	Username *string `option:"username"`
	Password *string `option:"password"`
	Port     any     `option:"port"`
	Queues   any     `option:"queues"`
	Exchange string  `option:"exchange_name"`
	Keep     bool    `option:"should_keep_unpublished_messages"`
	// Those without effect are read so that wrong values are found.
	Raise    bool    `option:"raise_on_failure"`
	Attempts int     `option:"connection_attempts"`
	Delay    float64 `option:"retry_delay_in_seconds"`
}

func build(cfg component.Config) (stores.Broker, error) {
	var o options
	if err := cfg.Decode(&o); err != nil {
		return nil, err
	}
	env := cfg.Env.WithDefaults()
	queues, err := queueNames(o.Queues)
	switch {
	case err != nil:
		return nil, cfg.OptionError("queues", "%v", err)
	case len(queues) == 0:
		env.Logger.Warn("no queues are named for events, " + defaultQueue + " is used")
		queues = []string{defaultQueue}
	}
	if o.Exchange == "" {
		return nil, cfg.OptionError("exchange_name", "must not be empty")
	}
	s, err := newServer(cfg, &o)
	if err != nil {
		return nil, err
	}
	if os.Getenv("RABBITMQ_SSL_KEY_PASSWORD") != "" {
		env.Logger.Warn("RABBITMQ_SSL_KEY_PASSWORD is not used: the key's file must not be encrypted")
	}
	return &Broker{
		server: s, exchange: o.Exchange, queues: queues, keep: o.Keep, appID: os.Getenv("RASA_ENVIRONMENT"),
		log: env.Logger, now: env.Now, turn: make(chan struct{}, 1),
	}, nil
}

func queueNames(v any) ([]string, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		if v == "" {
			return nil, nil
		}
		return []string{v}, nil
	case []any:
		names := make([]string, len(v))
		for i, item := range v {
			name, ok := item.(string)
			if !ok || name == "" {
				return nil, fmt.Errorf("must hold names, not %s", value.Repr(item))
			}
			names[i] = name
		}
		return names, nil
	}
	return nil, fmt.Errorf("must be a list of names, not %s", value.Repr(v))
}

// server is what a connection needs to know.
type server struct {
	address            string
	vhost              string
	username, password string
	external           bool
	name               string
	heartbeat          time.Duration
	// timeout bounds connecting.
	timeout time.Duration
	// tls is nil for connections in the clear.
	tls *tls.Config
}

func newServer(cfg component.Config, o *options) (*server, error) {
	if o.URL == "" {
		return nil, cfg.OptionError("url", "must say where RabbitMQ is")
	}
	port, err := portNumber(o.Port)
	if err != nil {
		return nil, cfg.OptionError("port", "%v", err)
	}
	u := &url.URL{Scheme: "amqp", Host: o.URL}
	cert, key := os.Getenv("RABBITMQ_SSL_CLIENT_CERTIFICATE"), os.Getenv("RABBITMQ_SSL_CLIENT_KEY")
	if strings.Contains(o.URL, "://") {
		if u, err = url.Parse(o.URL); err != nil || u.Scheme != "amqp" && u.Scheme != "amqps" || u.Hostname() == "" {
			return nil, cfg.OptionError("url", "must be a host or begin with amqp:// or amqps:// and a host") // it may hold a password
		}
	} else if strings.ContainsAny(o.URL, "/@?#") {
		return nil, cfg.OptionError("url", "must be a host or begin with amqp:// or amqps://")
	} else if cert != "" && key != "" {
		u.Scheme = "amqps"
	}
	s := &server{vhost: "/"}
	if path := strings.TrimPrefix(u.Path, "/"); path != "" {
		s.vhost = path
	}
	if s.address, err = hostPort(u.Host, port); err != nil {
		return nil, cfg.OptionError("url", "%v", err)
	}
	s.username, s.password = u.User.Username(), password(u)
	if o.Username != nil {
		s.username = *o.Username
	}
	if o.Password != nil {
		s.password = *o.Password
	}
	if err := s.readQuery(u, cert, key); err != nil {
		return nil, cfg.OptionError("url", "%v", err)
	}
	switch {
	case s.external:
	case s.username == "":
		return nil, cfg.OptionError("username", "is missing")
	case s.password == "":
		return nil, cfg.OptionError("password", "is missing")
	}
	return s, nil
}

func password(u *url.URL) string {
	p, _ := u.User.Password()
	return p
}

func portNumber(v any) (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(value.Str(v)))
	if err != nil || n < 1 || n > 65535 {
		return 0, fmt.Errorf("must be a number between 1 and 65535, not %s", value.Repr(v))
	}
	return n, nil
}

// hostPort adds the port to a host that has none.
func hostPort(host string, port int) (string, error) {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host, nil
	}
	bare := strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.Contains(bare, ":") && net.ParseIP(bare) == nil {
		return "", fmt.Errorf("names no host that can be understood")
	}
	return net.JoinHostPort(bare, strconv.Itoa(port)), nil
}

// readQuery reads the parameters that aiormq (6.4.2, connection.py) knows, and RabbitMQ's own cacertfile, to which Rasa
// sends those who set RABBITMQ_SSL_CA_FILE. Others are passed over, as there.
func (s *server) readQuery(u *url.URL, cert, key string) error {
	q := u.Query()
	seconds := func(name string, otherwise time.Duration) time.Duration {
		n, err := strconv.Atoi(q.Get(name))
		if err != nil || n <= 0 || n > 65534 {
			return otherwise
		}
		return time.Duration(n) * time.Second
	}
	s.heartbeat, s.timeout, s.name = seconds("heartbeat", defaultHeartbeat), seconds("timeout", connectLimit), q.Get("name")
	switch auth := strings.ToLower(q.Get("auth")); auth {
	case "", "plain":
	case "external":
		s.external = true
	default:
		return fmt.Errorf("has auth %q, known are plain and external", auth)
	}
	if u.Scheme == "amqp" {
		return nil
	}
	for _, name := range []string{"capath", "cadata"} {
		if q.Has(name) {
			return fmt.Errorf("has %s, which is not supported; cafile names a file of certificates", name)
		}
	}
	ca := firstOf(q.Get("cafile"), q.Get("cacertfile"), os.Getenv("RABBITMQ_SSL_CA_FILE"))
	if q.Has("certfile") {
		cert, key = q.Get("certfile"), q.Get("keyfile")
	}
	insecure := q.Has("no_verify_ssl") && q.Get("no_verify_ssl") != "0"
	host, _, err := net.SplitHostPort(s.address)
	if err != nil {
		return fmt.Errorf("has an address that cannot be understood: %w", err)
	}
	if s.tls, err = tlsfile.Config(ca, cert, key, host, insecure); err != nil {
		return fmt.Errorf("cannot be used: %w", err)
	}
	return nil
}

func firstOf(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}
