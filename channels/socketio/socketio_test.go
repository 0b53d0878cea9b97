package socketio

import (
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/channels/channeltest"
	"github.com/parleybot/parley/internal/value"
)

// client is a socket.io client that polls.
type client struct {
	t    *testing.T
	base string
	sid  string
	// waiting are packets that came with others.
	waiting []string
}

func connect(t *testing.T, base string) *client {
	t.Helper()
	c := &client{t: t, base: strings.TrimSuffix(base, "/") + "/socket.io"}
	c.sid = sidOf(t, c.poll())
	return c
}

func sidOf(t *testing.T, packet string) string {
	t.Helper()
	found := regexp.MustCompile(`"sid":"([A-Za-z0-9_-]{20})"`).FindStringSubmatch(packet)
	require.NotNil(t, found, packet)
	return found[1]
}

func (c *client) url() string {
	u := c.base + "?EIO=4&transport=polling"
	if c.sid != "" {
		u += "&sid=" + c.sid
	}
	return u
}

func (c *client) poll() string {
	c.t.Helper()
	if len(c.waiting) == 0 {
		status, body := get(c.t, c.url())
		require.Equal(c.t, http.StatusOK, status, body)
		c.waiting = strings.Split(body, packetSeparator)
	}
	p := c.waiting[0]
	c.waiting = c.waiting[1:]
	return p
}

func (c *client) post(packets ...string) string {
	c.t.Helper()
	resp, err := http.Post(c.url(), "text/plain", strings.NewReader(strings.Join(packets, packetSeparator)))
	require.NoError(c.t, err)
	return read(c.t, resp)
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	require.NoError(t, err)
	return resp.StatusCode, read(t, resp)
}

func read(t *testing.T, resp *http.Response) string {
	t.Helper()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(body)
}

func serve(t *testing.T, handle channels.Handler, options ...any) string {
	t.Helper()
	return channeltest.Serve(t, channeltest.New(t, name, value.NewMap(options...)), handle)
}

func TestPolling(t *testing.T) {
	var got channels.UserMessage
	base := serve(t, func(ctx context.Context, m *channels.UserMessage) error {
		got = *m
		return channeltest.Echo(ctx, m)
	})
	c := connect(t, base)
	require.Equal(t, "OK", c.post("40"))
	sid := sidOf(t, c.poll())
	require.NotEqual(t, c.sid, sid)
	c.post(`42["session_request",{"session_id":"mine"}]`)
	require.Equal(t, `42["session_confirm","mine"]`, c.poll())
	c.post(`42["session_request",null]`)
	require.Regexp(t, `^42\["session_confirm","[0-9a-f]{32}"\]$`, c.poll())
	c.post(`42["user_uttered",{"message":" a\n\nb ","metadata":"{\"k\": 1}"}]`, `4207["user_uttered",{"message":"c"}]`)
	require.Equal(t, `42["bot_uttered",{"text":"a"}]`, c.poll())
	require.Equal(t, `42["bot_uttered",{"text":"b"}]`, c.poll())
	require.Equal(t, `42["bot_uttered",{"text":"c"}]`, c.poll())
	require.Equal(t, `437[]`, c.poll(), "the acknowledgement that was asked for")
	got.Output = nil
	require.Equal(t, channels.UserMessage{Text: "c", SenderID: sid, InputChannel: "socketio"}, got)
	c.post(`42["nobody_listens",{}]`, `42["user_uttered",5]`, `42["user_uttered",{"message":"fail"}]`, "40/other,")
	require.Equal(t, `44/other,"Unable to connect"`, c.poll())
	require.Equal(t, "OK", c.post("41", `42["user_uttered",{"message":"lost"}]`, "1"))
	status, body := get(t, c.url())
	require.Equal(t, http.StatusBadRequest, status)
	require.Equal(t, `"'Session is disconnected' `+c.sid+`"`, body)
	_, body = get(t, c.url())
	require.Equal(t, `"Invalid session `+c.sid+`"`, body)
}

