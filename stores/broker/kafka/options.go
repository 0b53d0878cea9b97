package kafka

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/tlsfile"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

const (
	defaultTopic    = "rasa_core_events"
	defaultProtocol = "SASL_PLAINTEXT"
)

var (
	protocols  = []string{"PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"}
	mechanisms = []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"}
)

func init() {
	stores.Brokers.Register(component.Spec{
		Name:    "kafka",
		Summary: "Sends events to a topic of Kafka: a record an event, keyed by the conversation.",
		Source:  "rasa/core/brokers/kafka.py KafkaEventBroker",
		Fields: []component.Field{
			{Name: "url", Kind: component.Any, Doc: "Addresses (host:port) of some of the cluster's brokers: a list, or a text with commas."},
			{Name: "topic", Kind: component.String, Default: defaultTopic, Doc: "The topic that gets the events. It is made if the cluster allows that."},
			{Name: "client_id", Kind: component.String, Default: "parley", Doc: "The name under which the cluster logs this client."},
			{Name: "partition_by_sender", Kind: component.Bool, Default: true, Doc: "Whether the sender's id is the key of records. Rasa's default is false; " +
				"then the events of a conversation spread over partitions and lose their order."},
			{Name: "security_protocol", Kind: component.String, Default: defaultProtocol, Choices: protocols, Doc: "How brokers are talked to, in any case."},
			{Name: "sasl_mechanism", Kind: component.String, Default: "PLAIN", Choices: mechanisms, Doc: "How to log in with one of the SASL protocols. GSSAPI is not available."},
			{Name: "sasl_username", Kind: component.String, Doc: "The user to log in as."},
			{Name: "sasl_password", Kind: component.String, Doc: "The user's password; for OAUTHBEARER the token."},
			{Name: "ssl_cafile", Kind: component.String, Doc: "A file with the certificates to trust. Default: those of the system."},
			{Name: "ssl_certfile", Kind: component.String, Doc: "A file with the client's own certificate."},
			{Name: "ssl_keyfile", Kind: component.String, Doc: "A file with the key of that certificate."},
			{Name: "ssl_check_hostname", Kind: component.Bool, Default: true, Doc: "Whether a broker's certificate must name its host. Rasa's default is false."},
			{Name: "queue_size", Kind: component.Int, Default: int64(0), Doc: "How many records may be on their way at once. 0 is the client's own limit of 50,000."},
		},
	}, build)
}

type options struct {
	URL           any    `option:"url"`
	Topic         string `option:"topic"`
	ClientID      string `option:"client_id"`
	BySender      bool   `option:"partition_by_sender"`
	Protocol      string `option:"security_protocol"`
	Mechanism     string `option:"sasl_mechanism"`
	Username      string `option:"sasl_username"`
	Password      string `option:"sasl_password"`
	CAFile        string `option:"ssl_cafile"`
	CertFile      string `option:"ssl_certfile"`
	KeyFile       string `option:"ssl_keyfile"`
	CheckHostname bool   `option:"ssl_check_hostname"`
	QueueSize     int    `option:"queue_size"`
}

func build(cfg component.Config) (stores.Broker, error) {
	var o options
	if err := cfg.Decode(&o); err != nil {
		return nil, err
	}
	seeds, err := addresses(o.URL)
	if err != nil {
		return nil, cfg.OptionError("url", "%v", err)
	}
	if o.Topic == "" {
		return nil, cfg.OptionError("topic", "must not be empty")
	}
	if o.QueueSize < 0 {
		return nil, cfg.OptionError("queue_size", "must not be negative")
	}
	opts := []kgo.Opt{
		kgo.SeedBrokers(seeds...), kgo.DefaultProduceTopic(o.Topic), kgo.ClientID(cmp.Or(o.ClientID, "parley")),
	}
	if o.QueueSize > 0 {
		opts = append(opts, kgo.MaxBufferedRecords(o.QueueSize))
	}
	security, err := o.security(cfg)
	if err != nil {
		return nil, err
	}
	env := cfg.Env.WithDefaults()
	b := &Broker{
		opts: append(opts, security...), seeds: strings.Join(seeds, ","), topic: o.Topic, bySender: o.BySender, environment: environment(),
		log: env.Logger, now: env.Now, turn: make(chan struct{}, 1),
	}
	b.limit.Store(defaultLimit)
	return b, nil
}

