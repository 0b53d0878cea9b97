package nats

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/storetest"
)

func open(t *testing.T, env component.Env, options *value.Map) *Broker {
	t.Helper()
	b, err := stores.Brokers.Build(component.Config{Name: "nats", Options: options, Pos: "endpoints.yml:7:3", Env: env})
	require.NoError(t, err)
	return b.(*Broker)
}

// outside is a server as others run it, behind a gate that can be closed and held.
type outside struct {
	folder string
	port   int
	server *server.Server
	gate   *gate
}

func start(t *testing.T) *outside {
	o := &outside{folder: t.TempDir(), port: -1}
	o.run(t)
	o.gate = newGate(t, o.server.Addr().String())
	t.Cleanup(func() {
		o.gate.close()
		o.kill()
	})
	return o
}

func (o *outside) run(t *testing.T) {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: o.port, JetStream: true, StoreDir: o.folder, NoLog: true, NoSigs: true, MaxPayload: 1 << 20})
	require.NoError(t, err)
	s.Start()
	require.True(t, s.ReadyForConnections(20*time.Second))
	o.server, o.port = s, s.Addr().(*net.TCPAddr).Port
}

func (o *outside) kill() {
	o.server.Shutdown()
	o.server.WaitForShutdown()
}

func (o *outside) options() *value.Map { return value.NewMap("url", "nats://"+o.gate.address()) }

// received reads the whole stream.
func (o *outside) received(t *testing.T, stream string) []storetest.BrokerMessage {
	t.Helper()
	conn, err := nats.Connect("127.0.0.1:" + strconv.Itoa(o.port))
	require.NoError(t, err)
	defer conn.Close()
	return readStream(t, conn, stream)
}

func readStream(t *testing.T, conn *nats.Conn, stream string) []storetest.BrokerMessage {
	t.Helper()
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err := js.Stream(ctx, stream)
	if err != nil {
		require.ErrorIs(t, err, jetstream.ErrStreamNotFound)
		return nil
	}
	info, err := s.Info(ctx)
	require.NoError(t, err)
	var list []storetest.BrokerMessage
	for i := info.State.FirstSeq; i <= info.State.LastSeq; i++ {
		m, err := s.GetMsg(ctx, i)
		require.NoError(t, err)
		body, err := value.DecodeObject(m.Data)
		require.NoError(t, err)
		require.Equal(t, "parley.events."+token(body.String("sender_id")), m.Subject)
		list = append(list, storetest.BrokerMessage{EventID: m.Header.Get("Nats-Msg-Id"), Body: m.Data})
	}
	return list
}

func TestBroker(t *testing.T) {
	t.Run("server elsewhere", func(t *testing.T) {
		storetest.Brokers(t, func(t *testing.T) storetest.BrokerTest {
			o := start(t)
			return storetest.BrokerTest{
				Open: func(t *testing.T) stores.Broker { return open(t, component.Env{}, o.options()) },
				Received: func(t *testing.T) []storetest.BrokerMessage {
					return o.received(t, "PARLEY_EVENTS")
				},
				Stop:   func(*testing.T) { o.kill() },
				Start:  func(t *testing.T) { o.run(t) },
				Freeze: func(*testing.T) { o.gate.hold() },
				Thaw:   func(*testing.T) { o.gate.letGo() },
			}
		})
	})
	t.Run("embedded", func(t *testing.T) {
		storetest.Brokers(t, func(t *testing.T) storetest.BrokerTest {
			options := value.NewMap("folder", t.TempDir())
			return storetest.BrokerTest{
				Open: func(t *testing.T) stores.Broker { return open(t, component.Env{}, options) },
				Received: func(t *testing.T) []storetest.BrokerMessage {
					reader := open(t, component.Env{}, options)
					defer reader.Close()
					conn, err := reader.node.Conn(t.Context())
					require.NoError(t, err)
					return readStream(t, conn, "PARLEY_EVENTS")
				},
			}
		})
	})
}

func publication(senderID, id string, texts ...string) stores.Publication {
	p := stores.Publication{SenderID: senderID, ID: id}
	for _, s := range texts {
		p.Events = append(p.Events, &tracker.SlotSet{Key: "s", Value: s})
	}
	return p
}

func TestRepetitionsAreDropped(t *testing.T) {
	o := start(t)
	b := open(t, component.Env{}, o.options())
	defer b.Close()
	list := []stores.Publication{publication("a.b", "c1", "1", "2"), publication("x y", "c2", "3")}
	require.NoError(t, b.Publish(t.Context(), list))
	require.NoError(t, b.Publish(t.Context(), append(list, publication("a.b", "c3", "4"))))
	var ids []string
	for _, m := range o.received(t, "PARLEY_EVENTS") {
		ids = append(ids, m.EventID)
	}
	require.ElementsMatch(t, []string{"c1-0", "c1-1", "c2-0", "c3-0"}, ids)
}

