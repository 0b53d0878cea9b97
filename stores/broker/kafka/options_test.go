package kafka

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

func config(options *value.Map) component.Config {
	at := func(key string) string {
		if options.Has(key) {
			return "endpoints.yml:7:3 " + key
		}
		return ""
	}
	return component.Config{Name: "kafka", Options: options, Pos: "endpoints.yml:5:3", At: at}
}

func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		url  any
		want []string
	}{
		{"kafka:9092", []string{"kafka:9092"}},
		{"kafka", []string{"kafka"}}, // the client adds Kafka's port
		{"a:1, b:2,", []string{"a:1", "b:2"}},
		{"SASL_SSL://a:1,b:2", []string{"a:1", "b:2"}},
		{[]any{"a:1", "b"}, []string{"a:1", "b"}},
	} {
		got, err := addresses(c.url)
		require.NoError(t, err)
		require.Equal(t, c.want, got)
	}
}

func TestWrongOptions(t *testing.T) {
	sasl := []any{"url", "k", "sasl_username", "u", "sasl_password", "secret"}
	for _, c := range []struct {
		options []any
		want    string
	}{
		{[]any{}, `endpoints.yml:5:3: component "kafka": option "url" must say where Kafka is`},
		{[]any{"url", " , "}, `endpoints.yml:7:3 url: component "kafka": option "url" must say where Kafka is`},
		{[]any{"url", []any{int64(1)}}, `option "url" must hold addresses, not 1`},
		{[]any{"url", true}, `option "url" must be an address or a list of them, not True`},
		{[]any{"url", "k"}, `endpoints.yml:5:3: component "kafka": option "sasl_username" is missing; security_protocol is SASL_PLAINTEXT, a cluster without logins needs PLAINTEXT or SSL`},
		{[]any{"url", "k", "sasl_username", "u"}, `option "sasl_password" is missing`},
		{[]any{"url", "k", "security_protocol", "TLS"}, `endpoints.yml:7:3 security_protocol: component "kafka": option "security_protocol" must be one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL, not "TLS"`},
		{append(sasl, "sasl_mechanism", "GSSAPI"), `option "sasl_mechanism" is GSSAPI (Kerberos), which is not available; known are PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER`},
		{append(sasl, "sasl_mechanism", "MD5"), `option "sasl_mechanism" must be one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER, not "MD5"`},
		{append(sasl, "security_protocol", "sasl_ssl", "ssl_cafile", "/nowhere.pem"), `endpoints.yml:7:3 ssl_cafile: component "kafka": option "ssl_cafile" cannot be used: reading certificates: open /nowhere.pem`},
		{[]any{"url", "k", "security_protocol", "SSL", "ssl_keyfile", "/nowhere.pem"}, `option "ssl_certfile" cannot be used: a client's key needs its certificate`},
		{[]any{"url", "k", "security_protocol", "SSL", "ssl_certfile", "/nowhere.pem"}, `option "ssl_certfile" cannot be used: reading the certificate /nowhere.pem`},
		{append(sasl, "topic", ""), `option "topic" must not be empty`},
		{append(sasl, "topic", int64(1)), `option "topic" must be a string, not 1`},
		{append(sasl, "queue_size", int64(-1)), `option "queue_size" must not be negative`},
		{append(sasl, "queue_size", "many"), `option "queue_size" must be an integer, not "many"`},
	} {
		_, err := stores.Brokers.Build(config(value.NewMap(c.options...)))
		require.ErrorContains(t, err, c.want)
		require.NotContains(t, err.Error(), "secret")
	}
}

func TestUnknownOptions(t *testing.T) {
	warnings, err := stores.Brokers.Check(config(value.NewMap("url", "k", "ssl_ca_file", "x", "security_protocol", "plain")))
	require.NoError(t, err)
	require.Len(t, warnings, 2)
	require.Contains(t, warnings[0].String(), `has no option "ssl_ca_file", it is ignored; did you mean "ssl_cafile"?`)
}