// environment returns what records say of RASA_ENVIRONMENT. An empty one is left out, as in Rasa.
func environment() []kgo.RecordHeader {
	v, set := os.LookupEnv("RASA_ENVIRONMENT")
	if !set {
		v = "RASA_ENVIRONMENT_NOT_SET"
	}
	if v == "" {
		return nil
	}
	return []kgo.RecordHeader{{Key: "RASA_ENVIRONMENT", Value: []byte(v)}}
}

// addresses reads the url, in librdkafka's form: commas between addresses, each of which may begin with a protocol.
func addresses(v any) ([]string, error) {
	var texts []string
	switch v := v.(type) {
	case nil:
		return nil, errors.New("must say where Kafka is")
	case string:
		texts = strings.Split(v, ",")
	case []any:
		for _, item := range v {
			s, ok := item.(string)
			if !ok {
				return nil, fmt.Errorf("must hold addresses, not %s", value.Repr(item))
			}
			texts = append(texts, s)
		}
	default:
		return nil, fmt.Errorf("must be an address or a list of them, not %s", value.Repr(v))
	}
	var list []string
	for _, s := range texts {
		if _, rest, ok := strings.Cut(s, "://"); ok {
			s = rest
		}
		if s = strings.TrimSpace(s); s != "" {
			list = append(list, s)
		}
	}
	if len(list) == 0 {
		return nil, errors.New("must say where Kafka is")
	}
	return list, nil
}

// security makes the client's options of the protocol, the login and the certificates.
func (o *options) security(cfg component.Config) ([]kgo.Opt, error) {
	protocol := strings.ToUpper(o.Protocol)
	if !slices.Contains(protocols, protocol) {
		return nil, cfg.OptionError("security_protocol", "must be one of %s, not %q", strings.Join(protocols, ", "), o.Protocol)
	}
	var opts []kgo.Opt
	if strings.HasPrefix(protocol, "SASL_") {
		mechanism, err := o.login(cfg)
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.SASL(mechanism))
	}
	if strings.HasSuffix(protocol, "SSL") {
		c, err := o.tls(cfg)
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.DialTLSConfig(c))
	}
	return opts, nil
}

func (o *options) login(cfg component.Config) (sasl.Mechanism, error) {
	mechanism := strings.ToUpper(cmp.Or(o.Mechanism, "PLAIN"))
	switch {
	case mechanism == "GSSAPI":
		return nil, cfg.OptionError("sasl_mechanism", "is GSSAPI (Kerberos), which is not available; known are %s", strings.Join(mechanisms, ", "))
	case !slices.Contains(mechanisms, mechanism):
		return nil, cfg.OptionError("sasl_mechanism", "must be one of %s, not %q", strings.Join(mechanisms, ", "), o.Mechanism)
	case mechanism != "OAUTHBEARER" && o.Username == "":
		return nil, cfg.OptionError("sasl_username", "is missing; security_protocol is %s, a cluster without logins needs PLAINTEXT or SSL", o.Protocol)
	case o.Password == "":
		return nil, cfg.OptionError("sasl_password", "is missing")
	}
	switch mechanism {
	case "SCRAM-SHA-256":
		return scram.Auth{User: o.Username, Pass: o.Password}.AsSha256Mechanism(), nil
	case "SCRAM-SHA-512":
		return scram.Auth{User: o.Username, Pass: o.Password}.AsSha512Mechanism(), nil
	case "OAUTHBEARER":
		return oauth.Auth{Token: o.Password}.AsMechanism(), nil
	}
	return plain.Auth{User: o.Username, Pass: o.Password}.AsMechanism(), nil
}

func (o *options) tls(cfg component.Config) (*tls.Config, error) {
	c, err := tlsfile.Config(o.CAFile, "", "", "", false)
	if err != nil {
		return nil, cfg.OptionError("ssl_cafile", "cannot be used: %v", err)
	}
	if o.CertFile != "" || o.KeyFile != "" {
		own, err := tlsfile.Config("", o.CertFile, o.KeyFile, "", false)
		if err != nil {
			return nil, cfg.OptionError("ssl_certfile", "cannot be used: %v", err)
		}
		c.Certificates = own.Certificates
	}
	if !o.CheckHostname {
		// The certificate must still be one that is trusted: only its name is not looked at.
		c.InsecureSkipVerify = true
		c.VerifyConnection = func(state tls.ConnectionState) error { return trusted(state, c.RootCAs) }
	}
	return c, nil
}

func trusted(state tls.ConnectionState, roots *x509.CertPool) error {
	if len(state.PeerCertificates) == 0 {
		return errors.New("the broker shows no certificate")
	}
	among := x509.NewCertPool()
	for _, c := range state.PeerCertificates[1:] {
		among.AddCert(c)
	}
	_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: among})
	return err
}
