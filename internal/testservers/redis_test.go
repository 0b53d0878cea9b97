package testservers

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRedisTLS(t *testing.T) {
	s, certs := RedisTLS(t)
	ca, err := os.ReadFile(certs.CA)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(ca))
	client, err := tls.LoadX509KeyPair(certs.ClientCert, certs.ClientKey)
	require.NoError(t, err)

	ask := func(config *tls.Config) (string, error) {
		c, err := tls.Dial("tcp", s.Addr, config)
		if err != nil {
			return "", err
		}
		defer c.Close() //nolint:errcheck // nothing is left to send
		if _, err := c.Write([]byte("PING\r\n")); err != nil {
			return "", err
		}
		answer := make([]byte, 16)
		n, err := c.Read(answer)
		return strings.TrimSpace(string(answer[:n])), err
	}
	answer, err := ask(&tls.Config{RootCAs: pool, Certificates: []tls.Certificate{client}, MinVersion: tls.VersionTLS12})
	require.NoError(t, err)
	require.Equal(t, "+PONG", answer)

	_, err = ask(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12})
	require.Error(t, err, "the server wants a certificate of its clients")
}

func TestRedisCluster(t *testing.T) {
	begin := time.Now()
	c := RedisCluster(t)
	t.Logf("a cluster is ready after %s", time.Since(begin).Round(time.Millisecond))
	require.Len(t, c.Addrs, 3)
	answer, err := redisCLI(c.Addrs[0], "cluster", "keyslot", "a")
	require.NoError(t, err)
	require.Equal(t, "15495", answer)
	for i, addr := range c.Addrs {
		answer, err := redisCLI(addr, "set", "a", "1")
		require.NoError(t, err)
		require.Equal(t, []string{"MOVED 15495 " + c.Addrs[2], "MOVED 15495 " + c.Addrs[2], "OK"}[i], answer)
	}
	c.Servers[1].Kill()
	c.Servers[1].Restart()
	waitUntil(t, "the killed node to be back", func() error { return clusterOK(c.Addrs[1]) })
}

func TestSentinel(t *testing.T) {
	begin := time.Now()
	set := Sentinel(t)
	t.Logf("Sentinels are ready after %s", time.Since(begin).Round(time.Millisecond))

	_, err := redisCLI(set.master.Addr, "set", "a", "1")
	require.NoError(t, err)
	master, replica := set.Master()
	waitUntil(t, "the replica to have it", func() error { return roleIs(replica.Addr, "slave") })

	begin = time.Now()
	require.Same(t, master, set.KillMaster())
	waitUntil(t, "the replica to take over", func() error { return roleIs(replica.Addr, "master") })
	t.Logf("the replica took over after %s", time.Since(begin).Round(time.Millisecond))
	waitUntil(t, "Sentinels to say so", func() error {
		if m, _ := set.Master(); m != replica {
			return os.ErrNotExist
		}
		return nil
	})

	master.Restart()
	waitUntil(t, "the old master to be a replica", func() error { return roleIs(master.Addr, "slave") })
	require.Same(t, replica, set.Stop())
	set.Cont()
	require.NoError(t, redisPing(replica.Addr))
}

func roleIs(addr, want string) error {
	role, err := redisCLI(addr, "role")
	if err == nil && !strings.HasPrefix(role, want) {
		err = errors.New(role)
	}
	return err
}
