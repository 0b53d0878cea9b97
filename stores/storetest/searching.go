package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/stores"
)

func ids(t *testing.T, open Place, f *tracker.Factory) {
	s := open()
	want := []string{"a", "b/c", "b0", "Zoë", "z_", "z%", "9", "10"}
	for _, id := range want {
		var c clock
		begin(t, s, f.FromEvents(id, session(&c, "hello")))
		goOn(t, s, f, id, executed(&c, "action_cook"))
	}
	slices.Sort(want)
	got, err := s.IDs(t.Context(), stores.Query{}, "", 0)
	require.NoError(t, err)
	require.Equal(t, want, got)
	var pages []string
	for after := ""; ; after = pages[len(pages)-1] {
		page, err := open().IDs(t.Context(), stores.Query{}, after, 3)
		require.NoError(t, err)
		require.LessOrEqual(t, len(page), 3)
		if len(page) == 0 {
			break
		}
		pages = append(pages, page...)
	}
	require.Equal(t, want, pages)
}

// queries checks that a store leaves out no conversation that a query means; it may leave others in.
func queries(t *testing.T, open Place, f *tracker.Factory) {
	s := open()
	at := func(seconds float64) clock { return clock(seconds) }
	greet, order := at(1_700_000_000), at(1_700_001_000)
	begin(t, s, f.FromEvents("greeter", []tracker.Event{
		executed(&greet, tracker.ActionSessionStart), &tracker.SessionStarted{Base: greet.base()}, said(&greet, "Good Morning", "greet")}))
	begin(t, s, f.FromEvents("orderer", []tracker.Event{
		executed(&order, tracker.ActionSessionStart), &tracker.SessionStarted{Base: order.base()}, said(&order, "100% soup", "order"),
		&tracker.SlotSet{Base: order.base(), Key: "dish", Value: "soup"},
		&tracker.BotUttered{Base: order.base(), Text: "Coming_up"}}))
	soup, other := "soup", "salad"
	for name, c := range map[string]struct {
		q    stores.Query
		want []string
	}{
		"all":           {stores.Query{}, []string{"greeter", "orderer"}},
		"intent":        {stores.Query{Intent: "order"}, []string{"orderer"}},
		"text":          {stores.Query{Text: "good m"}, []string{"greeter"}},
		"special text":  {stores.Query{Text: "0% S"}, []string{"orderer"}},
		"bot's text":    {stores.Query{Text: "g_u"}, []string{"orderer"}},
		"slot":          {stores.Query{Slot: "dish"}, []string{"orderer"}},
		"slot's value":  {stores.Query{Slot: "dish", SlotValue: &soup}, []string{"orderer"}},
		"another value": {stores.Query{Slot: "dish", SlotValue: &other}, nil},
		"channel":       {stores.Query{Channel: "rest"}, []string{"greeter", "orderer"}},
		"other channel": {stores.Query{Channel: "slack"}, nil},
		"since":         {stores.Query{Since: time.Unix(1_700_000_500, 0)}, []string{"orderer"}},
		"until":         {stores.Query{Until: time.Unix(1_700_000_500, 0)}, []string{"greeter"}},
		"both":          {stores.Query{Intent: "greet", Slot: "dish"}, nil},
	} {
		got, err := s.IDs(t.Context(), c.q, "", 0)
		require.NoError(t, err, name)
		var match []string
		for _, id := range got {
			all, err := s.LoadAll(t.Context(), f, id)
			require.NoError(t, err)
			if c.q.Matches(all.Tracker) {
				match = append(match, id)
			}
		}
		require.Equal(t, c.want, match, name)
	}
}
