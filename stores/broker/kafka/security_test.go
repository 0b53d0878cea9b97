package kafka

import (
	"bytes"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/parleybot/parley/internal/testservers"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// secured is a cluster with a listener for each security protocol. Its topics have to be made.
type secured struct {
	clear, login, tls string
	// loginTLS is reached by a name that the certificate does not have.
	loginTLS string
	certs    testservers.Certificates
	// large is how many bytes a batch may have.
	large int
}

const (
	user = "cook"
	pass = "s3cr\"et"
)

// secure starts a server again with other properties. It needs a client's certificate on the listener without a login.
func secure(t *testing.T) secured {
	t.Helper()
	s := testservers.KafkaServer(t)
	certs, err := testservers.NewCertificates(s.Dir)
	require.NoError(t, err)
	k := secured{
		clear: s.Addr, login: freeAddress(t, "127.0.0.1"), tls: freeAddress(t, "127.0.0.1"), loginTLS: freeAddress(t, "127.0.0.2"), certs: certs, large: 200_000,
	}
	var keystore []byte
	for _, file := range []string{certs.ServerKey, certs.ServerCert} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		keystore = append(keystore, text...)
	}
	require.NoError(t, os.WriteFile(filepath.Join(s.Dir, "keystore.pem"), keystore, 0o600))

	file := filepath.Join(s.Dir, "server.properties")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	more := fmt.Sprintf(",SASL_PLAINTEXT://%s,SSL://%s,SASL_SSL://%s", k.login, k.tls, k.loginTLS)
	text = regexp.MustCompile(`(?m)^((advertised\.)?listeners=.*)$`).ReplaceAll(text, []byte("${1}"+more))
	out := bytes.NewBuffer(text)
	fmt.Fprintf(out, `
auto.create.topics.enable=false
message.max.bytes=%d
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER
ssl.keystore.type=PEM
ssl.keystore.location=%s
ssl.truststore.type=PEM
ssl.truststore.location=%s
listener.name.ssl.ssl.client.auth=required
`, k.large, filepath.Join(s.Dir, "keystore.pem"), certs.CA)
	const security = "org.apache.kafka.common.security."
	for _, listener := range []string{"sasl_plaintext", "sasl_ssl"} {
		for mechanism, module := range map[string]string{
			"plain":         `plain.PlainLoginModule required user_` + user + `="s3cr\\"et"`,
			"scram-sha-256": "scram.ScramLoginModule required",
			"scram-sha-512": "scram.ScramLoginModule required",
			"oauthbearer":   `oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker"`,
		} {
			fmt.Fprintf(out, "listener.name.%s.%s.sasl.jaas.config=%s%s;\n", listener, mechanism, security, module)
		}
	}
	s.Kill()
	require.NoError(t, os.WriteFile(file, out.Bytes(), 0o600))
	s.Restart()
	addScramUsers(t, k.clear)
	return k
}

func freeAddress(t *testing.T, host string) string {
	t.Helper()
	l, err := net.Listen("tcp", host+":0")
	require.NoError(t, err)
	defer l.Close() //nolint:errcheck // nothing was accepted
	return l.Addr().String()
}

func admin(t *testing.T, address string) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(address))
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

func addScramUsers(t *testing.T, address string) {
	t.Helper()
	const iterations = 4096
	salt := []byte("salt of the kitchen")
	first, err := pbkdf2.Key(sha256.New, pass, salt, iterations, sha256.Size)
	require.NoError(t, err)
	second, err := pbkdf2.Key(sha512.New, pass, salt, iterations, sha512.Size)
	require.NoError(t, err)
	for i, salted := range [][]byte{first, second} {
		req := kmsg.NewPtrAlterUserSCRAMCredentialsRequest()
		u := kmsg.NewAlterUserSCRAMCredentialsRequestUpsertion()
		u.Name, u.Mechanism, u.Iterations, u.Salt, u.SaltedPassword = user, int8(i+1), iterations, salt, salted
		req.Upsertions = append(req.Upsertions, u)
		resp, err := req.RequestWith(t.Context(), admin(t, address))
		require.NoError(t, err)
		require.NoError(t, kerr.ErrorForCode(resp.Results[0].ErrorCode))
	}
}

