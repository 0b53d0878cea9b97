package jsonschema

import (
	"strings"
	"testing"

	"github.com/parleybot/parley/internal/value"
)

func decode(t testing.TB, text string) any {
	t.Helper()
	v, err := value.Decode([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// animal is a schema with a choice.
const animal = `{"oneOf": [
	{"properties": {"kind": {"const": "cat"}, "lives": {"type": "integer"}}, "required": ["lives"]},
	{"properties": {"kind": {"const": "dog"}}}]}`

// validations hold as want str() of what jsonschema.validate of Python's jsonschema 4.17.3 raises for the same schema
// and value.
var validations = map[string]struct{ schema, in, want string }{
	"fits":              {`{"type": ["string", "null"]}`, `null`, ""},
	"2.0 is an integer": {`{"type": "integer"}`, `2.0`, ""},
	"no keyword":        {`{}`, `[1]`, ""},
	"type": {`{"type": ["string", "null"]}`, `true`, `True is not of type 'string', 'null'

Failed validating 'type' in schema:
    {'type': ['string', 'null']}

On instance:
    True`},
	"deep": {`{"properties": {"a": {"items": {"type": "number"}}}}`, `{"a": [1, 2, "x"]}`, `'x' is not of type 'number'

Failed validating 'type' in schema['properties']['a']['items']:
    {'type': 'number'}

On instance['a'][2]:
    'x'`},
	"nearest to the top wins": {`{"properties": {"a": {"type": "number"}}, "required": ["b"]}`, `{"a": "x"}`, `'b' is a required property

Failed validating 'required' in schema:
    {'properties': {'a': {'type': 'number'}}, 'required': ['b']}

On instance:
    {'a': 'x'}`},
	"pattern": {`{"patternProperties": {"^n": {"type": "number"}}}`, `{"m": "x", "n": "x"}`, `'x' is not of type 'number'

Failed validating 'type' in schema['patternProperties']['^n']:
    {'type': 'number'}

On instance['n']:
    'x'`},
	"none of several": {animal, `{"kind": "cow"}`, `{'kind': 'cow'} is not valid under any of the given schemas

Failed validating 'oneOf' in schema:
    {'oneOf': [{'properties': {'kind': {'const': 'cat'},
                               'lives': {'type': 'integer'}},
                'required': ['lives']},
               {'properties': {'kind': {'const': 'dog'}}}]}

On instance:
    {'kind': 'cow'}`},
	"both": {animal, `{"lives": 9}`, `{'lives': 9} is valid under each of {'properties': {'kind': {'const': 'dog'}}}, {'properties': {'kind': {'const': 'cat'}, 'lives': {'type': 'integer'}}, 'required': ['lives']}

Failed validating 'oneOf' in schema:
    {'oneOf': [{'properties': {'kind': {'const': 'cat'},
                               'lives': {'type': 'integer'}},
                'required': ['lives']},
               {'properties': {'kind': {'const': 'dog'}}}]}

On instance:
    {'lives': 9}`},
}

func TestValidate(t *testing.T) {
	for name, c := range validations {
		t.Run(name, func(t *testing.T) {
			got := ""
			if err := Validate(decode(t, c.schema).(*value.Map), decode(t, c.in)); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// Each want is pprint.pformat(value, width=width) of Python 3.10.
func TestLayOut(t *testing.T) {
	for name, c := range map[string]struct {
		in    string
		width int
		want  string
	}{
		"fits":           {`{"b": 1, "a": [2]}`, 40, `{'a': [2], 'b': 1}`},
		"one a line":     {`{"b": 1, "a": [2]}`, 10, "{'a': [2],\n 'b': 1}"},
		"list":           {`["aaaa", "bbbb"]`, 12, "['aaaa',\n 'bbbb']"},
		"a long text":    {`"one two three four"`, 12, "('one two '\n 'three '\n 'four')"},
		"text in a dict": {`{"k": "one two three"}`, 16, "{'k': 'one two '\n      'three'}"},
		"one long word":  {`"abcdefghijkl"`, 6, "'abcdefghijkl'"},
		"lines":          {`"ab\ncd"`, 7, "('ab\\n'\n 'cd')"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := layOut(decode(t, c.in), c.width); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// FuzzValidate states: any value is either right or wrong for any schema, with a text to show.
func FuzzValidate(f *testing.F) {
	f.Add(`{"oneOf":[{"type":"string"},{"patternProperties":{"(":{}}}]}`, `{"a":1}`)
	f.Add(`{"items":{"required":[1,"x"],"const":{"a":[]}}}`, `[{},[1.5],"long text in here"]`)
	f.Fuzz(func(t *testing.T, schema, in string) {
		if len(schema)+len(in) > 1<<12 {
			return
		}
		s, err := value.DecodeString(schema)
		m, ok := s.(*value.Map)
		if err != nil || !ok {
			return
		}
		v, err := value.DecodeString(in)
		if err != nil {
			return
		}
		if err := Validate(m, v); err != nil && !strings.Contains(err.Error(), "Failed validating") {
			t.Errorf("got %q", err)
		}
	})
}
