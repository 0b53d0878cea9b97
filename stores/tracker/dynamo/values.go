package dynamo

import (
	"fmt"
	"math"
	"math/big"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/parleybot/parley/internal/value"
)

// Attributes of DynamoDB.
type (
	attr     = types.AttributeValue
	mapping  = types.AttributeValueMemberM
	list     = types.AttributeValueMemberL
	text     = types.AttributeValueMemberS
	number   = types.AttributeValueMemberN
	truth    = types.AttributeValueMemberBOOL
	null     = types.AttributeValueMemberNULL
	document = map[string]attr
)

// Limits of DynamoDB: digits and size of numbers, and levels of nesting, of which the item takes some.
const (
	maxDigits   = 38
	maxExponent = 125
	minExponent = -130
	maxLevel    = 28
)

// fieldOwn of an event tells how its numbers are to be read: it is true if those without a fraction are integers, except
// under floatKeys, and a text if the event is rather to be read from that, as JSON. Without it all numbers are floats, as Rasa
// reads them.
const fieldOwn = "_parley"

// floatKeys are keys of numbers that always are floats.
var floatKeys = map[string]bool{"timestamp": true, "confidence": true}

// encoder turns a value into an attribute and sees what is lost by that.
type encoder struct {
	// ints and wholes tell that there were integers, and floats without a fraction.
	ints, wholes bool
	// odd tells that something cannot be kept as it is.
	odd bool
}

// encodeEvent returns an event's map as Rasa stores it, with a field of its own where that would change it.
func encodeEvent(m *value.Map) *mapping {
	var e encoder
	out := e.mapping(m, 0)
	switch {
	case e.odd || e.ints && e.wholes:
		out.Value[fieldOwn] = &text{Value: string(value.Encode(m, value.JSON))}
	case e.ints:
		out.Value[fieldOwn] = &truth{Value: true}
	}
	return out
}

func (e *encoder) mapping(m *value.Map, level int) *mapping {
	out := make(document, m.Len())
	for key, v := range m.All() {
		if key == "" || !utf8.ValidString(key) || key == fieldOwn {
			e.odd = true // DynamoDB has no place for it, or parley needs it
			continue
		}
		if f, ok := v.(float64); ok && floatKeys[key] {
			out[key] = e.float(f, true)
			continue
		}
		if floatKeys[key] && v != nil {
			e.odd = true
		}
		out[key] = e.encode(v, level+1)
	}
	return &mapping{Value: out}
}

func (e *encoder) encode(v any, level int) attr {
	if level > maxLevel {
		e.odd = true
		return &text{Value: string(value.Encode(v, value.JSON))}
	}
	switch v := v.(type) {
	case nil:
		return &null{Value: true}
	case bool:
		return &truth{Value: v}
	case int64:
		e.ints = true
		return &number{Value: strconv.FormatInt(v, 10)}
	case *big.Int:
		e.ints = true
		if digits := strings.TrimLeft(v.String(), "-"); len(digits) > maxDigits {
			e.odd = true
			return &text{Value: v.String()}
		}
		return &number{Value: v.String()}
	case float64:
		return e.float(v, false)
	case string:
		if !utf8.ValidString(v) {
			e.odd = true
			v = strings.ToValidUTF8(v, "\ufffd")
		}
		return &text{Value: v}
	case []any:
		out := make([]attr, len(v))
		for i, item := range v {
			out[i] = e.encode(item, level+1)
		}
		return &list{Value: out}
	case *value.Map:
		return e.mapping(v, level)
	}
	panic(fmt.Sprintf("no value of a conversation has the type %T", v))
}

// float encodes a float; known is true where the key tells that it is one. What DynamoDB has no number for becomes a text.
func (e *encoder) float(f float64, known bool) attr {
	switch a := math.Abs(f); {
	case math.IsNaN(f) || math.IsInf(f, 0) || a > 0 && (a < math.Pow10(minExponent) || a >= math.Pow10(maxExponent)):
		e.odd = true
		return &text{Value: value.FormatFloat(f)}
	case f == 0 && math.Signbit(f):
		e.odd = true
	case f == math.Trunc(f) && !known:
		e.wholes = true
	}
	return &number{Value: strconv.FormatFloat(f, 'g', -1, 64)}
}

