package natsnode

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// ErrOwned is wrapped by the error for a folder that another process uses.
var ErrOwned = errors.New("the folder is in use by another process")

const (
	startTimeout = 20 * time.Second
	// syncInterval is how long a message may be on its way to the disk when it is not waited for.
	syncInterval = 5 * time.Second
	// maxPayload bounds a message, in bytes.
	maxPayload = 8 << 20
	// maxMemory bounds the streams that are kept in memory, in bytes.
	maxMemory = 64 << 20
	lockName  = "parley.lock"
)

// embedded is a server in this process and how many connections it has from here.
type embedded struct {
	*server.Server
	folder string
	lock   *os.File
	users  int
}

// running has the servers of this process, by folder.
var running = struct {
	sync.Mutex
	servers map[string]*embedded
}{servers: make(map[string]*embedded)}

// acquire returns the server that owns folder and starts it if need be. release gives it back.
func acquire(folder string, syncAlways bool, log *slog.Logger) (*embedded, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return nil, fmt.Errorf("starting nats: %w", err)
	}
	running.Lock()
	defer running.Unlock()
	e := running.servers[folder]
	if e == nil {
		if e, err = start(folder, syncAlways, log); err != nil {
			return nil, fmt.Errorf("starting nats in %s: %w", folder, err)
		}
		running.servers[folder] = e
	}
	e.users++
	return e, nil
}

// release gives a server back; the last one stops it. A nil server is fine.
func (e *embedded) release() {
	if e == nil {
		return
	}
	running.Lock()
	defer running.Unlock()
	e.users--
	if e.users > 0 {
		return
	}
	delete(running.servers, e.folder)
	e.stop()
}

func (e *embedded) stop() {
	e.Shutdown()
	e.WaitForShutdown()
	// Closing the file gives up the lock; the file stays, since another process may be waiting at it.
	_ = e.lock.Close()
}

// InProcessConn implements nats.InProcessConnProvider.
func (e *embedded) InProcessConn() (net.Conn, error) { return e.Server.InProcessConn() }

func start(folder string, syncAlways bool, log *slog.Logger) (*embedded, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	lock, err := lockFile(filepath.Join(folder, lockName))
	if err != nil {
		return nil, err
	}
	s, err := server.NewServer(&server.Options{
		ServerName:         "parley",
		DontListen:         true,
		JetStream:          true,
		StoreDir:           folder,
		SyncAlways:         syncAlways,
		SyncInterval:       syncInterval,
		JetStreamMaxMemory: maxMemory,
		JetStreamMaxStore:  -1,
		MaxPayload:         maxPayload,
		NoLog:              true,
		NoSigs:             true,

		DisableJetStreamBanner: true,
	})
	if err != nil {
		_ = lock.Close()
		return nil, err
	}
	e := &embedded{Server: s, folder: folder, lock: lock}
	s.SetLoggerV2(serverLog{log}, false, false, false)
	s.Start()
	if !s.ReadyForConnections(startTimeout) {
		e.stop()
		return nil, fmt.Errorf("the server is not ready after %s", startTimeout)
	}
	if !s.JetStreamEnabled() {
		e.stop()
		return nil, errors.New("the server has no storage; its log says why")
	}
	return e, nil
}

// serverLog hands the server's messages on; what it only notes is for debugging.
type serverLog struct{ log *slog.Logger }

func (l serverLog) say(f func(string, ...any), format string, v []any) {
	f("embedded nats-server", "text", fmt.Sprintf(format, v...))
}

func (l serverLog) Noticef(format string, v ...any) { l.say(l.log.Debug, format, v) }
func (l serverLog) Debugf(format string, v ...any)  { l.say(l.log.Debug, format, v) }
func (l serverLog) Tracef(format string, v ...any)  { l.say(l.log.Debug, format, v) }
func (l serverLog) Warnf(format string, v ...any)   { l.say(l.log.Warn, format, v) }
func (l serverLog) Errorf(format string, v ...any)  { l.say(l.log.Error, format, v) }
func (l serverLog) Fatalf(format string, v ...any)  { l.say(l.log.Error, format, v) }
