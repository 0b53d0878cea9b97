package value

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strings"
)

// ToFloat returns Python's float(v) of a number, a bool or a text that holds a number, and false where Python
// raises an exception.
func ToFloat(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int64:
		return float64(v), true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case string:
		f, err := ParseFloat(v)
		return f, err == nil
	case *big.Int:
		f, _ := new(big.Float).SetInt(v).Float64()
		return f, !math.IsInf(f, 0)
	}
	return 0, false
}

// FromGo converts a Go value to a value of this package: integers and floats of all sizes, json.Number, slices,
// arrays, maps with string keys (sorted, as Go's have no order), pointers, and named types of these. Bytes become a
// string; anything else becomes the text fmt.Sprint gives.
func FromGo(v any) any {
	switch v := v.(type) {
	case nil, bool, int64, float64, string:
		return v
	case *Map:
		out := v.Clone()
		for i := range out.entries {
			out.entries[i].value = FromGo(out.entries[i].value)
		}
		return out
	case *big.Int:
		if v == nil {
			return nil
		}
		return normalInt(v)
	case big.Int:
		return normalInt(&v)
	case json.Number:
		if n, err := DecodeString(v.String()); err == nil {
			return n
		}
		return v.String()
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = FromGo(v[i])
		}
		return out
	case int:
		return int64(v)
	}
	return fromReflected(reflect.ValueOf(v))
}

func fromReflected(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Bool:
		return v.Bool()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int()
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return normalInt(new(big.Int).SetUint64(v.Uint()))
	case reflect.Float32, reflect.Float64:
		return v.Float()
	case reflect.String:
		return v.String()
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
			return string(v.Bytes())
		}
		out := make([]any, v.Len())
		for i := range out {
			out[i] = FromGo(v.Index(i).Interface())
		}
		return out
	case reflect.Map:
		return fromGoMap(v)
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		if v.Elem().CanInterface() && v.Elem().Kind() != reflect.Struct {
			return FromGo(v.Elem().Interface())
		}
	}
	return fmt.Sprint(v.Interface())
}

func fromGoMap(v reflect.Value) any {
	type pair struct {
		key   string
		value reflect.Value
	}
	pairs := make([]pair, 0, v.Len())
	for it := v.MapRange(); it.Next(); {
		pairs = append(pairs, pair{Str(FromGo(it.Key().Interface())), it.Value()})
	}
	slices.SortFunc(pairs, func(a, b pair) int { return strings.Compare(a.key, b.key) })
	m := &Map{entries: make([]entry, 0, len(pairs))}
	for _, p := range pairs {
		m.Set(p.key, FromGo(p.value.Interface()))
	}
	return m
}
