package endpoint

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/internal/value"
)

func TestShape(t *testing.T) {
	text := &Shape{Types: []string{"string"}}
	number := &Shape{Types: []string{"number"}}
	integer := &Shape{Types: []string{"integer", "null"}}
	byKind := &Shape{By: "kind", Cases: map[string]*Shape{"a": {}, "b": {Required: []string{"x"}}}}
	either := &Shape{OneOf: []*Shape{{Fields: []Field{{"all", &Shape{Types: []string{"array"}}}}}, {Word: &Shape{Types: []string{"object"}}}}}
	cases := []struct {
		name    string
		shape   *Shape
		json    string
		wantErr string
	}{
		{"nothing asked", &Shape{}, `[1]`, ""},
		{"no shape", nil, `[1]`, ""},
		{"a number", number, `1`, ""},
		{"a huge number", number, `123456789012345678901234567890`, ""},
		{"a bool is no number", number, `true`, "must be number, not bool"},
		{"a whole float is an integer", integer, `2.0`, ""},
		{"a fraction is not", integer, `2.5`, "must be integer or null, not float"},
		{"infinity is not", integer, `Infinity`, "must be integer or null, not float"},
		{"null among types", integer, `null`, ""},
		{"fields of other things", &Shape{Fields: []Field{{"a", text}}}, `[5]`, ""},
		{"path", &Shape{Fields: []Field{{"list", &Shape{Items: &Shape{Fields: []Field{{"a", text}}}}}}},
			`{"list": [{"a": "x"}, {"a": 1}]}`, "list[1].a: must be string, not int"},
		{"required", &Shape{Required: []string{"a"}}, `{"b": 1}`, `has no field "a"`},
		{"chosen", byKind, `{"kind": "b", "x": 1}`, ""},
		{"chosen and wrong", byKind, `{"kind": "b"}`, `has no field "x"`},
		{"unknown kind", byKind, `{"kind": "c"}`, `has an unknown kind "c"`},
		{"one fits", either, `{"all": [], "f": {}}`, ""},
		{"both fit", either, `{"f": {}}`, "exactly one of 2 shapes, fits 2"},
		{"none fits", either, `{"all": 1}`, "fits 0"},
		{"keys without a word", &Shape{Word: text}, `{"- .": 1}`, ""},
		{"keys with one", &Shape{Word: text}, `{"é": 1}`, "é: must be string"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v, err := value.Decode([]byte(c.json))
			require.NoError(t, err)
			err = c.shape.Check(v)
			if c.wantErr == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.wantErr)
		})
	}
}
