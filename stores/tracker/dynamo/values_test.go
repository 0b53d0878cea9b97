package dynamo

import (
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/internal/value"
)

func nested(levels int) any {
	if levels == 0 {
		return int64(1)
	}
	return []any{nested(levels - 1)}
}

// Every value comes back as it was, in Rasa's form as far as DynamoDB can hold it.
func TestValues(t *testing.T) {
	huge, ok := new(big.Int).SetString(strings.Repeat("9", 60), 10)
	require.True(t, ok)
	for name, c := range map[string]struct {
		v any
		// own is what field _parley says: nothing, that there are integers, or all.
		own string
	}{
		"text":            {"péché 🍑", ""},
		"empty text":      {"", ""},
		"null":            {nil, ""},
		"truth":           {true, ""},
		"float":           {2.5, ""},
		"long float":      {0.1234567890123456, ""},
		"whole float":     {2.0, ""},
		"integer":         {int64(2), "ints"},
		"large integer":   {int64(math.MaxInt64), "ints"},
		"2^70":            {new(big.Int).Lsh(big.NewInt(1), 70), "ints"},
		"60 digits":       {huge, "all"},
		"both":            {[]any{int64(2), 2.0}, "all"},
		"1e300":           {1e300, "all"},
		"tiny":            {5e-324, "all"},
		"negative zero":   {math.Copysign(0, -1), "all"},
		"infinite":        {math.Inf(-1), "all"},
		"lists":           {[]any{[]any{}, value.NewMap(), []any{nil}}, ""},
		"odd keys":        {value.NewMap("a.b", 1.5, "$x", "y", "#", nil), ""},
		"empty key":       {value.NewMap("", "x"), "all"},
		"own key":         {value.NewMap(fieldOwn, "x"), "all"},
		"deep":            {nested(20), "ints"},
		"too deep":        {nested(40), "all"},
		"confidence":      {value.NewMap("confidence", 1.0, "start", int64(3)), "ints"},
		"odd confidence":  {value.NewMap("confidence", int64(1)), "all"},
		"surrogate":       {"\xed\xa0\xbd", "all"},
		"timestamp below": {value.NewMap("timestamp", []any{int64(1)}), "all"},
	} {
		m := value.NewMap("event", "slot", "name", "x", "timestamp", 1795000000.123457, "value", c.v)
		out := encodeEvent(m)
		own := ""
		switch out.Value[fieldOwn].(type) {
		case *truth:
			own = "ints"
		case *text:
			own = "all"
		}
		require.Equal(t, c.own, own, name)
		back, err := decodeEvent(out.Value)
		require.NoError(t, err, name)
		require.Equal(t, sorted(m), sorted(back), name)

		l := openLog(t, 0)
		put(t, l.client, l.table, document{fieldSender: &text{Value: name}, fieldName: &text{Value: name}, fieldEvents: &list{Value: []attr{out}}})
		back, err = decodeEvent(mapOf(listOf(rawItem(t, l, name)[fieldEvents])[0]))
		require.NoError(t, err, name)
		require.Equal(t, sorted(m), sorted(back), "%s, from DynamoDB", name)
	}
}
