package redis

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/internal/value"
)

func TestSlots(t *testing.T) {
	// From the specification of Redis Cluster and CLUSTER KEYSLOT of a server.
	require.Equal(t, 0x31C3, slot("123456789"))
	require.Equal(t, 12182, slot("foo"))
	k := keys{cluster: true}
	for _, id := range []string{"u", "{x}", "a}b", "{}x", "}", "{", "{a{b}c}", "Zoë {🍑}", ""} {
		list := k.of(id)
		require.Equal(t, "tracker:"+id, list[0])
		seen := map[string]bool{}
		for _, key := range list {
			require.Equal(t, slot(hashTag(list[0])), slot(hashTag(key)), "%q", key)
			require.False(t, seen[key])
			seen[key] = true
		}
	}
	require.Equal(t, "parley:outbox:{tracker:u}", k.of("u")[1])
	require.Equal(t, []string{"{parley}:timers", "{parley}:timers:names", "{parley}:timers:data"}, k.timers())
	require.Equal(t, "bot:parley:timers", keys{prefix: "bot:"}.timers()[0])
}

func TestSplit(t *testing.T) {
	for list, want := range map[string][]string{
		``:                             nil,
		` {} `:                         {`{}`},
		`{"a": [1, {}]}, {"}": "\"]"}`: {`{"a": [1, {}]}`, `{"}": "\"]"}`},
		`{},{}`:                        {`{}`, `{}`},
	} {
		spans, err := split([]byte(list))
		require.NoError(t, err, list)
		var got []string
		for _, s := range spans {
			got = append(got, list[s[0]:s[1]])
		}
		require.Equal(t, want, got, list)
	}
	for _, list := range []string{`,`, `{},`, `{} {}`, `1`, `[]`, `{`, `{"}`, `{}]`, `"a"`} {
		_, err := split([]byte(list))
		require.ErrorIs(t, err, errNotAList, list)
	}
}

// FuzzSplit checks that split finds the same objects as a decoder of JSON.
func FuzzSplit(f *testing.F) {
	f.Add(`{"a": [1, {}]}, {"}": "\"]"}`)
	f.Add(`{},`)
	f.Fuzz(func(t *testing.T, list string) {
		v, err := value.DecodeString("[" + list + "]")
		if err != nil {
			return
		}
		spans, err := split([]byte(list))
		want := v.([]any)
		for _, e := range want {
			if _, ok := e.(*value.Map); !ok {
				require.ErrorIs(t, err, errNotAList)
				return
			}
		}
		require.NoError(t, err)
		require.Len(t, spans, len(want))
		for i, s := range spans {
			got, err := value.DecodeString(list[s[0]:s[1]])
			require.NoError(t, err)
			require.Equal(t, value.Encode(want[i], value.JSON), value.Encode(got, value.JSON))
		}
	})
}

func TestEndingIsPythons(t *testing.T) {
	require.Equal(t, `], "name": "a\"\\/\u00fc\ud83c\udf51"}`, ending(`a"\/ü🍑`))
	require.Equal(t, sha1Hex([]byte(strings.Repeat("x", window))), digest([]byte(strings.Repeat("y", 5)+strings.Repeat("x", window))))
}
