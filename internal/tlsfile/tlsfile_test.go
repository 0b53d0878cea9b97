package tlsfile

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// selfSigned writes a certificate for name and its key, and a file with both.
func selfSigned(t *testing.T, name string) (cert, key, both string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
	dir := t.TempDir()
	write := func(file string, data []byte) string {
		path := filepath.Join(dir, file)
		require.NoError(t, os.WriteFile(path, data, 0o600))
		return path
	}
	return write("cert.pem", certPEM), write("key.pem", keyPEM), write("both.pem", bytes.Join([][]byte{keyPEM, certPEM}, nil))
}

// greet answers one connection that shows the wanted client certificate and returns what the client got.
func greet(t *testing.T, server, client *tls.Config) (string, error) {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", server)
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "hello") // a client that refuses the certificate is a case
	}()
	defer func() { l.Close(); <-done }()
	conn, err := (&tls.Dialer{NetDialer: &net.Dialer{Timeout: 5 * time.Second}, Config: client}).DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		return "", err
	}
	defer conn.Close()
	data, err := io.ReadAll(conn)
	return string(data), err
}

func TestConnecting(t *testing.T) {
	cert, key, both := selfSigned(t, "db.example")
	clientCert, clientKey, clientBoth := selfSigned(t, "parley")
	own, err := tls.LoadX509KeyPair(cert, key)
	require.NoError(t, err)
	server := &tls.Config{Certificates: []tls.Certificate{own}, ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12}
	for _, c := range []struct {
		name, ca, cert, key, serverName string
		insecure, works                 bool
	}{
		{"certificate and key", cert, clientCert, clientKey, "db.example", false, true},
		{"one file with both", both, clientBoth, "", "db.example", false, true},
		{"other name", cert, clientCert, clientKey, "elsewhere.example", false, false},
		{"not trusted", "", clientCert, clientKey, "db.example", false, false},
		{"not checked", "", clientCert, clientKey, "", true, true},
		{"no certificate of its own", cert, "", "", "db.example", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, err := Config(c.ca, c.cert, c.key, c.serverName, c.insecure)
			require.NoError(t, err)
			got, err := greet(t, server, client)
			if !c.works {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, "hello", got)
		})
	}
}

func TestErrors(t *testing.T) {
	cert, key, _ := selfSigned(t, "db.example")
	for _, c := range []struct{ name, ca, cert, key, want string }{
		{"no such authority", "/nowhere/ca.pem", "", "", "reading certificates: open /nowhere/ca.pem: no such file or directory"},
		{"no certificate in it", key, "", "", "reading certificates: " + key + " holds none"},
		{"key alone", "", "", key, "a client's key needs its certificate"},
		{"no key", "", cert, "", "reading the certificate " + cert + " with the key " + cert},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Config(c.ca, c.cert, c.key, "", false)
			require.ErrorContains(t, err, c.want)
		})
	}
}
