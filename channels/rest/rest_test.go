package rest

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/channels/channeltest"
	"github.com/parleybot/parley/internal/value"
)

// TestMessage looks at what the engine gets of a body.
func TestMessage(t *testing.T) {
	var got channels.UserMessage
	base := channeltest.Serve(t, channeltest.New(t, "rest", nil), func(ctx context.Context, m *channels.UserMessage) error {
		got = *m
		return channeltest.Echo(ctx, m)
	})
	cases := []struct {
		name, body string
		want       channels.UserMessage
		answer     string
	}{
		{"everything", `{"sender": "u", "message": " hi ", "input_channel": "web", "metadata": {"a": 1}, "message_id": "m1"}`,
			channels.UserMessage{Text: "hi", SenderID: "u", InputChannel: "web", MessageID: "m1", Metadata: value.NewMap("a", int64(1))}, `[{"recipient_id":"u","text":"hi"}]`},
		{"defaults", `{"message": "hi", "input_channel": "", "metadata": null, "message_id": null}`,
			channels.UserMessage{Text: "hi", SenderID: "default", InputChannel: "rest"}, `[{"recipient_id":"default","text":"hi"}]`},
		{"odd types", `{"sender": 4.0, "message": "hi", "input_channel": 5, "metadata": 0, "message_id": 7}`,
			channels.UserMessage{Text: "hi", SenderID: "4.0", InputChannel: "5"}, `[{"recipient_id":"4.0","text":"hi"}]`},
		{"failure", `{"sender": "u", "message": "fail"}`, channels.UserMessage{Text: "fail", SenderID: "u", InputChannel: "rest"}, `[]`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			resp, err := http.Post(base+"/webhooks/rest/webhook", "application/json", strings.NewReader(c.body))
			require.NoError(t, err)
			defer resp.Body.Close()
			answer, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.Equal(t, c.answer, string(answer))
			got.Output = nil
			require.Equal(t, c.want, got)
		})
	}
}

// TestStreamIsNotHeldBack reads the first line while the engine still works on the second.
func TestStreamIsNotHeldBack(t *testing.T) {
	release := make(chan struct{})
	var out channels.Output
	base := channeltest.Serve(t, channeltest.New(t, "rest", nil), func(ctx context.Context, m *channels.UserMessage) error {
		if err := channeltest.Echo(ctx, m); err != nil {
			return err
		}
		<-release
		out = m.Output
		return channeltest.Echo(ctx, m)
	})
	resp, err := http.Post(base+"/webhooks/rest/webhook?stream=true", "", strings.NewReader(`{"sender": "u", "message": "é/"}`))
	require.NoError(t, err)
	defer resp.Body.Close()
	want := "{\"recipient_id\": \"u\", \"text\": \"\\u00e9/\"}\n"
	line := make([]byte, len(want))
	_, err = io.ReadFull(resp.Body, line)
	require.NoError(t, err)
	require.Equal(t, want, string(line))
	close(release)
	rest, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, want, string(rest))
	require.NoError(t, out.Send(t.Context(), "u", value.NewMap("text", "a reminder")), "nobody reads it any more")
}
