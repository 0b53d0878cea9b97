package rabbitmq

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/testservers"
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
	return component.Config{Name: "pika", Options: options, Pos: "endpoints.yml:5:3", At: at}
}

func TestServer(t *testing.T) {
	certs, err := testservers.NewCertificates(t.TempDir())
	require.NoError(t, err)
	login := []any{"username", "u", "password", "p"}
	for name, c := range map[string]struct {
		options []any
		env     map[string]string
		want    server
		tls     bool
		// serverName and clients are those of the TLS configuration.
		serverName string
		clients    int
	}{
		"host":          {options: []any{"url", "rabbit"}, want: server{address: "rabbit:5672", vhost: "/"}},
		"a host's name": {options: []any{"url", "amqp.example"}, want: server{address: "amqp.example:5672", vhost: "/"}},
		"port":          {options: []any{"url", "rabbit", "port", int64(5673)}, want: server{address: "rabbit:5673", vhost: "/"}},
		"port as text":  {options: []any{"url", "rabbit", "port", "5673"}, want: server{address: "rabbit:5673", vhost: "/"}},
		"port in host":  {options: []any{"url", "rabbit:5674"}, want: server{address: "rabbit:5674", vhost: "/"}},
		"IPv6":          {options: []any{"url", "::1"}, want: server{address: "[::1]:5672", vhost: "/"}},
		"IPv6 and port": {options: []any{"url", "amqp://[::1]:9"}, want: server{address: "[::1]:9", vhost: "/"}},
		"URL":           {options: []any{"url", "amqp://rabbit"}, want: server{address: "rabbit:5672", vhost: "/"}},
		"URL with all": {options: []any{"url", "amqp://rabbit:1/v%2Fh?heartbeat=20&timeout=3&name=me&auth=EXTERNAL&whatever=1"},
			want: server{address: "rabbit:1", vhost: "v/h", heartbeat: 20 * time.Second, timeout: 3 * time.Second, name: "me", external: true}},
		"slash as virtual host": {options: []any{"url", "amqp://rabbit//"}, want: server{address: "rabbit:5672", vhost: "/"}},
		"login in the URL":      {options: []any{"url", "amqp://a%40b:c%2Fd@rabbit", "username", nil, "password", nil}, want: server{address: "rabbit:5672", vhost: "/", username: "a@b", password: "c/d"}},
		"login wins":            {options: []any{"url", "amqp://a:b@rabbit"}, want: server{address: "rabbit:5672", vhost: "/"}},
		"TLS":                   {options: []any{"url", "amqps://rabbit:5671"}, want: server{address: "rabbit:5671", vhost: "/"}, tls: true, serverName: "rabbit"},
		"TLS with files": {options: []any{"url", "amqps://rabbit:5671?cafile=" + certs.CA + "&certfile=" + certs.ClientCert + "&keyfile=" + certs.ClientKey},
			want: server{address: "rabbit:5671", vhost: "/"}, tls: true, serverName: "rabbit", clients: 1},
		"TLS by environment": {options: []any{"url", "rabbit"}, env: map[string]string{"RABBITMQ_SSL_CLIENT_CERTIFICATE": certs.ClientCert,
			"RABBITMQ_SSL_CLIENT_KEY": certs.ClientKey, "RABBITMQ_SSL_CA_FILE": certs.CA}, want: server{address: "rabbit:5672", vhost: "/"}, tls: true, serverName: "rabbit", clients: 1},
		"half an environment": {options: []any{"url", "rabbit"}, env: map[string]string{"RABBITMQ_SSL_CLIENT_CERTIFICATE": certs.ClientCert}, want: server{address: "rabbit:5672", vhost: "/"}},
	} {
		t.Run(name, func(t *testing.T) {
			for k, v := range c.env {
				t.Setenv(k, v)
			}
			options := value.NewMap(login...).Update(value.NewMap(c.options...))
			b, err := stores.Brokers.Build(config(options))
			require.NoError(t, err)
			got := *b.(*Broker).server
			require.Equal(t, c.tls, got.tls != nil)
			if c.tls {
				require.Equal(t, c.serverName, got.tls.ServerName)
				require.Len(t, got.tls.Certificates, c.clients)
				require.False(t, got.tls.InsecureSkipVerify)
			}
			got.tls = nil
			if options.Value("username") != nil {
				c.want.username, c.want.password = "u", "p"
			}
			if c.want.heartbeat == 0 {
				c.want.heartbeat, c.want.timeout = time.Minute, 30*time.Second
			}
			require.Equal(t, c.want, got)
		})
	}
}

func TestQueues(t *testing.T) {
	for _, c := range []struct {
		queues any
		want   []string
	}{
		{nil, []string{"rasa_core_events"}},
		{"", []string{"rasa_core_events"}},
		{[]any{}, []string{"rasa_core_events"}},
		{"one", []string{"one"}},
		{[]any{"one", "two"}, []string{"one", "two"}},
	} {
		b, err := stores.Brokers.Build(config(value.NewMap("url", "h", "username", "u", "password", "p", "queues", c.queues)))
		require.NoError(t, err)
		require.Equal(t, c.want, b.(*Broker).queues)
	}
}

func TestWrongOptions(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	for _, c := range []struct {
		options []any
		want    string
	}{
		{[]any{}, `endpoints.yml:5:3: component "pika": option "url" must say where RabbitMQ is`},
		{[]any{"url", int64(3)}, `endpoints.yml:7:3 url: component "pika": option "url" must be a string, not 3`},
		{[]any{"url", "http://h"}, `option "url" must be a host or begin with amqp:// or amqps://`},
		{[]any{"url", "amqp+x://h"}, `option "url" must be a host or begin with amqp:// or amqps:// and a host`},
		{[]any{"url", "amqp://:1"}, `option "url" must be a host or begin with amqp:// or amqps:// and a host`},
		{[]any{"url", "u:secret@h"}, `option "url" must be a host or begin with amqp:// or amqps://`},
		{[]any{"url", "a:b:c"}, `option "url" names no host that can be understood`},
		{[]any{"url", "amqp://h?auth=kerberos"}, `option "url" has auth "kerberos", known are plain and external`},
		{[]any{"url", "amqps://h?cafile=" + empty}, `option "url" cannot be used: reading certificates: ` + empty + ` holds none`},
		{[]any{"url", "amqps://h?capath=/etc"}, `option "url" has capath, which is not supported; cafile names a file of certificates`},
		{[]any{"url", "h"}, `endpoints.yml:5:3: component "pika": option "username" is missing`},
		{[]any{"url", "h", "username", "u"}, `option "password" is missing`},
		{[]any{"url", "h", "port", "http"}, `endpoints.yml:7:3 port: component "pika": option "port" must be a number between 1 and 65535, not 'http'`},
		{[]any{"url", "h", "port", int64(70000)}, `option "port" must be a number between 1 and 65535, not 70000`},
		{[]any{"url", "h", "queues", int64(1)}, `option "queues" must be a list of names, not 1`},
		{[]any{"url", "h", "queues", []any{"a", nil}}, `option "queues" must hold names, not None`},
		{[]any{"url", "h", "exchange_name", ""}, `option "exchange_name" must not be empty`},
		{[]any{"url", "h", "connection_attempts", "many"}, `option "connection_attempts" must be an integer, not "many"`},
	} {
		_, err := stores.Brokers.Build(config(value.NewMap(c.options...)))
		require.ErrorContains(t, err, c.want)
		require.NotContains(t, err.Error(), "secret")
	}
}
