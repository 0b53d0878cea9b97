package component

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/parleybot/parley/internal/value"
)

// Decode fills the fields of the struct into points to that carry a tag `option:"name"`: from the item's options, or
// from the default in its spec. Field types may be bool, int, float64, string, []string, []any, *value.Map, any, and
// pointers to the first four, which stay nil for null. As in Python any value serves as a bool. A value Rasa would
// crash on is an error that names place, item and option; options without a field are left alone (see
// Registry.Check). A struct that is not made for its spec panics.
func (c *Config) Decode(into any) error {
	target := reflect.ValueOf(into).Elem()
	for i := range target.NumField() {
		key := target.Type().Field(i).Tag.Get("option")
		if key == "" {
			continue
		}
		v, given := c.Options.Get(key)
		if !given {
			if c.spec == nil {
				continue
			}
			field, ok := c.spec.Field(key)
			if !ok {
				panic(fmt.Sprintf("component %q has no field %q in its spec", c.spec.Name, key))
			}
			v = field.Default
		}
		if wanted := assign(target.Field(i), v); wanted != "" {
			return c.OptionError(key, "must be %s, not %s", wanted, describe(v))
		}
	}
	return nil
}

// OptionError returns an error about an option, with its place and the item's name.
func (c *Config) OptionError(key, format string, args ...any) error {
	text := fmt.Sprintf("component %q: option %q ", c.Name, key) + fmt.Sprintf(format, args...)
	return &OptionError{Pos: c.at(key), Text: text}
}

// OptionError says that an option has a value its part cannot work with.
type OptionError struct {
	Pos, Text string
}

// Error returns "file:line:col: what".
func (e *OptionError) Error() string { return prefixed(e.Pos, e.Text) }

// assign stores v in field and returns "", or says what kind of value is needed.
func assign(field reflect.Value, v any) (wanted string) {
	if field.Kind() == reflect.Pointer && field.Type() != reflect.TypeFor[*value.Map]() {
		if v == nil {
			field.SetZero()
			return ""
		}
		p := reflect.New(field.Type().Elem())
		if wanted = assign(p.Elem(), v); wanted == "" {
			field.Set(p)
		}
		return wanted
	}
	switch field.Kind() {
	case reflect.Bool:
		field.SetBool(value.Truthy(v))
		return ""
	case reflect.Int:
		switch n := v.(type) {
		case int64:
			field.SetInt(n)
			return ""
		case int:
			field.SetInt(int64(n))
			return ""
		case bool:
			field.SetInt(map[bool]int64{true: 1}[n])
			return ""
		}
		return "an integer"
	case reflect.Float64:
		return assignFloat(field, v)
	case reflect.String:
		if s, ok := v.(string); ok || v == nil {
			field.SetString(s)
			return ""
		}
		return "a string"
	case reflect.Interface:
		if v == nil {
			field.SetZero()
		} else {
			field.Set(reflect.ValueOf(v))
		}
		return ""
	}
	return assignContainer(field, v)
}

func assignFloat(field reflect.Value, v any) string {
	switch n := v.(type) {
	case float64:
		field.SetFloat(n)
	case int64:
		field.SetFloat(float64(n))
	case int:
		field.SetFloat(float64(n))
	case bool:
		field.SetFloat(map[bool]float64{true: 1}[n])
	default:
		return "a number"
	}
	return ""
}

func assignContainer(field reflect.Value, v any) string {
	if v == nil {
		field.SetZero()
		return ""
	}
	switch field.Interface().(type) {
	case []string:
		list, ok := stringList(v)
		if !ok {
			return "a list of strings"
		}
		field.Set(reflect.ValueOf(list))
	case []any:
		list, ok := v.([]any)
		if !ok {
			return "a list"
		}
		field.Set(reflect.ValueOf(list))
	case *value.Map:
		m, ok := v.(*value.Map)
		if !ok {
			return "a mapping"
		}
		field.Set(reflect.ValueOf(m))
	default:
		panic(fmt.Sprintf("options cannot be decoded into a field of type %s", field.Type()))
	}
	return ""
}

func stringList(v any) ([]string, bool) {
	switch list := v.(type) {
	case []string:
		return slices.Clone(list), true
	case []any:
		out := make([]string, len(list))
		for i, e := range list {
			s, ok := e.(string)
			if !ok {
				return nil, false
			}
			out[i] = s
		}
		return out, true
	}
	return nil, false
}

func describe(v any) string {
	switch x := v.(type) {
	case nil:
		return "null"
	case string:
		return fmt.Sprintf("%q", x)
	case []any:
		return "a list"
	case *value.Map:
		return "a mapping"
	}
	return fmt.Sprint(v)
}

func checkOptions(c *Config, kind string) []Warning {
	var warnings []Warning
	for key, v := range c.Options.All() {
		field, known := c.spec.Field(key)
		switch {
		case !known && key != "name":
			text := fmt.Sprintf("%s %q has no option %q, it is ignored", kind, c.Name, key)
			if near := Nearest(key, c.spec.fieldNames()); near != "" {
				text += fmt.Sprintf("; did you mean %q?", near)
			}
			warnings = append(warnings, Warning{Pos: c.at(key), Key: key, Text: text})
		case len(field.Choices) > 0:
			if s, ok := v.(string); ok && !slices.Contains(field.Choices, s) {
				text := fmt.Sprintf("%s %q: option %q is %q, known are %q", kind, c.Name, key, s, field.Choices)
				warnings = append(warnings, Warning{Pos: c.at(key), Key: key, Text: text})
			}
		}
	}
	return warnings
}
