package socketio

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/coder/websocket"
	"github.com/labstack/echo/v4"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/internal/value"
)

const (
	typePlain  = "text/plain"
	typePacket = "text/plain; charset=UTF-8"

	polling      = "polling"
	webSocket    = "websocket"
	badVersion   = "The client is using an unsupported version of the Socket.IO or Engine.IO protocols"
	badTransport = "Invalid transport"
)

// serve answers a request of an Engine.IO client.
func (ch *Channel) serve(c echo.Context) error {
	transport, ok := channels.Query(c, "transport")
	if !ok {
		transport = polling
	}
	if transport != polling && transport != webSocket {
		return refuse(c, badTransport)
	}
	sid, hasSID := channels.Query(c, "sid")
	if version, _ := channels.Query(c, "EIO"); !hasSID && version != "4" {
		return refuse(c, badVersion)
	}
	if !hasSID {
		sid = "None"
	}
	if c.Request().Method == http.MethodPost {
		return ch.servePost(c, sid)
	}
	upgrade := strings.ToLower(c.Request().Header.Get("Upgrade"))
	if hasSID {
		return ch.serveGet(c, sid, transport, upgrade)
	}
	switch {
	case transport == polling:
		s := ch.open([]any{webSocket})
		return s.servePoll(c)
	case upgrade == webSocket:
		s := ch.open([]any{})
		return s.serveWebSocket(c, true)
	}
	return refuse(c, "Invalid websocket upgrade")
}

func (ch *Channel) serveGet(c echo.Context, sid, transport, upgrade string) error {
	s := ch.session(sid)
	if s == nil {
		return refuse(c, "Invalid session "+sid)
	}
	s.mu.Lock()
	closed, upgraded, upgrading := s.closed, s.upgraded, s.upgrading
	s.mu.Unlock()
	switch {
	case closed && transport == polling && s.hasWaiting():
		return s.servePoll(c)
	case closed:
		ch.remove(s)
		return refuse(c, "'Session is disconnected' "+sid)
	case upgraded:
		return refuse(c, "Unexpected HTTP request")
	case transport != polling && transport != upgrade:
		return refuse(c, badTransport)
	case upgrade == webSocket && hasToken(c.Request().Header.Get("Connection"), "upgrade"):
		return s.serveWebSocket(c, false)
	case upgrading:
		return channels.WriteText(c, http.StatusOK, typePacket, engineNoop)
	}
	return s.servePoll(c)
}

func (s *session) hasWaiting() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting) > 0
}

func (s *session) servePoll(c echo.Context) error {
	packets, err := s.poll(c.Request().Context())
	if err != nil {
		s.close(false)
		s.ch.remove(s)
		return refuse(c, "Bad Request")
	}
	return channels.WriteText(c, http.StatusOK, typePacket, strings.Join(packets, packetSeparator))
}

func (ch *Channel) servePost(c echo.Context, sid string) error {
	s := ch.session(sid)
	if s == nil {
		return refuse(c, "Invalid session "+sid)
	}
	s.mu.Lock()
	closed, upgraded := s.closed, s.upgraded
	s.mu.Unlock()
	if closed {
		ch.remove(s)
		return errors.New("'Session is disconnected'")
	}
	if upgraded {
		return refuse(c, "Unexpected HTTP request")
	}
	if c.Request().ContentLength > maxPayload {
		s.close(false)
		return refuse(c, "Bad Request")
	}
	body, err := channels.Body(c)
	if err != nil {
		return err
	}
	if err := s.receivePayload(string(body)); err != nil {
		ch.log.Debug("packet refused", "err", err)
		if errors.Is(err, errUnknownPacket) || errors.Is(err, errClosed) {
			s.close(false)
			return refuse(c, "Bad Request")
		}
	}
	return channels.WriteText(c, http.StatusOK, typePlain, "OK")
}

func refuse(c echo.Context, reason string) error {
	return channels.WriteText(c, http.StatusBadRequest, typePlain, string(value.Encode(reason, value.JSON)))
}

func hasToken(header, token string) bool {
	for part := range strings.SplitSeq(header, ",") {
		if strings.EqualFold(strings.TrimSpace(part), token) {
			return true
		}
	}
	return false
}

// serveWebSocket carries the session over a WebSocket until either side ends it. A fresh session starts with it, an
// older one moves over after the client's probe.
func (s *session) serveWebSocket(c echo.Context, fresh bool) error {
	conn, err := websocket.Accept(c.Response(), c.Request(), &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		// Accept has answered.
		if fresh {
			s.close(false)
			s.ch.remove(s)
		}
		return nil
	}
	defer conn.CloseNow()
	conn.SetReadLimit(maxPayload)
	ctx, stop := context.WithCancel(s.ch.ctx)
	defer stop()
	if !fresh && !s.probe(ctx, conn) {
		return nil
	}
	s.mu.Lock()
	s.upgraded, s.upgrading = true, false
	s.mu.Unlock()
	written := make(chan struct{})
	go func() {
		defer close(written)
		s.write(ctx, conn)
	}()
	s.read(ctx, conn)
	s.close(false)
	<-written
	s.ch.remove(s)
	return nil
}

// probe does the client's test of the new line and reports whether it may take over.
func (s *session) probe(ctx context.Context, conn *websocket.Conn) bool {
	s.mu.Lock()
	s.upgrading = true
	s.mu.Unlock()
	if s.expect(ctx, conn, enginePing+"probe") && conn.Write(ctx, websocket.MessageText, []byte(enginePong+"probe")) == nil {
		// Whatever poll is open ends.
		s.send(engineNoop)
		if s.expect(ctx, conn, engineUpgrade) {
			return true
		}
	}
	s.mu.Lock()
	s.upgrading = false
	s.mu.Unlock()
	return false
}

func (s *session) expect(ctx context.Context, conn *websocket.Conn, packet string) bool {
	ctx, stop := context.WithTimeout(ctx, pingTimeout)
	defer stop()
	_, data, err := conn.Read(ctx)
	return err == nil && string(data) == packet
}

// write sends what the session has for the client until the session is closed.
func (s *session) write(ctx context.Context, conn *websocket.Conn) {
	for {
		packets, err := s.poll(ctx)
		if err != nil || len(packets) == 0 {
			break
		}
		for _, p := range packets {
			if err := conn.Write(ctx, websocket.MessageText, []byte(p)); err != nil {
				return
			}
		}
	}
	_ = conn.Close(websocket.StatusNormalClosure, "")
}

// read takes the client's packets until the line ends or the client falls silent.
func (s *session) read(ctx context.Context, conn *websocket.Conn) {
	for {
		wait, stop := context.WithTimeout(ctx, pingInterval+pingTimeout)
		_, data, err := conn.Read(wait)
		stop()
		if err != nil {
			return
		}
		if err := s.receive(string(data)); err != nil {
			s.ch.log.Debug("packet refused", "err", err)
			if errors.Is(err, errClosed) {
				return
			}
		}
	}
}
