package redisclient_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/redisclient"
	"github.com/parleybot/parley/internal/value"
)

// build makes a client by a registry, as stores do.
func build(t *testing.T, log *slog.Logger, options *value.Map) (*redisclient.Client, error) {
	t.Helper()
	r := component.NewRegistry[*redisclient.Client]("lock store")
	r.Register(component.Spec{Name: "redis", Fields: redisclient.Fields(1)}, redisclient.New)
	c, err := r.Build(component.Config{Name: "redis", Options: options, Pos: "endpoints.yml:3:1", Env: component.Env{Logger: log}})
	if err == nil {
		t.Cleanup(func() { require.NoError(t, c.Close()) })
	}
	return c, err
}

func TestDefaultsAreRasas(t *testing.T) {
	c, err := build(t, nil, value.NewMap())
	require.NoError(t, err)
	o := c.UniversalClient.(*redis.Client).Options()
	require.Equal(t, "localhost:6379", o.Addr)
	require.Equal(t, 1, o.DB)
	require.Equal(t, 10*time.Second, o.ReadTimeout)
	require.Nil(t, o.TLSConfig)
	require.Empty(t, c.Prefix)
	require.False(t, c.Cluster)
}

func TestOptions(t *testing.T) {
	c, err := build(t, nil, value.NewMap("url", "::1", "port", "6380", "db", "3", "username", "rasa", "password", int64(1234),
		"socket_timeout", 0.5, "key_prefix", "bot7", "pool_size", int64(7), "use_ssl", true))
	require.NoError(t, err)
	o := c.UniversalClient.(*redis.Client).Options()
	require.Equal(t, "[::1]:6380", o.Addr)
	require.Equal(t, 3, o.DB)
	require.Equal(t, "rasa", o.Username)
	require.Equal(t, "1234", o.Password)
	require.Equal(t, 500*time.Millisecond, o.ReadTimeout)
	require.Equal(t, 7, o.PoolSize)
	require.False(t, o.TLSConfig.InsecureSkipVerify, "the system's authorities vouch for names only")
	require.Equal(t, "bot7:", c.Prefix)

	c, err = build(t, nil, value.NewMap("cluster", []any{"a:1", "b:2"}, "db", int64(0)))
	require.NoError(t, err)
	require.True(t, c.Cluster)
	require.IsType(t, (*redis.ClusterClient)(nil), c.UniversalClient)

	c, err = build(t, nil, value.NewMap("sentinel_master", "m", "sentinels", []any{"a:1"}))
	require.NoError(t, err)
	require.False(t, c.Cluster)
	require.Equal(t, "FailoverClient", c.UniversalClient.(*redis.Client).Options().Addr)
}

func TestKeyPrefixes(t *testing.T) {
	for prefix, want := range map[any]string{"": "", "bot": "bot:", "Zoë9²": "Zoë9²:", "a-b": "", "a:b": "", int64(7): "", false: ""} {
		var log bytes.Buffer
		c, err := build(t, slog.New(slog.NewTextHandler(&log, nil)), value.NewMap("key_prefix", prefix))
		require.NoError(t, err)
		require.Equal(t, want, c.Prefix, "%v", prefix)
		require.Equal(t, want == "" && value.Truthy(prefix), log.Len() > 0, "%v: %s", prefix, log.String())
	}
}

func TestBadOptions(t *testing.T) {
	for name, tc := range map[string]struct {
		options *value.Map
		want    string
	}{
		"url":       {value.NewMap("url", "redis://u:p@h"), `option "url" must be the name or address of a host, without scheme, user and path`},
		"port":      {value.NewMap("port", "http"), `option "port" must be an integer from 0 to 65535, not 'http'`},
		"db":        {value.NewMap("db", int64(-1)), `option "db" must be an integer from 0 to 1048576, not -1`},
		"timeout":   {value.NewMap("socket_timeout", int64(0)), `option "socket_timeout" must be a number of seconds above 0, not 0`},
		"pool":      {value.NewMap("pool_size", int64(-1)), `option "pool_size" must not be negative`},
		"cluster":   {value.NewMap("cluster", []any{"a"}, "db", int64(0)), `option "cluster" must be a list of host:port, not "a"`},
		"database":  {value.NewMap("cluster", []any{"a:1"}), `option "db" must be 0 on a Cluster, not 1`},
		"both":      {value.NewMap("cluster", []any{"a:1"}, "sentinel_master", "m", "db", int64(0)), `option "cluster" excludes sentinel_master`},
		"sentinels": {value.NewMap("sentinel_master", "m"), `option "sentinels" must list the Sentinels of sentinel_master`},
		"no master": {value.NewMap("sentinels", []any{"a:1"}), `option "sentinels" needs sentinel_master`},
		"authority": {value.NewMap("use_ssl", true, "ssl_ca_certs", "/none"),
			`option "ssl_ca_certs" cannot be used: reading certificates: open /none: no such file or directory`},
		"key": {value.NewMap("use_ssl", true, "ssl_keyfile", "k"), `option "ssl_certfile" cannot be used: a client's key needs its certificate`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := build(t, nil, tc.options)
			require.EqualError(t, err, `endpoints.yml:3:1: component "redis": `+tc.want)
		})
	}
}

// answer is an error that a server sent.
type answer string

func (a answer) Error() string { return string(a) }
func (answer) RedisError()     {}

func TestUnavailable(t *testing.T) {
	for _, err := range []error{
		io.EOF, fmt.Errorf("reading: %w", io.ErrUnexpectedEOF), &net.OpError{Op: "dial", Err: errors.New("refused")},
		context.DeadlineExceeded, redis.ErrPoolTimeout, redis.ErrClosed, errors.New("redis: all sentinels ... unreachable"),
		answer("LOADING Redis is loading"), answer("READONLY You can't write against a read only replica."),
		answer("CLUSTERDOWN The cluster is down"), answer("MASTERDOWN Link with MASTER is down"), answer("ERR max number of clients reached"),
		fmt.Errorf("saving: %w", answer("ERR Error running script (call to f_1): @user_script:3: -READONLY You can't write")),
	} {
		require.True(t, redisclient.Unavailable(err), "%v", err)
	}
	for _, err := range []error{nil, redis.Nil, context.Canceled, answer("WRONGPASS invalid password"), answer("ERR wrong number of arguments"),
		answer("NOSCRIPT No matching script")} {
		require.False(t, redisclient.Unavailable(err), "%v", err)
	}
}

func TestNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := l.Addr().(*net.TCPAddr).Port
	require.NoError(t, l.Close())
	for _, options := range []*value.Map{
		value.NewMap("url", "127.0.0.1", "port", int64(port)),
		value.NewMap("cluster", []any{fmt.Sprint("127.0.0.1:", port)}, "db", int64(0)),
		value.NewMap("sentinel_master", "m", "sentinels", []any{fmt.Sprint("127.0.0.1:", port)}),
	} {
		c, err := build(t, nil, options)
		require.NoError(t, err)
		err = c.Get(t.Context(), "k").Err()
		require.True(t, redisclient.Unavailable(err), "%v", err)
	}
}