// decodeEvent reads an event's map.
func decodeEvent(m document) (*value.Map, error) {
	switch own := m[fieldOwn].(type) {
	case *text:
		v, err := value.DecodeObject([]byte(own.Value))
		if err != nil {
			return nil, fmt.Errorf("reading field %s: %w", fieldOwn, err)
		}
		return v, nil
	case *truth:
		return decodeMap(m, own.Value)
	}
	return decodeMap(m, false)
}

// decodeMap returns a dictionary, its keys in order.
func decodeMap(m document, ints bool) (*value.Map, error) {
	keys := make([]string, 0, len(m))
	for key := range m {
		if key != fieldOwn {
			keys = append(keys, key)
		}
	}
	sort.Strings(keys)
	out := value.NewMapOf(len(keys))
	for _, key := range keys {
		v, err := decode(m[key], ints && !floatKeys[key])
		if err != nil {
			return nil, err
		}
		out.Set(key, v)
	}
	return out, nil
}

func decode(a attr, ints bool) (any, error) {
	switch a := a.(type) {
	case *null:
		return nil, nil
	case *truth:
		return a.Value, nil
	case *text:
		return a.Value, nil
	case *number:
		return decodeNumber(a.Value, ints)
	case *list:
		out := make([]any, len(a.Value))
		for i, item := range a.Value {
			v, err := decode(item, ints)
			if err != nil {
				return nil, err
			}
			out[i] = v
		}
		return out, nil
	case *mapping:
		return decodeMap(a.Value, ints)
	}
	return nil, fmt.Errorf("an attribute of type %T is not of a conversation", a)
}

func decodeNumber(s string, ints bool) (any, error) {
	if ints {
		if r, ok := new(big.Rat).SetString(s); ok && r.IsInt() {
			return value.ParseInt(r.Num().String())
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return nil, fmt.Errorf("reading a number: %w", err)
	}
	return f, nil
}

// size returns about how many bytes DynamoDB counts for an attribute, rather more.
func size(a attr) int {
	switch a := a.(type) {
	case *text:
		return len(a.Value) + 1
	case *number:
		return len(a.Value)/2 + 3
	case *list:
		n := 3
		for _, item := range a.Value {
			n += size(item) + 1
		}
		return n
	case *mapping:
		n := 3
		for key, v := range a.Value {
			n += len(key) + size(v) + 1
		}
		return n
	case *types.AttributeValueMemberB:
		return len(a.Value) + 1
	}
	return 1
}

func total(events []attr) int {
	n := 0
	for _, e := range events {
		n += size(e) + 1
	}
	return n
}

// senderKey returns an id as DynamoDB takes it.
func senderKey(senderID string) attr {
	return &text{Value: strings.ToValidUTF8(senderID, "\ufffd")}
}

func textOf(a attr) string {
	if t, ok := a.(*text); ok {
		return t.Value
	}
	return ""
}

func intOf(a attr) int {
	if n, ok := a.(*number); ok {
		f, _ := strconv.ParseFloat(n.Value, 64)
		return int(f)
	}
	return 0
}

func int64Of(a attr) int64 {
	if n, ok := a.(*number); ok {
		i, _ := strconv.ParseInt(n.Value, 10, 64)
		return i
	}
	return 0
}

func mapOf(a attr) document {
	if m, ok := a.(*mapping); ok {
		return m.Value
	}
	return nil
}

func listOf(a attr) []attr {
	if l, ok := a.(*list); ok {
		return l.Value
	}
	return nil
}

func numberOf[T int | int64](n T) attr { return &number{Value: strconv.FormatInt(int64(n), 10)} }
