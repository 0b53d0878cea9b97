// Package socketio is the socket.io channel: a web page keeps a line open and messages go both ways
// (rasa/core/channels/socketio.py of Rasa 3.6.21, with the protocol as python-socketio 5.18 and python-engineio 4.15
// speak it).
//
// It is a compact server for Engine.IO 4 (polling, WebSocket, and the upgrade from one to the other) and Socket.IO 5
// (one namespace, acknowledgements, no binary events). No JSONP, no compression.
package socketio

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/component"
)

const name = "socketio"

func init() {
	channels.Registry.Register(component.Spec{
		Name:    name,
		Summary: "Messages both ways over socket.io, for web pages.",
		Source:  "rasa/core/channels/socketio.py",
		Fields: []component.Field{
			{Name: "user_message_evt", Kind: component.String, Default: "user_uttered", Doc: "The event that brings a message."},
			{Name: "bot_message_evt", Kind: component.String, Default: "bot_uttered", Doc: "The event that carries an answer."},
			{Name: "namespace", Kind: component.String, Doc: "The socket.io namespace; null means /."},
			{Name: "session_persistence", Kind: component.Bool, Default: false, Doc: "Conversations belong to the session_id, not to the socket."},
			{Name: "socketio_path", Kind: component.String, Default: "/socket.io", Doc: "The path that clients connect to."},
			{Name: "jwt_key", Kind: component.String, Doc: "The key that clients' tokens must be signed with."},
			{Name: "jwt_method", Kind: component.String, Default: "HS256", Doc: "The algorithm of those signatures."},
			{Name: "metadata_key", Kind: component.String, Default: "metadata", Doc: "The key of a message's metadata."},
		},
	}, build)
}

type options struct {
	UserEvent   string `option:"user_message_evt"`
	BotEvent    string `option:"bot_message_evt"`
	Namespace   string `option:"namespace"`
	Persistent  bool   `option:"session_persistence"`
	Path        string `option:"socketio_path"`
	JWTKey      string `option:"jwt_key"`
	JWTMethod   string `option:"jwt_method"`
	MetadataKey string `option:"metadata_key"`
}

func build(cfg component.Config) (channels.Channel, error) {
	ch := &Channel{log: cfg.Env.Logger, sessions: map[string]*session{}, rooms: map[string]map[*session]struct{}{}}
	if err := cfg.Decode(&ch.opts); err != nil {
		return nil, err
	}
	if ch.opts.Namespace == "" {
		ch.opts.Namespace = "/"
	}
	if ch.opts.Path == "" {
		ch.opts.Path = "/socket.io"
	}
	if ch.opts.JWTKey != "" {
		check, err := newTokenCheck(ch.opts.JWTKey, ch.opts.JWTMethod)
		if err != nil {
			return nil, cfg.OptionError("jwt_key", "cannot be used: %v", err)
		}
		ch.checkToken = check
	}
	ch.ctx, ch.stop = context.WithCancel(context.Background())
	return ch, nil
}

// Channel is the socket.io channel.
type Channel struct {
	opts options
	log  *slog.Logger
	// checkToken is nil when everybody may connect.
	checkToken func(token string) bool
	handle     channels.Handler

	// ctx ends with the channel: events outlive the requests that brought them.
	ctx     context.Context
	stop    context.CancelFunc
	working sync.WaitGroup

	mu       sync.Mutex
	sessions map[string]*session
	// rooms holds who gets what is sent to a socket id or a session id.
	rooms map[string]map[*session]struct{}
}

var (
	_ channels.Channel = (*Channel)(nil)
	_ channels.Closer  = (*Channel)(nil)
)

// Name returns "socketio".
func (ch *Channel) Name() string { return name }

// Mount registers the health check and the path of socket.io.
func (ch *Channel) Mount(r channels.Router, handle channels.Handler) {
	ch.handle = handle
	r.Handle(http.MethodGet, "/", channels.Health)
	path := "/" + strings.Trim(ch.opts.Path, "/")
	r.HandleRoot([]string{http.MethodPost, http.MethodOptions, http.MethodGet}, path, ch.serve)
}

// Output returns an output that reaches sockets and sessions by their id.
func (ch *Channel) Output() channels.Output { return &output{ch} }

// Close ends all sessions and waits for the events under way until ctx ends.
func (ch *Channel) Close(ctx context.Context) error {
	ch.mu.Lock()
	open := make([]*session, 0, len(ch.sessions))
	for _, s := range ch.sessions {
		open = append(open, s)
	}
	ch.mu.Unlock()
	for _, s := range open {
		s.close(true)
	}
	done := make(chan struct{})
	go func() {
		ch.working.Wait()
		close(done)
	}()
	defer ch.stop()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("closing channel %s: %w", name, ctx.Err())
	}
}

func (ch *Channel) session(id string) *session {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	return ch.sessions[id]
}

func (ch *Channel) add(s *session) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	ch.sessions[s.id] = s
}

func (ch *Channel) remove(s *session) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	delete(ch.sessions, s.id)
}

// join adds a session to a room. A session that was closed meanwhile has left all rooms for good.
func (ch *Channel) join(s *session, room string) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if s.isClosed() {
		return
	}
	if ch.rooms[room] == nil {
		ch.rooms[room] = map[*session]struct{}{}
	}
	ch.rooms[room][s] = struct{}{}
}

func (ch *Channel) leaveAll(s *session) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	for room, members := range ch.rooms {
		delete(members, s)
		if len(members) == 0 {
			delete(ch.rooms, room)
		}
	}
}

// emit sends an event to everybody in a room.
func (ch *Channel) emit(room, event string, data any) {
	ch.mu.Lock()
	members := make([]*session, 0, 1)
	for s := range ch.rooms[room] {
		members = append(members, s)
	}
	ch.mu.Unlock()
	args := []any{event}
	if data != nil {
		args = append(args, data)
	}
	message := packet{kind: packetEvent, namespace: ch.opts.Namespace, data: args, hasData: true}.encode()
	for _, s := range members {
		s.send(engineMessage + message)
	}
}

// newTokenCheck returns what tells whether a token is signed with key by one of Rasa's algorithms.
func newTokenCheck(key, method string) (func(token string) bool, error) {
	var secret any = []byte(key)
	if !strings.HasPrefix(method, "HS") {
		public, err := jwt.ParseRSAPublicKeyFromPEM([]byte(key))
		if err != nil {
			return nil, err
		}
		secret = public
	}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{method}), jwt.WithIssuedAt())
	return func(token string) bool {
		claims := jwt.MapClaims{}
		_, err := parser.ParseWithClaims(strings.ReplaceAll(token, "Bearer ", ""), claims, func(*jwt.Token) (any, error) { return secret, nil })
		_, hasAudience := claims["aud"]
		return err == nil && !hasAudience && len(claims) > 0
	}, nil
}
