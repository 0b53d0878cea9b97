package mongo_test

import (
	"crypto/tls"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/testservers"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// serveTLS passes the connections of clients that show a certificate on to the shared server.
func serveTLS(t *testing.T, certs testservers.Certificates) (addr string) {
	t.Helper()
	own, err := tls.LoadX509KeyPair(certs.ServerCert, certs.ServerKey)
	require.NoError(t, err)
	to := strings.TrimPrefix(testservers.Mongo(t), "mongodb://")
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{own}, ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12})
	require.NoError(t, err)
	var done sync.WaitGroup
	done.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			done.Go(func() {
				defer client.Close()
				server, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", to)
				if err != nil {
					return
				}
				done.Go(func() {
					_, _ = io.Copy(server, client) // ends when one of them hangs up
					server.Close()
				})
				_, _ = io.Copy(client, server)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		done.Wait()
	})
	return l.Addr().String()
}

func TestTLS(t *testing.T) {
	f := factory(t, "testdata/domain.yml")
	certs, err := testservers.NewCertificates(t.TempDir())
	require.NoError(t, err)
	strangers, err := testservers.NewCertificates(t.TempDir())
	require.NoError(t, err)
	addr := serveTLS(t, certs)
	build := func(pairs ...any) stores.TrackerStore {
		s, err := stores.Trackers.Build(component.Config{Name: "mongod", Options: value.NewMap("url", "mongodb://"+addr+"/?serverSelectionTimeoutMS=3000",
			"db", testservers.Name(t)).Update(value.NewMap(pairs...))})
		require.NoError(t, err)
		return closing(t, s)
	}
	s := build("tls_ca_file", certs.CA, "tls_cert_file", certs.ClientCert, "tls_key_file", certs.ClientKey)
	turn(t, s, f, "u", "hello", 1000)
	require.Equal(t, []string{"hello"}, texts(load(t, s, f, "u")))
	_, err = build("tls_ca_file", strangers.CA, "tls_cert_file", certs.ClientCert, "tls_key_file", certs.ClientKey).Load(t.Context(), f, "u")
	require.ErrorIs(t, err, stores.ErrUnavailable)
	require.ErrorContains(t, err, "certificate")
}
