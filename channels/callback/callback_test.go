package callback

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/channels/channeltest"
	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
)

func TestAnswersArePosted(t *testing.T) {
	var got []string
	status := http.StatusOK
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		user, password, _ := r.BasicAuth()
		got = append(got, strings.Join([]string{r.URL.RequestURI(), r.Header.Get("Content-Type"), r.Header.Get("X-Mine"), user, password, string(body)}, " "))
		w.WriteHeader(status)
	}))
	defer receiver.Close()
	ch := channeltest.New(t, "callback", value.NewMap("url", receiver.URL+"/bot?a=b", "token", "t", "params", value.NewMap("n", int64(1)),
		"headers", value.NewMap("X-Mine", "yes"), "basic_auth", value.NewMap("username", "u", "password", "p")))
	var asked channels.UserMessage
	base := channeltest.Serve(t, ch, func(ctx context.Context, m *channels.UserMessage) error {
		asked = *m
		return channeltest.Echo(ctx, m)
	})
	say := func(body string) (int, string) {
		resp, err := http.Post(base+"/webhooks/callback/webhook", "application/json", strings.NewReader(body))
		require.NoError(t, err)
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, string(answer)
	}
	code, answer := say(`{"sender": "x", "message": "ä\n\n/b", "metadata": {"a": 1}, "input_channel": "other", "message_id": 5}`)
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, "success", answer)
	require.Equal(t, []string{
		`/bot?a=b&n=1&token=t application/json yes u p {"recipient_id": "x", "text": "\u00e4"}`,
		`/bot?a=b&n=1&token=t application/json yes u p {"recipient_id": "x", "text": "/b"}`,
	}, got)
	require.Nil(t, asked.Metadata, "as in Rasa")
	require.Empty(t, asked.MessageID, "an id is a string")
	require.Equal(t, "callback", asked.InputChannel)

	status = http.StatusBadGateway
	code, _ = say(`{"sender": "x", "message": "one"}`)
	require.Equal(t, http.StatusOK, code, "a refused message is logged only")
	for _, body := range []string{`{"sender": "x"}`, `{"message": "fail"}`, `[]`} {
		code, _ = say(body)
		require.Equal(t, http.StatusInternalServerError, code, body)
	}
	receiver.Close()
	code, _ = say(`{"sender": "x", "message": "one"}`)
	require.Equal(t, http.StatusInternalServerError, code, "nobody takes the message")
}

// TestInbox has the messages kept by an inbox: the answer does not wait for the turn.
func TestInbox(t *testing.T) {
	var got []string
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got = append(got, r.Header.Get("Idempotency-Key")+" "+string(body))
	}))
	defer receiver.Close()
	ch := channeltest.New(t, "callback", value.NewMap("url", receiver.URL)).(channels.Async)
	var kept []channels.UserMessage
	full := errors.New("the inbox is full")
	ch.Accepting(func(_ context.Context, m *channels.UserMessage, replyTo *value.Map) error {
		require.Nil(t, replyTo)
		if m.Text == "full" {
			return full
		}
		kept = append(kept, *m)
		return nil
	})
	base := channeltest.Serve(t, ch, func(context.Context, *channels.UserMessage) error {
		t.Error("handled while the request waits")
		return nil
	})
	for body, want := range map[string]int{
		`{"sender": "x", "message": " a ", "message_id": "m1"}`: http.StatusOK,
		`{"sender": "x", "message": "full"}`:                    http.StatusInternalServerError,
		`{"sender": "x"}`:                                       http.StatusInternalServerError,
	} {
		resp, err := http.Post(base+"/webhooks/callback/webhook", "application/json", strings.NewReader(body))
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, want, resp.StatusCode, body)
	}
	require.Len(t, kept, 1)
	kept[0].Output = nil
	require.Equal(t, channels.UserMessage{Text: "a", SenderID: "x", InputChannel: "callback", MessageID: "m1"}, kept[0])

	out := ch.ReplyOutput(nil)
	ctx := channels.WithMessageID(t.Context(), "c-0")
	require.NoError(t, out.Send(ctx, "x", value.NewMap("text", "a\n\nb", "image", "i")))
	require.NoError(t, out.Send(t.Context(), "x", value.NewMap("text", "c")))
	require.Equal(t, []string{
		`c-0 {"recipient_id": "x", "text": "a"}`, `c-0.2 {"recipient_id": "x", "text": "b"}`, `c-0.3 {"recipient_id": "x", "image": "i"}`,
		` {"recipient_id": "x", "text": "c"}`,
	}, got)
}

func TestOptions(t *testing.T) {
	noCertificate := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(noCertificate, []byte("x"), 0o600))
	for name, c := range map[string]struct {
		options *value.Map
		want    string
	}{
		"no url":          {nil, `credentials.yml:2:1: component "callback": option "url" must say where answers are posted`},
		"no such file":    {value.NewMap("url", "http://x", "cafile", "nope.pem"), `option "cafile" cannot be used`},
		"no certificate":  {value.NewMap("url", "http://x", "cafile", noCertificate), "holds no certificate"},
		"url is a number": {value.NewMap("url", int64(5)), `option "url" must be a string`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := channels.Registry.Build(component.Config{Name: "callback", Options: c.options, Pos: "credentials.yml:2:1"})
			require.ErrorContains(t, err, c.want)
		})
	}
}