// TestStream has streams that are made as the options say, that others made, and that vanish.
func TestStream(t *testing.T) {
	o := start(t)
	conn, err := nats.Connect("127.0.0.1:" + strconv.Itoa(o.port))
	require.NoError(t, err)
	defer conn.Close()
	js, err := jetstream.New(conn)
	require.NoError(t, err)

	b := open(t, component.Env{}, o.options().Set("stream", "S").Set("subject", "a.b").Set("max_age", int64(3600)).Set("duplicate_window", 60.5))
	defer b.Close()
	for range 2 {
		require.NoError(t, b.Publish(t.Context(), []stores.Publication{publication("u", "c", "1")}))
		s, err := js.Stream(t.Context(), "S")
		require.NoError(t, err)
		c := s.CachedInfo().Config
		require.Equal(t, []any{[]string{"a.b.>"}, time.Hour, 60500 * time.Millisecond}, []any{c.Subjects, c.MaxAge, c.Duplicates})
		require.NoError(t, js.DeleteStream(t.Context(), "S"))
		err = b.Publish(t.Context(), []stores.Publication{publication("u", "c2", "1")})
		require.ErrorIs(t, err, stores.ErrUnavailable)
	}

	_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "OTHER", Subjects: []string{"other.*"}, Storage: jetstream.MemoryStorage})
	require.NoError(t, err)
	other := open(t, component.Env{}, o.options().Set("stream", "OTHER").Set("subject", "other"))
	defer other.Close()
	require.NoError(t, other.Publish(t.Context(), []stores.Publication{publication("u.v", "c", "1")}))
	elsewhere := open(t, component.Env{}, o.options().Set("stream", "OTHER").Set("subject", "nobody.listens"))
	defer elsewhere.Close()
	require.ErrorIs(t, elsewhere.Publish(t.Context(), []stores.Publication{publication("u", "c", "1")}), stores.ErrUnavailable)
}

func TestTooLargeForTheServer(t *testing.T) {
	for name, limit := range map[string]int32{"max_payload": -1, "max_msg_size": 1000} {
		t.Run(name, func(t *testing.T) {
			o := start(t)
			if limit > 0 {
				conn, err := nats.Connect("127.0.0.1:" + strconv.Itoa(o.port))
				require.NoError(t, err)
				defer conn.Close()
				js, err := jetstream.New(conn)
				require.NoError(t, err)
				_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "PARLEY_EVENTS", Subjects: []string{"parley.events.>"}, MaxMsgSize: limit})
				require.NoError(t, err)
			}
			var log bytes.Buffer
			b := open(t, component.Env{Logger: slog.New(slog.NewTextHandler(&log, nil))}, o.options())
			defer b.Close()
			long := strings.Repeat("x", 1<<20)
			require.NoError(t, b.Publish(t.Context(), []stores.Publication{publication("u", "c", "1", long, "2"), publication("v", "d", long)}))
			require.Len(t, o.received(t, "PARLEY_EVENTS"), 2)
			require.Equal(t, 2, strings.Count(log.String(), "an event is lost"))
		})
	}
}

func TestToken(t *testing.T) {
	for id, want := range map[string]string{"": "%", "u1": "u1", "a.b c": "a%2Eb+c", "*>": "%2A%3E", "é": "%C3%A9"} {
		require.Equal(t, want, token(id))
	}
	long := token(strings.Repeat("é", 100))
	require.Len(t, long, 2+64)
	require.True(t, strings.HasPrefix(long, "%%"))
}

func TestOptions(t *testing.T) {
	for key, v := range map[string]any{
		"stream": "a.b", "subject": "a.>", "replicas": int64(0), "max_age": -1.0, "duplicate_window": 0.0, "folder": "",
	} {
		_, err := stores.Brokers.Build(component.Config{Name: "nats", Pos: "endpoints.yml:7:3", Options: value.NewMap(key, v)})
		require.ErrorContains(t, err, fmt.Sprintf(`endpoints.yml:7:3: component "nats": option %q`, key))
	}
	_, err := stores.Brokers.Build(component.Config{Name: "nats", Options: value.NewMap("max_age", int64(60))})
	require.ErrorContains(t, err, "not above max_age")
}

// gate passes bytes on to a server unless it is held.
type gate struct {
	listener net.Listener
	to       string

	mu    sync.Mutex
	open  chan struct{} // closed while bytes pass
	conns []net.Conn
	done  sync.WaitGroup
}

func newGate(t *testing.T, to string) *gate {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	g := &gate{listener: l, to: to, open: make(chan struct{})}
	close(g.open)
	g.done.Go(g.accept)
	return g
}

func (g *gate) address() string { return g.listener.Addr().String() }

func (g *gate) accept() {
	for {
		in, err := g.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", g.to)
		if err != nil {
			in.Close()
			continue
		}
		g.mu.Lock()
		g.conns = append(g.conns, in, out)
		g.mu.Unlock()
		g.done.Go(func() { g.pass(in, out) })
		g.done.Go(func() { g.pass(out, in) })
	}
}

func (g *gate) pass(from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	buffer := make([]byte, 1<<16)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		g.mu.Lock()
		open := g.open
		g.mu.Unlock()
		<-open
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (g *gate) hold() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = make(chan struct{})
}

func (g *gate) letGo() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.open)
}

func (g *gate) close() {
	g.listener.Close()
	g.mu.Lock()
	for _, c := range g.conns {
		c.Close()
	}
	g.mu.Unlock()
	g.done.Wait()
}
