package mongo

import (
	"math"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parleybot/parley/internal/value"
)

// TestEncode compares with what pymongo 4.3.3 makes of the same value, as canonical extended JSON. Where it raises an
// exception, the comment says which.
func TestEncode(t *testing.T) {
	power := func(n uint) *big.Int { return new(big.Int).Lsh(big.NewInt(1), n) }
	for _, c := range []struct {
		name  string
		value any
		want  string
	}{
		{"none", nil, `null`},
		{"truth", true, `true`},
		{"int32", int64(math.MaxInt32), `{"$numberInt":"2147483647"}`},
		{"int64", int64(math.MaxInt32) + 1, `{"$numberLong":"2147483648"}`},
		{"least int32", int64(math.MinInt32), `{"$numberInt":"-2147483648"}`},
		{"negative int64", int64(math.MinInt32) - 1, `{"$numberLong":"-2147483649"}`},
		{"least int64", int64(math.MinInt64), `{"$numberLong":"-9223372036854775808"}`},
		{"whole float", 2.0, `{"$numberDouble":"2.0"}`},
		{"nan", math.NaN(), `{"$numberDouble":"NaN"}`},
		{"infinity", math.Inf(-1), `{"$numberDouble":"-Infinity"}`},
		{"2**70", power(70), `{"$numberDouble":"1.1805916207174113E+21"}`},                  // OverflowError
		{"2**70+1", new(big.Int).Add(power(70), big.NewInt(1)), `"1180591620717411303425"`}, // OverflowError
		{"2**1100", power(1100), `"` + power(1100).String() + `"`},                          // OverflowError
		{"text", "Zoë\x00🍑", `"Zoë\u0000🍑"`},
		{"no UTF-8", "a\xffb", `"a�b"`}, // not a text in Python
		{"list", []any{int64(1), []any{}, &value.Map{}}, `[{"$numberInt":"1"},[],{}]`},
		{"odd keys", value.NewMap("a.b", nil, "$x", "", "", int64(0)), `{"a.b":null,"$x":"","":{"$numberInt":"0"}}`},
		{"zero byte in a key", value.NewMap("a\x00b", true), `{"a�b":true}`}, // InvalidDocument
		{"order", value.NewMap("z", int64(1), "a", int64(2)), `{"z":{"$numberInt":"1"},"a":{"$numberInt":"2"}}`},
		{"other Go types", map[string]int{"n": 1}, `{"n":{"$numberInt":"1"}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			document := encodeMap(value.NewMap("v", c.value))
			require.NoError(t, document.Validate())
			got, err := bson.MarshalExtJSON(document, true, false)
			require.NoError(t, err)
			require.Equal(t, `{"v":`+c.want+`}`, string(got))
		})
	}
}

func TestDecode(t *testing.T) {
	id := bson.NewObjectID()
	d128, err := bson.ParseDecimal128("12.50")
	require.NoError(t, err)
	for _, c := range []struct {
		name string
		in   any
		want any
	}{
		{"whole seconds", time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC), "2030-01-02T03:04:05"},
		{"milliseconds", time.Date(2030, 1, 2, 3, 4, 5, 6e6, time.UTC), "2030-01-02T03:04:05.006000"},
		{"id", id, id.Hex()},
		{"bytes", []byte("abc"), "YWJj"},
		{"decimal", d128, "12.50"},
		{"symbol", bson.Symbol("s"), "s"},
		{"undefined", bson.Undefined{}, nil},
		{"regular expression", bson.Regex{Pattern: "a", Options: "i"}, `{"$regularExpression":{"pattern":"a","options":"i"}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			document, err := bson.Marshal(bson.D{{Key: "v", Value: c.in}})
			require.NoError(t, err)
			m, err := decodeMap(document)
			require.NoError(t, err)
			require.Equal(t, c.want, m.Value("v"))
		})
	}
}

func TestRoundTrip(t *testing.T) {
	want := value.NewMap("a", nil, "b", []any{true, int64(1), 1.0, "x", value.NewMap("$c.d", []any{})}, "big", int64(1)<<62, "e", &value.Map{})
	got, err := decodeMap(encodeMap(want))
	require.NoError(t, err)
	require.Equal(t, value.Repr(want), value.Repr(got))
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(encodeMap(value.NewMap("a", []any{int64(1), "x", nil}, "b", value.NewMap("c", 1.5)))))
	f.Add([]byte("\x05\x00\x00\x00\x00"))
	f.Add([]byte("\x0c\x00\x00\x00\x04a\x00\x05\x00\x00\x00\x01\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := decodeMap(data)
		if err != nil {
			return
		}
		again, err := decodeMap(encodeMap(m))
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		third, err := decodeMap(encodeMap(again)) // of the first one texts may have been repaired
		if err != nil || value.Repr(again) != value.Repr(third) {
			t.Fatalf("written %s, read %s: %v", value.Repr(again), value.Repr(third), err)
		}
	})
}
