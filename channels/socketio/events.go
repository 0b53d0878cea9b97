package socketio

import (
	"context"
	"fmt"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/internal/value"
)

// receivePacket acts on a Socket.IO packet. Events are handled by a goroutine of the session, one after the other.
func (s *session) receivePacket(p packet) {
	switch p.kind {
	case packetConnect:
		s.connect(p)
	case packetDisconnect:
		if p.namespace == s.ch.opts.Namespace {
			s.mu.Lock()
			s.sid = ""
			s.mu.Unlock()
			s.ch.leaveAll(s)
		}
	case packetEvent:
		s.queue(p)
	}
}

func (s *session) connect(p packet) {
	answer := packet{kind: packetConnectError, namespace: p.namespace, hasData: true}
	switch {
	case p.namespace != s.ch.opts.Namespace:
		answer.data = "Unable to connect"
	case !s.ch.mayConnect(p.data):
		answer.data = value.NewMap("message", "Connection rejected by server")
	default:
		sid := newID()
		s.ch.leaveAll(s)
		s.mu.Lock()
		s.sid = sid
		s.mu.Unlock()
		s.ch.join(s, sid)
		answer.kind, answer.data = packetConnect, value.NewMap("sid", sid)
	}
	s.send(engineMessage + answer.encode())
}

// mayConnect checks the token in the data of a connect packet.
func (ch *Channel) mayConnect(data any) bool {
	if ch.checkToken == nil {
		return true
	}
	auth, _ := data.(*value.Map)
	token := auth.String("token")
	return token != "" && ch.checkToken(token)
}

// queue hands an event to the session's goroutine.
func (s *session) queue(p packet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sid == "" || p.namespace != s.ch.opts.Namespace || len(s.events) >= maxWaiting {
		return
	}
	s.events = append(s.events, p)
	if !s.busy {
		s.busy = true
		s.ch.working.Add(1)
		go s.work()
	}
}

func (s *session) work() {
	defer s.ch.working.Done()
	for {
		s.mu.Lock()
		if len(s.events) == 0 {
			s.busy = false
			s.mu.Unlock()
			return
		}
		p, sid := s.events[0], s.sid
		s.events = s.events[1:]
		s.mu.Unlock()
		if sid != "" {
			s.dispatch(sid, p)
		}
	}
}

func (s *session) dispatch(sid string, p packet) {
	defer func() {
		if problem := recover(); problem != nil {
			s.ch.log.Error("event failed", "sender_id", sid, "err", fmt.Errorf("panic: %v", problem))
		}
	}()
	known, err := s.event(sid, p)
	if err != nil {
		s.ch.log.Error("event failed", "sender_id", sid, "err", err)
		return
	}
	if known && p.id != "" {
		ack := packet{kind: packetAck, namespace: p.namespace, id: p.id, data: []any{}, hasData: true}
		s.send(engineMessage + ack.encode())
	}
}

// event runs the handler of an event; known tells whether there is one.
func (s *session) event(sid string, p packet) (known bool, err error) {
	name, args, err := p.event()
	if err != nil {
		return false, err
	}
	switch name {
	case "session_request", s.ch.opts.UserEvent:
	default:
		return false, nil
	}
	if len(args) != 1 {
		return true, fmt.Errorf("event %q has %d arguments instead of one", name, len(args))
	}
	if name == s.ch.opts.UserEvent {
		return true, s.userMessage(s.ch.ctx, sid, args[0])
	}
	return true, s.sessionRequest(sid, args[0])
}

// sessionRequest confirms the session id the client asks for, or gives it a new one.
func (s *session) sessionRequest(sid string, data any) error {
	m, ok := data.(*value.Map)
	if !ok && data != nil {
		return fmt.Errorf("session_request with a %s", value.TypeName(data))
	}
	id := m.Value("session_id")
	if id == nil {
		id = newHexID()
	}
	if s.ch.opts.Persistent {
		s.ch.join(s, value.Str(id))
	}
	s.ch.emit(sid, "session_confirm", id)
	return nil
}

func (s *session) userMessage(ctx context.Context, sid string, data any) error {
	m, ok := data.(*value.Map)
	if !ok {
		return fmt.Errorf("a message that is a %s", value.TypeName(data))
	}
	msg := channels.UserMessage{SenderID: sid, InputChannel: name, Output: s.ch.Output()}
	if s.ch.opts.Persistent {
		id := m.Value("session_id")
		if !value.Truthy(id) {
			s.ch.log.Warn("ignoring a message without session_id: the client must send session_request first")
			return nil
		}
		msg.SenderID = value.Str(id)
	}
	if v, given := m.Get("message"); given {
		text, ok := v.(string)
		if !ok {
			return fmt.Errorf("the message's text is a %s", value.TypeName(v))
		}
		msg.Text = value.Strip(text)
	}
	var err error
	if msg.Metadata, err = metadata(m.Value(s.ch.opts.MetadataKey)); err != nil {
		return err
	}
	return s.ch.handle(ctx, &msg)
}

// metadata takes an object, or JSON that holds one.
func metadata(v any) (*value.Map, error) {
	if text, ok := v.(string); ok {
		var err error
		if v, err = value.DecodeString(text); err != nil {
			return nil, fmt.Errorf("reading metadata: %w", err)
		}
	}
	if !value.Truthy(v) {
		return nil, nil
	}
	m, ok := v.(*value.Map)
	if !ok {
		return nil, fmt.Errorf("metadata is a %s, not an object", value.TypeName(v))
	}
	return m, nil
}
