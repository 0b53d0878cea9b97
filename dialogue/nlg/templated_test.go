package nlg

import (
	"bytes"
	"context"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/internal/value"
)

func TestChoosing(t *testing.T) {
	cond := func(slot, value string) string {
		return "condition: [{type: slot, name: " + slot + ", value: " + value + "}]"
	}
	cases := []struct {
		name, variations, channel string
		slots                     *value.Map
		want                      []any // texts with equal chances; nil: nothing is said
	}{
		{"equal chances", "{text: a}, {text: b}", "rest", nil, []any{"a", "b"}},
		{"the channel's own", "{text: a}, {text: b, channel: slack}", "slack", nil, []any{"b"}},
		{"another channel's", "{text: a}, {text: b, channel: slack}", "rest", nil, []any{"a"}},
		{"only for another channel", "{text: b, channel: slack}", "rest", nil, nil},
		{"channel beats condition", "{text: a, channel: slack}, {text: b, " + cond("city", "Bern") + "}", "slack",
			value.NewMap("city", "Bern"), []any{"a"}},
		{"condition and channel beat channel", "{text: a, channel: slack}, {text: b, channel: slack, " + cond("city", "Bern") + "}",
			"slack", value.NewMap("city", "Bern"), []any{"b"}},
		{"condition beats none", "{text: a}, {text: b, " + cond("city", "Bern") + "}, {text: c, " + cond("city", "Bern") + "}",
			"rest", value.NewMap("city", "Bern"), []any{"b", "c"}},
		{"texts without case", "{text: b, " + cond("city", "STRASSE") + "}", "rest", value.NewMap("city", "Straße"), []any{"b"}},
		{"False matches 0", "{text: b, " + cond("count", "false") + "}", "rest", value.NewMap("count", int64(0)), []any{"b"}},
		{"text is no number", "{text: b, " + cond("count", "'2'") + "}", "rest", value.NewMap("count", int64(2)), nil},
		{"null matches unset", "{text: b, " + cond("count", "null") + "}", "rest", nil, []any{"b"}},
		{"null matches an unknown slot", "{text: b, " + cond("nope", "null") + "}", "rest", nil, []any{"b"}},
		{"no conditions in the list", "{text: b, condition: []}", "rest", nil, nil},
		{"one of two conditions", "{text: b, condition: [{type: slot, name: city, value: Bern}, {type: slot, name: name, value: x}]}",
			"rest", value.NewMap("city", "Bern"), nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d, tr := world(t, "  utter_x: ["+c.variations+"]\n", c.slots)
			g := NewTemplated(d, nil)
			var got []any
			for i := range max(1, len(c.want)) {
				chance := (float64(i) + 0.5) / float64(max(1, len(c.want)))
				m, err := g.Generate(context.Background(), "utter_x", tr, c.channel, nil, func() float64 { return chance })
				require.NoError(t, err)
				if m != nil {
					got = append(got, m.Value("text"))
				}
			}
			require.Equal(t, c.want, got)
		})
	}
}

func TestIncompleteConditions(t *testing.T) {
	for name, condition := range map[string]string{
		"without value": "{type: slot, name: city}", "without name": "{type: slot, value: x}",
		"without type": "{name: city, value: null}",
	} {
		t.Run(name, func(t *testing.T) {
			d, tr := world(t, "  utter_x: [{text: a, condition: ["+condition+"]}]\n", nil)
			_, err := say(t, d, tr, "rest", nil)
			require.ErrorIs(t, err, errCondition)
		})
	}
}