// newTopic makes a topic of two partitions.
func newTopic(t *testing.T, address string) string {
	t.Helper()
	req := kmsg.NewPtrCreateTopicsRequest()
	one := kmsg.NewCreateTopicsRequestTopic()
	one.Topic, one.NumPartitions, one.ReplicationFactor = testservers.Name(t), 2, 1
	req.Topics = append(req.Topics, one)
	resp, err := req.RequestWith(t.Context(), admin(t, address))
	require.NoError(t, err)
	require.NoError(t, kerr.ErrorForCode(resp.Topics[0].ErrorCode))
	return one.Topic
}

// token is a JSON Web Token without a signature, which a cluster for development takes.
func token(claims string) string {
	enc := base64.RawURLEncoding.EncodeToString
	return enc([]byte(`{"alg":"none"}`)) + "." + enc([]byte(claims)) + "."
}

func TestSecurity(t *testing.T) {
	k := secure(t)
	valid := token(fmt.Sprintf(`{"sub":"cook","iat":%d,"exp":%d}`, time.Now().Unix(), time.Now().Add(time.Hour).Unix()))
	login := value.NewMap("url", k.login, "sasl_username", user, "sasl_password", pass)
	secret := value.NewMap("url", k.tls, "security_protocol", "SSL", "ssl_cafile", k.certs.CA, "ssl_certfile", k.certs.ClientCert, "ssl_keyfile", k.certs.ClientKey)
	both := login.Clone().Update(value.NewMap("url", k.loginTLS, "security_protocol", "SASL_SSL", "ssl_cafile", k.certs.CA))
	for _, c := range []struct {
		name    string
		options *value.Map
		change  []any
		wrong   string
	}{
		{"clear", value.NewMap("url", k.clear, "security_protocol", "PLAINTEXT"), nil, ""},
		{"PLAIN", login, nil, ""},
		{"PLAIN, wrong password", login, []any{"sasl_password", "guessed"}, "SASL_AUTHENTICATION_FAILED"},
		{"SCRAM-SHA-256", login, []any{"sasl_mechanism", "SCRAM-SHA-256"}, ""},
		{"SCRAM-SHA-512", login, []any{"sasl_mechanism", "SCRAM-SHA-512"}, ""},
		{"SCRAM-SHA-512, wrong user", login, []any{"sasl_mechanism", "SCRAM-SHA-512", "sasl_username", "x"}, "SASL_AUTHENTICATION_FAILED"},
		{"OAUTHBEARER", login, []any{"sasl_mechanism", "OAUTHBEARER", "sasl_username", nil, "sasl_password", valid}, ""},
		{"OAUTHBEARER, expired", login, []any{"sasl_mechanism", "OAUTHBEARER", "sasl_password", token(`{"sub":"cook","iat":1,"exp":2}`)}, "oauth"},
		{"SSL", secret, nil, ""},
		{"SSL, no certificate", secret, []any{"ssl_certfile", nil, "ssl_keyfile", nil}, "connecting"}, // the reason may be lost with the connection
		{"SSL, unknown authority", secret, []any{"ssl_cafile", nil}, "certificate signed by unknown authority"},
		{"SASL_SSL, other name", both, nil, "not 127.0.0.2"},
		{"SASL_SSL, name not checked", both, []any{"ssl_check_hostname", false}, ""},
		{"SASL_SSL, name not checked, unknown authority", both, []any{"ssl_check_hostname", false, "ssl_cafile", nil}, "certificate signed by unknown authority"},
		{"SASL_SSL, SCRAM-SHA-512", both, []any{"ssl_check_hostname", false, "sasl_mechanism", "SCRAM-SHA-512"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			topic := newTopic(t, k.clear)
			b := open(t, c.options.Clone().Update(value.NewMap(c.change...)).Set("topic", topic))
			err := b.Publish(t.Context(), turn("soup"))
			if c.wrong != "" {
				require.ErrorIs(t, err, stores.ErrUnavailable)
				require.ErrorContains(t, err, c.wrong)
				require.NotContains(t, err.Error(), "guessed")
				require.Empty(t, read(t, k.clear, topic))
				return
			}
			require.NoError(t, err)
			require.Equal(t, []string{"soup"}, values(t, read(t, k.clear, topic)))
		})
	}
	t.Run("too large", func(t *testing.T) { tooLarge(t, k, true) })
	t.Run("too large, limit not told", func(t *testing.T) { tooLarge(t, k, false) })
	t.Run("topic not there", func(t *testing.T) { noTopic(t, k) })
}
