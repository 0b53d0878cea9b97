package nlg

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/internal/value"
)

// The results were looked up in Rasa 3.6.21.
var fillCases = []struct {
	name, text, want string
	// wantErr is a part of the error; Rasa raises one then, and nothing is said.
	wantErr string
}{
	{name: "nothing to fill", text: "hello", want: "hello"},
	{name: "a slot", text: "hi {name}!", want: "hi Ann!"},
	{name: "twice", text: "{name}{name}", want: "AnnAnn"},
	{name: "None", text: "{city}", want: "None"},
	{name: "a float", text: "{count}", want: "2.0"},
	{name: "a list", text: "{basket}", want: "['tea', 1, None]"},
	{name: "an item of a list", text: "{basket][0}", want: "tea"},
	{name: "an item beyond the list", text: "{basket][7}", wantErr: "no item"},
	{name: "an argument over a slot", text: "{over}", want: "argument"},
	{name: "unknown leaves all raw", text: "{name} {unknown}", want: "{name} {unknown}"},
	{name: "space inside is another name", text: "{ name }", want: "{ name }"},
	{name: "a format spec is part of the name", text: "{count:.2f}", want: "{count:.2f}"},
	{name: "a conversion is part of the name", text: "{name!r}", want: "{name!r}"},
	{name: "a dot is part of the name", text: "{a.b}", want: "dotted"},
	{name: "digits are no name", text: "{5}", want: "{5}"},
	{name: "escaped", text: "{{name}}", want: "{name}"},
	{name: "escaped with a slot", text: "{{name}} {name}", want: "{{name}} {name}"},
	{name: "braces around a value", text: "{{{name}}}", want: "{Ann}"},
	{name: "marker of the interpolator", text: "0[ {name}", want: "0[ {name}"},
	{name: "marker in the value", text: "{marker}", want: "{marker}"},
	{name: "single closing", text: "a } b", wantErr: `single "}"`},
	{name: "single opening", text: "a {", wantErr: `single "{"`},
	{name: "unknown before a broken brace", text: "{unknown} }", want: "{unknown} }"},
	{name: "nested", text: "{a{name}}", wantErr: "unexpected '{'"},
	{name: "line break in the braces", text: "{name\n}", want: "{name\n}"},
	{name: "closing bracket in a known name", text: "{name]x}", wantErr: "may follow"},
	{name: "closing bracket in an unknown name", text: "{unknown]x}", want: "{unknown]x}"},
	{name: "too many digits", text: "{99999999999999999999}", wantErr: "too many digits"},
	{name: "field without name and one with", text: "{} {name}", wantErr: "with and without a number"},
	{name: "second field without name", text: "{}{}", wantErr: "no positional value"},
}

func TestFill(t *testing.T) {
	d, tr := world(t, "  utter_x: [{text: x}]\n",
		value.NewMap("name", "Ann", "count", 2.0, "basket", []any{"tea", int64(1), nil}))
	v := &values{tracker: tr, indexed: true, args: value.NewMap("over", "argument", "a.b", "dotted", "marker", "x0[y")}
	for _, c := range fillCases {
		t.Run(c.name, func(t *testing.T) {
			got, err := fillText(c.text, newTemplate(c.text, d), v)
			if c.wantErr != "" {
				require.ErrorContains(t, err, c.wantErr)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestFillDictionary(t *testing.T) {
	d, tr := world(t, "  utter_x: [{text: 'all: {}'}]\n", nil)
	m, err := say(t, d, tr, "rest", value.NewMap("a", int64(1)))
	require.NoError(t, err)
	require.Equal(t, "all: {'name': None, 'city': None, 'count': None, 'basket': None, 'session_started_metadata': None, 'a': 1}",
		m.String("text"))
}

func fillText(text string, tm *template, v *values) (string, error) {
	if tm == nil {
		return text, nil
	}
	return tm.fill(v, func(string) {})
}

// FuzzTemplate checks that filling in never panics, that texts without braces stay as they are, that a text whose
// braces are doubled comes back, and that the fast way says what the formatter says.
func FuzzTemplate(f *testing.F) {
	for _, c := range fillCases {
		f.Add(c.text, "value")
	}
	f.Add("{0[name]}{:\n{name}}{!s:\n}", "0[")
	d, tr := world(f, "  utter_x: [{text: x}]\n", nil)
	f.Fuzz(func(t *testing.T, text, arg string) {
		v := &values{tracker: tr, indexed: true, args: value.NewMap("name", arg)}
		tm := newTemplate(text, d)
		got, err := fillText(text, tm, v)
		switch {
		case !strings.ContainsAny(text, "{}"):
			require.Nil(t, tm)
		case tm.parts != nil:
			slow, slowErr := (&template{source: tm.source, formatted: tm.formatted}).fill(v, func(string) {})
			require.Equal(t, slow, got)
			require.Equal(t, slowErr, err)
		}
		if strings.Contains(text, marker) {
			return
		}
		doubled := strings.NewReplacer("{", "{{", "}", "}}").Replace(text)
		if placeholder.MatchString(doubled) {
			return // a name in doubled braces takes a way of its own, see TestFill
		}
		back, err := fillText(doubled, newTemplate(doubled, d), v)
		require.NoError(t, err)
		require.Equal(t, text, back)
	})
}