func TestRefusals(t *testing.T) {
	base := serve(t, channeltest.Echo)
	for path, want := range map[string]string{
		"/socket.io?transport=polling":                  `"` + badVersion + `"`,
		"/socket.io?EIO=3":                              `"` + badVersion + `"`,
		"/socket.io?EIO=4&transport=pigeon":             `"Invalid transport"`,
		"/socket.io?EIO=4&transport=websocket":          `"Invalid websocket upgrade"`,
		"/socket.io?EIO=4&transport=polling&sid=nobody": `"Invalid session nobody"`,
	} {
		status, body := get(t, base+path)
		require.Equal(t, http.StatusBadRequest, status, path)
		require.Equal(t, want, body, path)
	}
	c := connect(t, base)
	require.Equal(t, `"Bad Request"`, c.post("9"), "an unknown packet ends the session")
	c = connect(t, base)
	require.Equal(t, "OK", c.post("4nonsense", "45-[]", "bAAAA"), "broken messages are left out")
	require.Equal(t, "OK", c.post(strings.Split(strings.Repeat("3", maxPackets+1), "")...))
	c.post("40")
	require.Contains(t, c.poll(), "40{")
}

// TestPersistentSessions has two sockets of one session; the second one takes the conversation over.
func TestPersistentSessions(t *testing.T) {
	base := serve(t, channeltest.Echo, "session_persistence", true, "namespace", "/chat")
	first, second := connect(t, base), connect(t, base)
	for _, c := range []*client{first, second} {
		c.post("40/chat,", `42/chat,["session_request",{"session_id":"s"}]`)
		require.Contains(t, c.poll(), "40/chat,{")
		require.Equal(t, `42/chat,["session_confirm","s"]`, c.poll())
	}
	second.post(`42/chat,["user_uttered",{"message":"ignored"}]`, `42/chat,["user_uttered",{"message":"hi","session_id":"s"}]`)
	for _, c := range []*client{first, second} {
		require.Equal(t, `42/chat,["bot_uttered",{"text":"hi"}]`, c.poll())
	}
}

func TestToken(t *testing.T) {
	base := serve(t, channeltest.Echo, "jwt_key", "k")
	sign := func(key string, claims jwt.MapClaims) string {
		token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(key))
		require.NoError(t, err)
		return token
	}
	for _, c := range []struct{ name, auth, want string }{
		{"right", `{"token":"Bearer ` + sign("k", jwt.MapClaims{"a": 1}) + `"}`, `40{"sid":`},
		{"wrong key", `{"token":"` + sign("x", jwt.MapClaims{"a": 1}) + `"}`, `44{"message":"Connection rejected by server"}`},
		{"expired", `{"token":"` + sign("k", jwt.MapClaims{"exp": 1}) + `"}`, `44{`},
		{"no claims", `{"token":"` + sign("k", jwt.MapClaims{}) + `"}`, `44{`},
		{"no token", "", `44{`},
	} {
		t.Run(c.name, func(t *testing.T) {
			cl := connect(t, base)
			cl.post("40" + c.auth)
			require.Contains(t, cl.poll(), c.want)
		})
	}
}

func TestWebSocket(t *testing.T) {
	base := serve(t, channeltest.Echo)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, base+"/socket.io?EIO=4&transport=websocket", nil)
	require.NoError(t, err)
	defer conn.CloseNow()
	send := func(p string) { require.NoError(t, conn.Write(ctx, websocket.MessageText, []byte(p))) }
	receive := func() string {
		_, data, err := conn.Read(ctx)
		require.NoError(t, err)
		return string(data)
	}
	require.Contains(t, receive(), `"upgrades":[]`)
	send("40")
	require.Contains(t, receive(), `40{"sid":`)
	send(`42["user_uttered",{"message":"hi"}]`)
	require.Equal(t, `42["bot_uttered",{"text":"hi"}]`, receive())
}

// TestUpgrade moves a polling session to a WebSocket.
func TestUpgrade(t *testing.T) {
	base := serve(t, channeltest.Echo)
	c := connect(t, base)
	c.post("40")
	c.poll()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, base+"/socket.io?EIO=4&transport=websocket&sid="+c.sid, nil)
	require.NoError(t, err)
	defer conn.CloseNow()
	send := func(p string) { require.NoError(t, conn.Write(ctx, websocket.MessageText, []byte(p))) }
	send("2probe")
	_, data, err := conn.Read(ctx)
	require.NoError(t, err)
	require.Equal(t, "3probe", string(data))
	send("5")
	send(`42["user_uttered",{"message":"hi"}]`)
	for string(data) != `42["bot_uttered",{"text":"hi"}]` {
		_, data, err = conn.Read(ctx)
		require.NoError(t, err)
	}
	_, body := get(t, c.url())
	require.Equal(t, `"Unexpected HTTP request"`, body)
}

