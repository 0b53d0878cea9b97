package state

import (
	"math"
	"testing"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
)

func TestSlotFeatures(t *testing.T) {
	d := testDomain(t)
	cases := []struct {
		slot  string
		value any
		want  string // "" when the slot does not count
	}{
		{"name", "Ann", "[1.0]"}, {"name", "", "[1.0]"}, {"name", nil, ""}, {"name", ShouldNotBeSet, notSetText},
		{"vegan", true, "[1.0, 1.0]"}, {"vegan", false, "[1.0, 0.0]"}, {"vegan", "TRUE", "[1.0, 1.0]"},
		{"vegan", " false ", "[1.0, 0.0]"}, {"vegan", "1", "[1.0, 1.0]"}, {"vegan", "0", "[1.0, 0.0]"}, {"vegan", "½", ""},
		{"vegan", int64(1), "[1.0, 1.0]"}, {"vegan", 0.5, "[1.0, 0.0]"}, {"vegan", "perhaps", ""}, {"vegan", []any{true}, ""},
		{"vegan", nil, ""},
		{"size", "small", "[1.0, 0.0, 0.0]"}, {"size", "LARGE", "[0.0, 1.0, 0.0]"}, {"size", "huge", "[0.0, 0.0, 1.0]"},
		{"size", int64(3), "[0.0, 0.0, 1.0]"}, {"size", nil, ""},
		{"guests", 2.5, "[1.0, 0.25]"}, {"guests", int64(-3), "[1.0, 0.0]"}, {"guests", "4", "[1.0, 0.4]"},
		{"guests", 99.0, "[1.0, 1.0]"}, {"guests", math.NaN(), "[1.0, 1.0]"}, {"guests", "many", ""}, {"guests", nil, ""},
		{"dishes", []any{"soup"}, "[1.0]"}, {"dishes", []any{}, ""}, {"dishes", "soup", "[1.0]"},
		{"dishes", ShouldNotBeSet, "[1.0]"}, {"dishes", nil, ""},
		{"note", "x", ""}, {"quiet", "x", ""}, {"quiet", ShouldNotBeSet, ""},
	}
	f := NewFeaturizer(d)
	for _, c := range cases {
		t.Run(c.slot+"="+value.Str(c.value), func(t *testing.T) {
			tr := tracker.NewFactory(d).FromEvents("x", []tracker.Event{&tracker.SlotSet{Key: c.slot, Value: c.value}})
			s := f.Of(tr.State(), true)
			got := ""
			if len(s.Slots) > 0 {
				got = s.Slots[0].Feature.Text
			}
			if got != c.want {
				t.Errorf("feature is %s, want %s", got, c.want)
			}
		})
	}
}

func TestInitialValuesCountUnlessOmitted(t *testing.T) {
	d := testDomain(t)
	f := NewFeaturizer(d)
	initial := tracker.NewFactory(d).New("x").State()
	s := f.Of(initial, false)
	if want := `{"slots": {"level": [1.0, 0.0, 0.0]}}`; string(s.Append(nil)) != want {
		t.Errorf("state is %s, want %s", s.Append(nil), want)
	}
	if s = f.Of(initial, true); len(s.Slots) != 0 {
		t.Errorf("slots are %v", s.Slots)
	}
}

func TestHashOfKeyIsThatOfStates(t *testing.T) {
	states := []State{
		{},
		{Prev: Action{Name: "action_listen"}, User: &User{Intent: "greet", Entities: []string{"a#b", "c"}}},
		{Prev: Action{Name: `say "it", now`, IsText: true}, Loop: "order_form", User: &User{Text: "a, b: [c]"}},
		{Slots: []Slot{{"a", newFeature("a", "[1.0, 0.0]")}, {"b", newFeature("b", notSetText)}}, User: &User{}},
	}
	hashes, ok := HashKey(string(AppendList(nil, states)))
	if !ok || len(hashes) != len(states) {
		t.Fatalf("%d hashes of %d states", len(hashes), len(states))
	}
	seen := map[uint64]bool{}
	for i := range states {
		if hashes[i] != states[i].Hash() || seen[hashes[i]] {
			t.Errorf("hash of %s is wrong", states[i].Append(nil))
		}
		seen[hashes[i]] = true
	}
	if _, ok := HashKey("{}"); ok {
		t.Error("an object is taken for a list of states")
	}
}

func newFeature(slot, text string) *Feature { return &Feature{Text: text, hash: hashSlot(slot, text)} }
