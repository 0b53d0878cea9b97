package redis_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/testservers"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// clock gives events increasing times.
type clock float64

func (c *clock) base() tracker.Base {
	*c += 0.25
	return tracker.Base{Timestamp: float64(*c)}
}

func (c *clock) session() []tracker.Event {
	return []tracker.Event{
		&tracker.ActionExecuted{Base: c.base(), Name: tracker.ActionSessionStart, Confidence: 1},
		&tracker.SessionStarted{Base: c.base()},
		&tracker.ActionExecuted{Base: c.base(), Name: tracker.ActionListen, Confidence: tracker.NoConfidence},
	}
}

func (c *clock) turn(text string) []tracker.Event {
	parse := value.NewMap("text", text, "intent", value.NewMap("name", "greet", "confidence", 0.875), "entities", []any{})
	u := tracker.NewUserUttered(text, parse, "rest", fmt.Sprintf("%032x", int(*c*4)), value.NewMap("model_id", "0123456789abcdef0123456789abcdef"))
	u.Base.Timestamp = c.base().Timestamp
	return []tracker.Event{
		u,
		&tracker.DefinePrevUserUtteredFeaturization{Base: c.base()},
		&tracker.SlotSet{Base: c.base(), Key: "city", Value: text},
		&tracker.ActionExecuted{Base: c.base(), Name: "utter_greet", Policy: "RulePolicy", Confidence: 1},
		&tracker.BotUttered{Base: c.base(), Text: "Hello", Data: value.NewMap("buttons", nil, "custom", nil)},
		&tracker.ActionExecuted{Base: c.base(), Name: tracker.ActionListen, Policy: "RulePolicy", Confidence: 1},
	}
}

// usage is what a server has done so far.
type usage struct{ commands, bytesIn, bytesOut, micros int }

func (u usage) minus(o usage) usage {
	return usage{u.commands - o.commands, u.bytesIn - o.bytesIn, u.bytesOut - o.bytesOut, u.micros - o.micros}
}

func measure(t testing.TB, c *redis.Client) usage {
	t.Helper()
	text, err := c.Info(t.Context(), "everything").Result()
	require.NoError(t, err)
	number := func(key string) float64 {
		_, rest, _ := strings.Cut(text, "\n"+key)
		digits := strings.FieldsFunc(rest, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
		n, err := strconv.ParseFloat(digits[0], 64)
		require.NoError(t, err)
		return n
	}
	u := usage{bytesIn: int(number("total_net_input_bytes:")), bytesOut: int(number("total_net_output_bytes:")),
		micros: int(1e6 * (number("used_cpu_sys:") + number("used_cpu_user:")))}
	for _, name := range []string{"evalsha", "eval", "get", "set"} {
		if strings.Contains(text, "\ncmdstat_"+name+":") {
			u.commands += int(number("cmdstat_" + name + ":calls="))
		}
	}
	return u
}

// longConversation stores one with about that many events, all of one session or of sessions of 20 turns.
func longConversation(t testing.TB, s stores.TrackerStore, f *tracker.Factory, id string, events int, sessions bool) *clock {
	t.Helper()
	c := clock(1.7e9)
	tr := f.FromEvents(id, c.session())
	var at stores.Position
	known := 0
	for n := 0; len(tr.Events()) < events; n++ {
		tr.UpdateAll(c.turn(fmt.Sprint("turn ", n)))
		if sessions && n%20 == 19 {
			tr.UpdateAll(c.session())
		}
		if n%50 == 0 || len(tr.Events()) >= events {
			var err error
			at, err = s.Save(t.Context(), stores.Turn{Tracker: tr, Known: known, At: at})
			require.NoError(t, err)
			known = len(tr.Events())
		}
	}
	return &c
}

// oneTurn is a turn of a node.
func oneTurn(t testing.TB, s stores.TrackerStore, f *tracker.Factory, id string, c *clock, text string) {
	t.Helper()
	conv, err := s.Load(t.Context(), f, id)
	require.NoError(t, err)
	turn := stores.Turn{Tracker: conv.Tracker, Known: len(conv.Tracker.Events()), At: conv.At}
	turn.Tracker.UpdateAll(c.turn(text))
	_, err = s.Save(t.Context(), turn)
	require.NoError(t, err)
}

// TestTurnsCostTheSame lets two nodes take turns in short and in long conversations: a turn is one read and one write, and
// neither the network nor the server notices how much was said before.
func TestTurnsCostTheSame(t *testing.T) {
	const turns = 60
	server := testservers.RedisWith(t)
	c, f := raw(t, server.Addr), factory(t)
	for name, more := range map[string][]any{
		"off":      {"segments", "off"},
		"sessions": {"segments", "sessions"},
		"always":   {"segments", "always"},
	} {
		t.Run(name, func(t *testing.T) {
			var short usage
			for _, events := range []int{10, 1000, 20000} {
				prefix := newPrefix()
				nodes := make([]stores.TrackerStore, 2)
				for i := range nodes {
					nodes[i] = closing(t, open(t, at(t, server.Addr, append(more, "key_prefix", prefix)...)))
				}
				time := longConversation(t, nodes[0], f, "u", events, name == "sessions")
				for i := range 4 {
					oneTurn(t, nodes[i%2], f, "u", time, "warm up")
				}
				before := measure(t, c)
				for i := range turns {
					oneTurn(t, nodes[i%2], f, "u", time, fmt.Sprint("turn ", 100+i))
				}
				used := measure(t, c).minus(before)
				t.Logf("%5d events: a turn is %d commands, %d bytes in, %d bytes out, %d us of CPU", events,
					used.commands/turns, used.bytesIn/turns, used.bytesOut/turns, used.micros/turns)
				require.Equal(t, 2*turns, used.commands)
				if events == 10 {
					short = used
				}
				require.LessOrEqual(t, float64(used.bytesIn), 1.3*float64(short.bytesIn))
				require.LessOrEqual(t, float64(used.bytesOut), 1.3*float64(short.bytesOut))
				require.LessOrEqual(t, used.micros, 2*short.micros+10_000, "the server's time, with room for what else it does meanwhile")
			}
		})
	}
}
