package channels

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
)

func message(t *testing.T, text string) *value.Map {
	t.Helper()
	v, err := value.DecodeString(text)
	require.NoError(t, err)
	return v.(*value.Map)
}

func TestCollector(t *testing.T) {
	cases := []struct{ name, message, want string }{
		{"text", `{"text": "hi"}`, `[{"recipient_id":"u","text":"hi"}]`},
		{"paragraphs", `{"text": " a\n\nb\nc\n\n\nd "}`, `[{"recipient_id":"u","text":"a"},{"recipient_id":"u","text":"b\nc"},{"recipient_id":"u","text":"\nd"}]`},
		{"empty text", `{"text": ""}`, `[]`},
		{"buttons", `{"text": "a\n\nb", "buttons": [{"title": "t"}]}`, `[{"recipient_id":"u","text":"a\n\nb","buttons":[{"title":"t"}]}]`},
		{"quick replies win", `{"text": "a", "buttons": [1], "quick_replies": [2]}`, `[{"recipient_id":"u","text":"a","buttons":[2]}]`},
		{"no text", `{"text": null, "buttons": [1]}`, `[{"recipient_id":"u","buttons":[1]}]`},
		{"everything", `{"elements": [{"title": "e", "subtitle": null}], "attachment": "f", "image": "i", "custom": {"c": 1}, "text": "t"}`,
			`[{"recipient_id":"u","text":"t"},{"recipient_id":"u","custom":{"c":1}},{"recipient_id":"u","image":"i"},` +
				`{"recipient_id":"u","attachment":"f"},{"recipient_id":"u","text":"e : None","buttons":[]}]`},
		{"elements without anything", `{"elements": [{}]}`, `[{"recipient_id":"u","text":" : ","buttons":[]}]`},
		{"element without buttons", `{"elements": [{"title": "e", "buttons": null}]}`, `[{"recipient_id":"u","text":"e : "}]`},
		{"false parts", `{"custom": {}, "image": "", "attachment": null, "elements": []}`, `[]`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			out := NewCollector()
			require.NoError(t, out.Send(t.Context(), "u", message(t, c.message)))
			require.Equal(t, c.want, string(value.Encode(out.End(), value.Compact)))
		})
	}
}

func TestSendErrors(t *testing.T) {
	for text, want := range map[string]string{
		`{"text": 5}`:                      "text is a int",
		`{"text": "a", "buttons": "x"}`:    "buttons is a str",
		`{"elements": {"a": 1}}`:           "elements is a dict",
		`{"elements": ["x"]}`:              "an element is a str",
		`{"elements": [{"buttons": "x"}]}`: "buttons is a str",
	} {
		require.ErrorContains(t, NewCollector().Send(t.Context(), "u", message(t, text)), want, text)
	}
	broken := errors.New("broken")
	out := NewForwarder("x", func(context.Context, *value.Map) error { return broken })
	require.ErrorIs(t, out.Send(t.Context(), "u", message(t, `{"text": "a", "image": "b"}`)), broken)
	require.Len(t, out.End(), 1, "the first part that fails is the last")
}

// TestEnd sends after the request is over, as reminders do.
func TestEnd(t *testing.T) {
	sent := 0
	out := NewForwarder("x", func(context.Context, *value.Map) error { sent++; return nil })
	require.NoError(t, out.Send(t.Context(), "u", message(t, `{"text": "a"}`)))
	require.Len(t, out.End(), 1)
	require.NoError(t, out.Send(t.Context(), "u", message(t, `{"text": "b"}`)))
	require.Len(t, out.End(), 1)
	require.Equal(t, 1, sent)
}

func TestQuery(t *testing.T) {
	c := echo.New().NewContext(httptest.NewRequest(http.MethodGet, "/?a=&a=1+2&b=%zz%C3%A4%ff&%63=TRUE&d&e=x=y", nil), nil)
	for name, want := range map[string]string{"a": "1 2", "b": "%zzä\uFFFD", "c": "TRUE", "e": "x=y"} {
		got, ok := Query(c, name)
		require.True(t, ok, name)
		require.Equal(t, want, got)
	}
	for _, name := range []string{"d", "f", ""} {
		_, ok := Query(c, name)
		require.False(t, ok, name)
	}
	require.True(t, QueryBool(c, "c", false))
	require.False(t, QueryBool(c, "a", true))
	require.True(t, QueryBool(c, "f", true))
}

func TestJSONBody(t *testing.T) {
	read := func(body string) (any, error) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		c := echo.New().NewContext(r, httptest.NewRecorder())
		if _, err := Body(c); err != nil {
			return nil, err
		}
		return JSON(c)
	}
	v, err := read(`{"a": 1}`)
	require.NoError(t, err)
	require.Equal(t, int64(1), v.(*value.Map).Value("a"))
	v, err = read("")
	require.NoError(t, err)
	require.Nil(t, v)
	_, err = read("{")
	require.ErrorIs(t, err, ErrNotJSON)
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("x"))
	r.ContentLength = MaxBody + 1
	_, err = Body(echo.New().NewContext(r, httptest.NewRecorder()))
	var refused *echo.HTTPError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, 413, refused.Code)
}

func TestCreate(t *testing.T) {
	_, err := Create([]component.Config{{Name: "slack", Pos: "credentials.yml:3:1"}}, "", component.Env{})
	require.ErrorIs(t, err, component.ErrUnsupported)
	require.ErrorContains(t, err, "credentials.yml:3:1")
	_, err = Create([]component.Config{{Name: "my.Channel"}}, "", component.Env{})
	require.ErrorContains(t, err, "Python class")
	_, err = Create([]component.Config{{Name: "slack"}}, "pigeon", component.Env{})
	require.ErrorIs(t, err, component.ErrUnknown)
}
