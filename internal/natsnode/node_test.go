package natsnode

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/tlsfile"
	"github.com/parleybot/parley/internal/value"
)

// folderOfChild makes the test binary a process that owns a folder, see TestOtherProcess.
const folderOfChild = "PARLEY_TEST_NATS_FOLDER"

func TestMain(m *testing.M) {
	if folder := os.Getenv(folderOfChild); folder != "" {
		n := New(Options{Folder: folder}, nil)
		if _, err := n.Conn(context.Background()); err != nil {
			os.Stdout.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		os.Stdout.WriteString("ready\n")
		_, _ = os.Stdin.Read(make([]byte, 1))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func open(t *testing.T, o Options) *Node {
	n := New(o, nil)
	t.Cleanup(func() { require.NoError(t, n.Close()) })
	return n
}

func connect(t *testing.T, n *Node) jetstream.JetStream {
	t.Helper()
	conn, err := n.Conn(t.Context())
	require.NoError(t, err)
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	return js
}

// TestEmbedded keeps messages over a restart, shares a folder within the process, and does nothing before it is asked.
func TestEmbedded(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "state", "nats")
	idle := open(t, Options{Folder: folder})
	require.NoDirExists(t, folder)
	require.True(t, idle.Embedded())

	a, b := open(t, Options{Folder: folder}), open(t, Options{Folder: filepath.Join(folder, ".")})
	js := connect(t, a)
	_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "s"})
	require.NoError(t, err)
	_, err = js.Publish(t.Context(), "s", []byte("kept"))
	require.NoError(t, err)
	require.NoError(t, a.Close())
	require.NoError(t, a.Close())
	_, err = a.Conn(t.Context())
	require.ErrorIs(t, err, ErrClosed)

	_, err = connect(t, b).Stream(t.Context(), "s")
	require.NoError(t, err)
	require.NoError(t, b.Close())
	require.Empty(t, running.servers)

	s, err := connect(t, open(t, Options{Folder: folder})).Stream(t.Context(), "s")
	require.NoError(t, err)
	m, err := s.GetMsg(t.Context(), 1)
	require.NoError(t, err)
	require.Equal(t, "kept", string(m.Data))
}

// TestOtherProcess opens a folder that another process owns, while that lives and when it was killed.
func TestOtherProcess(t *testing.T) {
	folder := t.TempDir()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), folderOfChild+"="+folder)
	in, err := child.StdinPipe()
	require.NoError(t, err)
	defer in.Close()
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "ready\n", line)

	n := open(t, Options{Folder: folder})
	_, err = n.Conn(t.Context())
	require.ErrorIs(t, err, ErrOwned)
	require.ErrorContains(t, err, folder)

	require.NoError(t, child.Process.Kill())
	require.Error(t, child.Wait())
	_, err = n.Conn(t.Context())
	require.NoError(t, err)
}

func TestFolderThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := open(t, Options{Folder: file}).Conn(t.Context())
	require.ErrorContains(t, err, "starting nats in "+file)
}

// elsewhere starts a server with TLS and a user on a free port.
func elsewhere(t *testing.T, o *server.Options) *server.Server {
	t.Helper()
	o.Host, o.Port, o.NoLog, o.NoSigs = "127.0.0.1", server.RANDOM_PORT, true, true
	s, err := server.NewServer(o)
	require.NoError(t, err)
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	require.True(t, s.ReadyForConnections(10*time.Second))
	return s
}

func TestElsewhere(t *testing.T) {
	cert, key := certificate(t)
	own, err := tls.LoadX509KeyPair(cert, key)
	require.NoError(t, err)
	s := elsewhere(t, &server.Options{Username: "u", Password: "secret", TLS: true, TLSTimeout: 5,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS12}})

	trusting, err := tlsfile.Config(cert, "", "", "", false)
	require.NoError(t, err)
	n := open(t, Options{URLs: []string{s.ClientURL()}, Username: "u", Password: "secret", TLS: trusting})
	conn, err := n.Conn(t.Context())
	require.NoError(t, err)
	require.NoError(t, conn.FlushTimeout(10*time.Second))
	require.False(t, n.Embedded())

	for name, o := range map[string]Options{
		"password":    {Username: "u", Password: "wrong", TLS: trusting},
		"certificate": {Username: "u", Password: "secret"},
	} {
		o.URLs = []string{s.ClientURL()}
		_, err := open(t, o).Conn(t.Context())
		require.ErrorContains(t, err, "connecting to nats", name)
		require.NotContains(t, err.Error(), "secret")
	}
}

// TestReconnects has the server go away: what is sent fails at once, and works again when the server is back.
func TestReconnects(t *testing.T) {
	o := &server.Options{}
	s := elsewhere(t, o)
	port := s.Addr().(*net.TCPAddr).Port
	n := open(t, Options{URLs: []string{s.ClientURL()}})
	conn, err := n.Conn(t.Context())
	require.NoError(t, err)
	s.Shutdown()
	require.Eventually(t, func() bool { return !conn.IsConnected() }, 10*time.Second, time.Millisecond)
	require.ErrorIs(t, conn.Publish("x", nil), nats.ErrReconnectBufExceeded)

	again := *o
	again.Port = port
	back, err := server.NewServer(&again)
	require.NoError(t, err)
	back.Start()
	t.Cleanup(func() { back.Shutdown(); back.WaitForShutdown() })
	require.Eventually(t, func() bool { return conn.IsConnected() }, 10*time.Second, time.Millisecond)
	require.NoError(t, conn.Publish("x", nil))
}

func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	write := func(name, kind string, data []byte) string {
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data}), 0o600))
		return path
	}
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", keyDER)
}

func TestFromConfig(t *testing.T) {
	registry := component.NewRegistry[Options]("test")
	registry.Register(component.Spec{Name: "nats", Fields: Fields()}, FromConfig)
	read := func(options *value.Map) (Options, error) {
		return registry.Build(component.Config{Name: "nats", Options: options, Pos: "endpoints.yml:3:1"})
	}
	o, err := read(nil)
	require.NoError(t, err)
	require.Equal(t, Options{Folder: DefaultFolder, SyncAlways: true}, o)
	o, err = read(value.NewMap("url", "nats://a:4222, tls://b", "username", "u", "password", "p", "token", "t"))
	require.NoError(t, err)
	require.Equal(t, []string{"nats://a:4222", "tls://b"}, o.URLs)
	require.NotNil(t, o.TLS)
	o, err = read(value.NewMap("url", []any{"a"}, "use_ssl", true))
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, o.URLs)
	require.NotNil(t, o.TLS)

	for name, c := range map[string]struct {
		options *value.Map
		want    string
	}{
		"number":         {value.NewMap("url", int64(4222)), `option "url" must be an address`},
		"empty":          {value.NewMap("url", ""), `option "url" must be an address`},
		"list":           {value.NewMap("url", []any{int64(1)}), `option "url" must be an address`},
		"folder":         {value.NewMap("folder", ""), `option "folder" must say`},
		"credentials":    {value.NewMap("credentials", "nope.creds"), `option "credentials" cannot be used`},
		"no authorities": {value.NewMap("ssl_cafile", "nope.pem"), `option "ssl_cafile" cannot be used`},
		"no certificate": {value.NewMap("ssl_keyfile", "nope.pem"), `option "ssl_certfile" cannot be used`},
	} {
		_, err := read(c.options)
		require.ErrorContains(t, err, c.want, name)
		require.ErrorContains(t, err, "endpoints.yml:3:1", name)
	}
}
