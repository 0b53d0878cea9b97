package mongo

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"github.com/parleybot/parley/internal/value"
)

// encodeMap returns m as a BSON document with the types that pymongo writes: integers as int32 where they fit, otherwise
// int64, floats as double. pymongo refuses integers beyond 64 bits: they become doubles where these have the very value,
// otherwise texts of their digits. It refuses keys with a zero byte, too, which BSON cannot hold: the byte becomes U+FFFD.
func encodeMap(m *value.Map) bson.Raw { return bson.Raw(appendMap(nil, m)) }

// lengthSize is the number of bytes in front of a document that hold its length.
const lengthSize = 4

func appendMap(dst []byte, m *value.Map) []byte {
	start, dst := bsoncore.AppendDocumentStart(dst)
	for key, v := range m.All() {
		dst = appendElement(dst, cleanKey(key), v)
	}
	return endDocument(dst, start)
}

// endDocument closes a document or array that began at start.
func endDocument(dst []byte, start int32) []byte {
	dst = append(dst, 0)
	return bsoncore.UpdateLength(dst, start, int32(len(dst))-start)
}

// cleanKey returns the key in the form BSON can hold.
func cleanKey(key string) string {
	if strings.IndexByte(key, 0) >= 0 {
		key = strings.ReplaceAll(key, "\x00", "\ufffd")
	}
	return cleanText(key)
}

// cleanText returns s as UTF-8, since pymongo cannot read a document with a text that is not.
func cleanText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\ufffd")
}

// appendElement appends a field, whose key must be clean.
func appendElement(dst []byte, key string, v any) []byte {
	switch v := v.(type) {
	case nil:
		return bsoncore.AppendNullElement(dst, key)
	case bool:
		return bsoncore.AppendBooleanElement(dst, key, v)
	case int64:
		if v == int64(int32(v)) {
			return bsoncore.AppendInt32Element(dst, key, int32(v))
		}
		return bsoncore.AppendInt64Element(dst, key, v)
	case float64:
		return bsoncore.AppendDoubleElement(dst, key, v)
	case string:
		return bsoncore.AppendStringElement(dst, key, cleanText(v))
	case *big.Int:
		if f, exact := new(big.Float).SetInt(v).Float64(); exact == big.Exact && !math.IsInf(f, 0) {
			return bsoncore.AppendDoubleElement(dst, key, f)
		}
		return bsoncore.AppendStringElement(dst, key, v.String())
	case []any:
		dst = bsoncore.AppendHeader(dst, bsoncore.TypeArray, key)
		start, dst := bsoncore.AppendArrayStart(dst)
		for i, item := range v {
			dst = appendElement(dst, strconv.Itoa(i), item)
		}
		return endDocument(dst, start)
	case *value.Map:
		return appendMap(bsoncore.AppendHeader(dst, bsoncore.TypeEmbeddedDocument, key), v)
	default:
		return appendElement(dst, key, value.FromGo(v))
	}
}

// array returns documents as one BSON array.
func array(documents []bson.Raw) bson.RawValue {
	size := lengthSize + 1
	for _, d := range documents {
		size += len(d) + 8
	}
	start, dst := bsoncore.AppendArrayStart(make([]byte, 0, size))
	for i, d := range documents {
		dst = bsoncore.AppendDocumentElement(dst, strconv.Itoa(i), d)
	}
	return bson.RawValue{Type: bson.TypeArray, Value: endDocument(dst, start)}
}

// documents returns the documents in an array; what is none is left out, and nothing is copied.
func documents(v bson.RawValue) ([]bson.Raw, error) {
	if v.Type != bson.TypeArray {
		return nil, nil
	}
	var out []bson.Raw
	err := elements(v.Value, func(e bsoncore.Element) error {
		if bsoncore.Type(e[0]) == bsoncore.TypeEmbeddedDocument {
			out = append(out, bson.Raw(e.Value().Data))
		}
		return nil
	})
	return out, err
}

var errCorrupt = errors.New("document is not BSON")

// elements calls visit for every element of a document or array.
func elements(document []byte, visit func(bsoncore.Element) error) error {
	length, rest, ok := bsoncore.ReadLength(document)
	if !ok || int(length) != len(document) || length <= lengthSize {
		return errCorrupt
	}
	for rest = rest[:len(rest)-1]; len(rest) > 0; {
		var e bsoncore.Element
		if e, rest, ok = bsoncore.ReadElement(rest); !ok || e.Validate() != nil {
			return errCorrupt
		}
		if err := visit(e); err != nil {
			return err
		}
	}
	return nil
}

// decodeMap is the reverse of encodeMap. What JSON does not have becomes a text: a time as Python's isoformat prints it,
// bytes in base64, an id in hexadecimal digits.
func decodeMap(document []byte) (*value.Map, error) {
	m := &value.Map{}
	err := elements(document, func(e bsoncore.Element) error {
		v, err := decodeValue(e.Value())
		m.Set(e.Key(), v)
		return err
	})
	return m, err
}

func decodeValue(v bsoncore.Value) (any, error) {
	switch v.Type {
	case bsoncore.TypeNull, bsoncore.TypeUndefined:
		return nil, nil
	case bsoncore.TypeBoolean:
		return v.Boolean(), nil
	case bsoncore.TypeInt32:
		return int64(v.Int32()), nil
	case bsoncore.TypeInt64:
		return v.Int64(), nil
	case bsoncore.TypeDouble:
		return v.Double(), nil
	case bsoncore.TypeString:
		if s, ok := v.StringValueOK(); ok {
			return s, nil
		}
		return nil, errCorrupt
	case bsoncore.TypeEmbeddedDocument:
		return decodeMap(v.Data)
	case bsoncore.TypeArray:
		list := []any{}
		err := elements(v.Data, func(e bsoncore.Element) error {
			item, err := decodeValue(e.Value())
			list = append(list, item)
			return err
		})
		return list, err
	}
	return decodeRare(v), nil
}

// decodeRare reads types that neither Rasa nor parley writes, but programs that repair conversations may.
func decodeRare(v bsoncore.Value) any {
	switch v.Type {
	case bsoncore.TypeDateTime:
		return isoTime(v.Time())
	case bsoncore.TypeObjectID:
		return bson.ObjectID(v.ObjectID()).Hex()
	case bsoncore.TypeBinary:
		_, data, _ := v.BinaryOK()
		return base64.StdEncoding.EncodeToString(data)
	case bsoncore.TypeSymbol:
		s, _ := v.SymbolOK()
		return s
	case bsoncore.TypeDecimal128:
		return bson.NewDecimal128(v.Decimal128()).String()
	}
	return fmt.Sprint(v)
}

// isoTime prints a time as isoformat does of what pymongo returns: in UTC, without a zone.
func isoTime(t time.Time) string {
	t = t.UTC()
	if t.Nanosecond() == 0 {
		return t.Format("2006-01-02T15:04:05")
	}
	return t.Format("2006-01-02T15:04:05.000000")
}
