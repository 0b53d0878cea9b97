package memory

import (
	"context"
	"fmt"
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
	"github.com/parleybot/parley/stores"
)

// everyEvent has an event of each form that packing treats in its own way, with every kind of value.
func everyEvent() []tracker.Event {
	stamp := value.NewMap("model_id", "0123456789abcdef0123456789abcdef")
	huge, _ := new(big.Int).SetString("123456789012345678901234567890", 10)
	parse := value.NewMap("text", "hé", "intent", value.NewMap("name", "greet", "confidence", 0.5),
		"entities", []any{value.NewMap("entity", "city", "start", int64(-3), "value", "Rome")})
	user := tracker.NewUserUttered("hé", parse, "rest", "fedcba9876543210fedcba9876543210", stamp)
	user.Timestamp = 1.25
	base := func(at float64) tracker.Base { return tracker.Base{Timestamp: at, Metadata: stamp} }
	return []tracker.Event{
		&tracker.ActionExecuted{Base: base(1), Name: "action_listen", Policy: "RulePolicy", Confidence: 1, HideRuleTurn: true},
		user,
		&tracker.SlotSet{Base: base(2), Key: "x", Value: []any{nil, true, false, int64(5), 2.5, "text", huge, value.NewMap("k", "v")}},
		&tracker.ActionExecuted{Base: tracker.Base{Timestamp: 3}, ActionText: "Hello there", Confidence: math.NaN()},
		&tracker.BotUttered{Base: base(4), Text: "bye", Data: value.NewMap("buttons", nil)},
		&tracker.BotUttered{Base: base(5), NoText: true},
		&tracker.ActiveLoop{Base: base(6), Name: "f"},
		&tracker.SessionStarted{Base: base(6)},
		&tracker.DefinePrevUserUtteredFeaturization{Base: base(6), UseText: true},
		&tracker.DefinePrevUserUtteredFeaturization{Base: base(6), Unknown: true},
		&tracker.ReminderScheduled{Base: base(7), Intent: "wake", DateTime: "2030-01-01T00:00:00", Name: "r"},
		&tracker.Restarted{Base: base(8)},
	}
}

func forms(events []tracker.Event) []any {
	out := make([]any, len(events))
	for i, e := range events {
		out[i] = tracker.AsMap(e)
	}
	return out
}

func TestPackIsUndoneByUnpack(t *testing.T) {
	d := newDictionary()
	for range 2 { // with words that are new, and known
		want := everyEvent()
		got, err := d.unpack(d.extend(record{}, want))
		require.NoError(t, err)
		require.Equal(t, value.Repr(forms(want)), value.Repr(forms(got)))
	}
}

// TestExtend packs a conversation turn by turn.
func TestExtend(t *testing.T) {
	d := newDictionary()
	want := everyEvent()
	var r record
	for i := range want {
		before := r
		r = d.extend(r, want[:i+1])
		got, err := d.unpack(before)
		require.NoError(t, err)
		require.Equal(t, value.Repr(forms(want[:i])), value.Repr(forms(got)))
	}
	require.Equal(t, d.extend(record{}, want).data, r.data)
	got, err := d.unpack(r)
	require.NoError(t, err)
	require.Equal(t, value.Repr(forms(want)), value.Repr(forms(got)))
}

func TestFullDictionary(t *testing.T) {
	d := newDictionary()
	for i := range maxWords {
		d.number(fmt.Sprint("word ", i))
	}
	want := everyEvent()
	got, err := d.unpack(d.extend(record{}, want))
	require.NoError(t, err)
	require.Equal(t, value.Repr(forms(want)), value.Repr(forms(got)))
	require.Len(t, d.words, maxWords)
}

func TestIdleConversationsComeBack(t *testing.T) {
	domain, problems := project.ParseDomain([]byte("slots:\n  x: {type: any, mappings: [{type: custom}]}\n"), "domain.yml")
	require.NoError(t, problems.Err())
	f, s, ctx := tracker.NewFactory(domain), New(), context.Background()
	const n = 3 * shardCount * liveInShard
	for i := range n {
		tr := f.New(fmt.Sprint(i))
		tr.UpdateAll(everyEvent()[:7])
		tr.Update(&tracker.SlotSet{Key: "x", Value: int64(i)})
		_, err := s.Save(ctx, stores.Turn{Tracker: tr})
		require.NoError(t, err)
	}
	live := 0
	for i := range s.shards {
		live += len(s.shards[i].conversations)
	}
	require.LessOrEqual(t, live, shardCount*liveInShard)
	keys, err := s.IDs(ctx, stores.Query{}, "", 0)
	require.NoError(t, err)
	require.Len(t, keys, n)
	for i := range n {
		conv, err := s.Load(ctx, f, fmt.Sprint(i))
		require.NoError(t, err)
		tr := conv.Tracker
		require.Equal(t, int64(i), tr.Slot("x"))
		require.Len(t, tr.Events(), 8)
		tr.Update(&tracker.SlotSet{Key: "x", Value: "again"})
		_, err = s.Save(ctx, stores.Turn{Tracker: tr, Known: 8, At: conv.At})
		require.NoError(t, err)
	}
	conv, err := s.LoadAll(ctx, f, "0")
	require.NoError(t, err)
	require.Equal(t, "again", conv.Tracker.Slot("x"))
	keys, err = s.IDs(ctx, stores.Query{}, "", 0)
	require.NoError(t, err)
	require.Len(t, keys, n)
}

