package socketio

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/parleybot/parley/internal/value"
)

// Times and sizes of the Engine.IO server, as clients are told at the handshake.
const (
	pingInterval = 25 * time.Second
	pingTimeout  = 20 * time.Second
	maxPayload   = 1_000_000

	// forget is how long a closed session is remembered.
	forget = 20 * time.Second
	// maxWaiting is how many packets may wait for a client, and how many of its events for the engine.
	maxWaiting = 1000
)

var (
	errUnknownPacket = errors.New("unknown packet")
	errNoPackets     = errors.New("no packets in time")
	errClosed        = errors.New("session is closed")
)

// session is one Engine.IO session: a queue of packets to a client and one of events from it.
type session struct {
	id string
	ch *Channel

	mu sync.Mutex
	// waiting are encoded packets for the client; wake tells that there are some, or that the session was closed.
	waiting []string
	wake    chan struct{}
	// upgrading holds polls off while a WebSocket takes over; upgraded is for good.
	upgrading, upgraded, closed bool
	// timer is for the next ping or, when pinged, for the answer to it.
	timer  *time.Timer
	pinged bool
	// sid is the Socket.IO id, "" while the client is not connected to the namespace.
	sid string
	// events wait for the goroutine that handles them in order; busy tells that it runs.
	events []packet
	busy   bool
}

func newID() string {
	var raw [15]byte
	// rand.Read of crypto/rand never fails.
	_, _ = rand.Read(raw[:])
	return base64.URLEncoding.EncodeToString(raw[:])
}

// open starts a session whose first packet is the handshake.
func (ch *Channel) open(upgrades []any) *session {
	s := &session{id: newID(), ch: ch, wake: make(chan struct{}, 1)}
	ch.add(s)
	s.send(engineOpen + string(value.Encode(value.NewMap(
		"sid", s.id, "upgrades", upgrades, "pingTimeout", pingTimeout.Milliseconds(),
		"pingInterval", pingInterval.Milliseconds(), "maxPayload", int64(maxPayload)), value.Compact)))
	s.mu.Lock()
	s.timer = time.AfterFunc(pingInterval, s.onTimer)
	s.mu.Unlock()
	return s
}

// onTimer pings, or gives a client up that did not answer.
func (s *session) onTimer() {
	s.mu.Lock()
	silent := s.pinged
	if !silent && !s.closed {
		s.pinged = true
		s.timer.Reset(pingTimeout)
	}
	s.mu.Unlock()
	if silent {
		s.close(true)
		return
	}
	s.send(enginePing)
}

func (s *session) onPong() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pinged && !s.closed {
		s.pinged = false
		s.timer.Reset(pingInterval)
	}
}

// send queues a packet for the client.
func (s *session) send(packet string) {
	s.mu.Lock()
	full := len(s.waiting) >= maxWaiting
	if !s.closed && !full {
		s.waiting = append(s.waiting, packet)
	}
	s.mu.Unlock()
	if full {
		s.close(false)
		return
	}
	s.notify()
}

func (s *session) notify() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// poll waits for packets. It returns none when the session was closed, and errNoPackets when none came in time.
func (s *session) poll(ctx context.Context) ([]string, error) {
	timeout := time.NewTimer(pingInterval + pingTimeout)
	defer timeout.Stop()
	for {
		s.mu.Lock()
		packets, closed := s.waiting, s.closed
		s.waiting = nil
		s.mu.Unlock()
		if len(packets) > 0 || closed {
			return packets, nil
		}
		select {
		case <-s.wake:
		case <-timeout.C:
			return nil, errNoPackets
		case <-ctx.Done():
			return nil, errNoPackets
		}
	}
}

// close ends the session. With tell the client gets a packet that says so.
func (s *session) close(tell bool) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	if tell {
		s.waiting = append(s.waiting, engineClose)
	}
	s.closed, s.sid = true, ""
	if s.timer != nil {
		s.timer.Stop()
	}
	s.mu.Unlock()
	s.ch.leaveAll(s)
	s.notify()
	time.AfterFunc(forget, func() { s.ch.remove(s) })
}

func (s *session) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// receive takes one Engine.IO packet of the client. The errors are errUnknownPacket, errClosed and those of the
// Socket.IO packet in it.
func (s *session) receive(raw string) error {
	if raw == "" {
		return errors.New("empty packet")
	}
	if s.isClosed() {
		return errClosed
	}
	switch raw[:1] {
	case enginePong:
		s.onPong()
	case engineMessage:
		p, err := decodePacket(raw[1:])
		if err != nil {
			return err
		}
		s.receivePacket(p)
	case engineUpgrade:
		s.send(engineNoop)
	case engineClose:
		s.close(false)
	case "b":
		return errBinary
	default:
		return errUnknownPacket
	}
	return nil
}

// receivePayload takes the packets of one POST.
func (s *session) receivePayload(body string) error {
	if body == "" {
		return nil
	}
	packets := strings.Split(body, packetSeparator)
	if len(packets) > maxPackets {
		return errors.New("too many packets in payload")
	}
	for _, p := range packets {
		if err := s.receive(p); err != nil {
			return err
		}
	}
	return nil
}