func TestMessage(t *testing.T) {
	d, tr := world(t, `
  utter_x:
  - text: "{name}?"
    channel: slack
    id: "{name}"
    image: "{name}.png"
    buttons: [{title: "{name}", payload: '/a{{"x": "{name}"}}', deep: [["{name}"], 1]}, {title: no, payload: /no}]
    custom: {"{name}": {k: "{name}", n: 1}}
    elements: [{title: "{name}"}]
    metadata: {m: "{name}"}
`, value.NewMap("name", "Ann"))
	m, err := say(t, d, tr, "slack", nil)
	require.NoError(t, err)
	require.JSONEq(t, `{"text": "Ann?", "channel": "slack", "id": "{name}", "image": "Ann.png",
		"buttons": [{"title": "Ann", "payload": "/a{\"x\": \"Ann\"}", "deep": [["Ann"], 1]}, {"title": "no", "payload": "/no"}],
		"custom": {"{name}": {"k": "Ann", "n": 1}}, "elements": [{"title": "{name}"}], "metadata": {"m": "{name}"}}`,
		string(value.Encode(m, value.JSON)))
	require.Equal(t, []string{"text", "channel", "id", "image", "buttons", "custom", "elements", "metadata"}, m.Keys())

	raw := d.Responses[0].Variations[0].Raw
	require.Equal(t, "{name}?", raw.Value("text"), "the domain must stay as it was")
	require.Same(t, raw.Map("metadata"), m.Map("metadata"), "what has no placeholder is shared")
	require.Same(t, raw.List("buttons")[1], m.List("buttons")[1])
}

func TestArguments(t *testing.T) {
	d, tr := world(t, "  utter_x: [{text: '{city} {extra}'}]\n  utter_d: [{text: '{domain_responses}'}]\n",
		value.NewMap("city", "Bern"))
	m, err := say(t, d, tr, "rest", value.NewMap("city", nil, "extra", true))
	require.NoError(t, err)
	require.Equal(t, "None True", m.String("text"))

	_, err = say(t, d, tr, "rest", value.NewMap("tracker", "mine"))
	require.ErrorContains(t, err, `"tracker"`)

	m, err = NewTemplated(d, nil).Generate(context.Background(), "utter_d", tr, "rest", nil, first)
	require.NoError(t, err)
	require.Contains(t, m.String("text"), "{'utter_x': [{'text': '{city} {extra}'}]")

	m, err = NewTemplated(d, nil).Generate(context.Background(), "utter_none", tr, "rest", nil, first)
	require.NoError(t, err)
	require.Nil(t, m)
}

func TestOtherDomain(t *testing.T) {
	d, _ := world(t, "  utter_x: [{text: '{city}'}]\n", nil)
	_, other := world(t, "  utter_x: [{text: z}]\n", value.NewMap("city", "Bern"))
	m, err := say(t, d, other, "rest", nil)
	require.NoError(t, err)
	require.Equal(t, "Bern", m.String("text"))
}

func TestMissingValueIsLogged(t *testing.T) {
	var log bytes.Buffer
	d, tr := world(t, "  utter_x: [{text: 'hi {nmae}'}]\n", nil)
	g := NewTemplated(d, slog.New(slog.NewTextHandler(&log, nil)))
	m, err := g.Generate(context.Background(), "utter_x", tr, "rest", nil, first)
	require.NoError(t, err)
	require.Equal(t, "hi {nmae}", m.String("text"))
	require.Equal(t, 1, bytes.Count(log.Bytes(), []byte("\n")), log.String())
	require.Contains(t, log.String(), "action=utter_x")
	require.Contains(t, log.String(), "nmae")
}

func TestCheck(t *testing.T) {
	d, _ := world(t, `
  utter_a: [{text: "{name} {nmae} {{x}}"}, {text: fine}]
  utter_b: [{text: fine, buttons: [{title: "} {city}", payload: /x}]}]
`, nil)
	var got []string
	for _, p := range Check(d) {
		require.NotZero(t, p.Pos.Line)
		got = append(got, p.What)
	}
	require.Len(t, got, 2)
	require.Contains(t, got[0], `response "utter_a": {nmae} in text is no slot`)
	require.Contains(t, got[1], `response "utter_b": buttons cannot be filled in and is never said: single "}"`)
}

func BenchmarkGenerate(b *testing.B) {
	d, tr := world(b, "  utter_x: [{text: 'hello {name} of {city}'}, {text: 'hi {name}', channel: slack}]\n",
		value.NewMap("name", "Ann", "city", "Bern"))
	g := NewTemplated(d, nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := g.Generate(context.Background(), "utter_x", tr, "rest", nil, first); err != nil {
			b.Fatal(err)
		}
	}
}