func save(t *testing.T, s *Store, tr *tracker.Tracker, known, at int) {
	t.Helper()
	_, err := s.Save(context.Background(), stores.Turn{Tracker: tr, Known: known, At: stores.Position{Count: at}})
	require.NoError(t, err)
}

// TestReplacedEvents saves other events in the place of those that were loaded, and lets the conversation be packed.
func TestReplacedEvents(t *testing.T) {
	domain, problems := project.ParseDomain([]byte("{}"), "domain.yml")
	require.NoError(t, problems.Err())
	f, ctx := tracker.NewFactory(domain), context.Background()
	set := func(v string) tracker.Event {
		return &tracker.SlotSet{Base: tracker.Base{Timestamp: 1}, Key: "x", Value: v}
	}
	for _, c := range []struct {
		name   string
		packed bool
		want   []tracker.Event
	}{
		{"as many", false, []tracker.Event{set("c"), set("d")}},
		{"as many, of a packed conversation", true, []tracker.Event{set("c"), set("d")}},
		{"fewer", true, []tracker.Event{set("c")}},
		{"more", true, []tracker.Event{set("c"), set("d"), set("e")}},
		{"none", true, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := New()
			packAll := func() {
				for i := range 3 * shardCount * liveInShard {
					save(t, s, f.New(fmt.Sprint("other ", i)), 0, 0)
				}
			}
			save(t, s, f.FromEvents("u", []tracker.Event{set("a"), set("b")}), 0, 0)
			if c.packed {
				packAll()
			}
			loaded, err := s.Load(ctx, f, "u")
			require.NoError(t, err)
			_, err = s.Save(ctx, stores.Turn{Tracker: f.FromEvents("u", c.want), At: loaded.At, Replace: true})
			require.NoError(t, err)
			packAll()
			got, err := s.Load(ctx, f, "u")
			require.NoError(t, err)
			require.Equal(t, value.Repr(forms(c.want)), value.Repr(forms(got.Tracker.Events())))
		})
	}
}

// TestSaveWithoutLoad saves a packed conversation that was looked at, not loaded.
func TestSaveWithoutLoad(t *testing.T) {
	domain, problems := project.ParseDomain([]byte("{}"), "domain.yml")
	require.NoError(t, problems.Err())
	f, s, ctx := tracker.NewFactory(domain), New(), context.Background()
	others := func() {
		for i := range 3 * shardCount * liveInShard {
			save(t, s, f.New(fmt.Sprint("other ", i)), 0, 0)
		}
	}
	save(t, s, f.FromEvents("u", everyEvent()), 0, 0)
	others()
	looked, err := s.LoadAll(ctx, f, "u")
	require.NoError(t, err)
	looked.Tracker.Update(&tracker.SlotSet{Key: "x", Value: "more"})
	save(t, s, looked.Tracker, len(everyEvent()), looked.At.Count)
	others()
	got, err := s.LoadAll(ctx, f, "u")
	require.NoError(t, err)
	require.Equal(t, value.Repr(forms(looked.Tracker.Events())), value.Repr(forms(got.Tracker.Events())))
}

// TestLongConversation has one that is packed turn by turn only in its beginning.
func TestLongConversation(t *testing.T) {
	domain, problems := project.ParseDomain([]byte("{}"), "domain.yml")
	require.NoError(t, problems.Err())
	f, s, ctx := tracker.NewFactory(domain), New(), context.Background()
	for n := range 2 * packAtOnce {
		conv, err := s.Load(ctx, f, "u")
		require.NoError(t, err)
		tr := conv.Tracker
		if tr == nil {
			tr = f.New("u")
		}
		require.Len(t, tr.Events(), n)
		tr.Update(&tracker.SlotSet{Key: "x", Value: int64(n)})
		save(t, s, tr, n, conv.At.Count)
		if n%100 == 50 {
			for i := range 3 * shardCount * liveInShard {
				save(t, s, f.New(fmt.Sprint("other ", i)), 0, 0)
			}
		}
	}
	conv, err := s.LoadAll(ctx, f, "u")
	require.NoError(t, err)
	for i, e := range conv.Tracker.Events() {
		require.Equal(t, int64(i), e.(*tracker.SlotSet).Value)
	}
}

// FuzzUnpack states: whatever the bytes, unpacking ends with events or an error.
func FuzzUnpack(f *testing.F) {
	d := newDictionary()
	f.Add(d.extend(record{}, everyEvent()).data)
	f.Add([]byte{packedOther, packedMap, 1, packedWord, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<12 {
			return
		}
		events, err := d.unpack(record{data: data})
		if err == nil {
			for _, e := range events {
				require.NotNil(t, e)
			}
		}
	})
}