func TestPings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ch := channeltest.New(t, name, nil).(*Channel)
		s := ch.open([]any{webSocket})
		packets, err := s.poll(t.Context())
		require.NoError(t, err)
		require.Contains(t, packets[0], `"pingInterval":25000`)
		for range 3 {
			packets, err = s.poll(t.Context())
			require.NoError(t, err)
			require.Equal(t, []string{enginePing}, packets)
			require.NoError(t, s.receive(enginePong))
		}
		packets, err = s.poll(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{enginePing}, packets)
		packets, err = s.poll(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{engineClose}, packets, "a client that does not answer is gone")
		require.ErrorIs(t, s.receive(enginePong), errClosed)
		require.NotNil(t, ch.session(s.id))
		time.Sleep(forget + time.Second)
		require.Nil(t, ch.session(s.id), "it is forgotten after a while")
	})
}

func TestOutput(t *testing.T) {
	cases := []struct{ name, message, want string }{
		{"buttons below paragraphs", `{"text": "a\n\nb", "buttons": [{"title": "T", "payload": "/p", "x": 1}]}`,
			`42["bot_uttered",{"text":"a","quick_replies":[]}]` + "\n" +
				`42["bot_uttered",{"text":"b","quick_replies":[{"content_type":"text","title":"T","payload":"/p"}]}]`},
		{"image", `{"image": "i"}`, `42["bot_uttered",{"attachment":{"type":"image","payload":{"src":"i"}}}]`},
		{"attachment", `{"attachment": {"a": 1}}`, `42["bot_uttered",{"attachment":{"a":1}}]`},
		{"elements", `{"elements": [{"title": "t"}]}`,
			`42["bot_uttered",{"attachment":{"type":"template","payload":{"template_type":"generic","elements":{"title":"t"}}}}]`},
		{"custom data", `{"custom": {"data": [1]}}`, `42["bot_uttered",[1]]`},
		{"custom for somebody else", `{"custom": {"data": 1, "room": "other"}}`, ``},
		{"other custom", `{"custom": {"blocks": 1}}`, `error: sending a custom payload: socketio shows only what is under "data", not "blocks"`},
		{"button without title", `{"text": "a", "buttons": [{"payload": "/p"}]}`, `error: button 1 has no title or no payload`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			ch := channeltest.New(t, name, nil).(*Channel)
			s := ch.open(nil)
			defer s.close(false)
			s.waiting = nil
			s.receivePacket(packet{kind: packetConnect, namespace: "/"})
			s.waiting = nil
			m, err := value.DecodeObject([]byte(c.message))
			require.NoError(t, err)
			got := ""
			if err := ch.Output().Send(t.Context(), s.sid, m); err != nil {
				got = "error: " + err.Error()
			} else {
				got = strings.Join(s.waiting, "\n")
			}
			require.Equal(t, c.want, got)
		})
	}
}

// FuzzFrames sends payloads to a connected session: nothing panics, and what is answered can be read.
func FuzzFrames(f *testing.F) {
	for _, seed := range []string{
		"40", "41", "3", "1", `42["user_uttered",{"message":"hi","metadata":"{"}]`, `4212["session_request",{"session_id":[1]}]`, "42/x,[]",
		"40/x?a,{}", "45-0[", "b", "", "\x1e", `42["user_uttered",{"message":"a"}]` + "\x1e" + `42["x"]`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, payload string) {
		if len(payload) > 1<<12 {
			return
		}
		ch := channeltest.New(t, name, nil).(*Channel)
		ch.handle = channeltest.Echo
		s := ch.open(nil)
		s.receivePacket(packet{kind: packetConnect, namespace: "/"})
		// Whatever is wrong with it, an error is all that may come of it.
		_ = s.receivePayload(payload)
		ch.working.Wait()
		for _, p := range s.waiting {
			if !strings.HasPrefix(p, engineMessage) {
				continue
			}
			_, err := decodePacket(p[1:])
			require.NoError(t, err, "%q", p)
		}
		s.close(false)
	})
}
