package nats

import (
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/natsnode"
	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/storetest"
)

// testConfig has a lease that a busy machine does not miss.
var testConfig = Config{
	DuplicateWindow: 500 * time.Millisecond, Lease: 3 * time.Second, MaxAttempts: 4, MinBackoff: time.Millisecond, Grace: 100 * time.Millisecond,
}

func testServer() storetest.InboxServer {
	return storetest.InboxServer{
		Window: testConfig.DuplicateWindow, Lease: testConfig.Lease, MaxAttempts: testConfig.MaxAttempts,
		// The process's connections break; whatever it says afterwards is not heard.
		Kill: func(in stores.Inbox) { _ = in.(*Inbox).node.Close() },
	}
}

// TestEmbedded has the server in the process; nodes are Inbox values of it.
func TestEmbedded(t *testing.T) {
	storetest.Inboxes(t, func(t *testing.T) storetest.InboxServer {
		folder := t.TempDir()
		s := testServer()
		s.Node = func(*testing.T) stores.Inbox {
			return New(natsnode.New(natsnode.Options{Folder: folder, SyncAlways: true}, nil), testConfig, component.Env{})
		}
		s.Restart = func(*testing.T) {} // the last one that closed has ended it
		return s
	})
}

// TestElsewhere has a server that is reached over TCP.
func TestElsewhere(t *testing.T) {
	storetest.Inboxes(t, func(t *testing.T) storetest.InboxServer {
		folder := t.TempDir()
		running := start(t, folder, server.RANDOM_PORT)
		port := running.Addr().(*net.TCPAddr).Port
		url := running.ClientURL()
		s := testServer()
		s.Node = func(*testing.T) stores.Inbox {
			return New(natsnode.New(natsnode.Options{URLs: []string{url}}, nil), testConfig, component.Env{})
		}
		s.Away = func(*testing.T) { running.Shutdown(); running.WaitForShutdown() }
		s.Back = func(t *testing.T) { running = start(t, folder, port) }
		s.Restart = func(t *testing.T) { s.Away(t); s.Back(t) }
		return s
	})
}

func start(t testing.TB, folder string, port int) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, JetStream: true, StoreDir: folder, NoLog: true, NoSigs: true})
	require.NoError(t, err)
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	require.True(t, s.ReadyForConnections(10*time.Second))
	return s
}
