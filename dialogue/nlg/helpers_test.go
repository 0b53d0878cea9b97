package nlg

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// world returns a domain with responses written as YAML, and a conversation with the given slots.
func world(t testing.TB, responses string, slots *value.Map) (*project.Domain, *tracker.Tracker) {
	t.Helper()
	doc := "version: '3.1'\nslots:\n"
	for _, name := range []string{"name", "city", "count", "basket"} {
		doc += "  " + name + ": {type: any, mappings: [{type: custom}]}\n"
	}
	d, ps := project.ParseDomain([]byte(doc+"responses:\n"+responses), "domain.yml")
	require.NoError(t, ps.Err())
	tr := tracker.NewFactory(d).New("anna")
	for name, v := range slots.All() {
		tr.Update(&tracker.SlotSet{Key: name, Value: v})
	}
	return d, tr
}

func first() float64 { return 0 }

func say(t testing.TB, d *project.Domain, tr *tracker.Tracker, channel string, args *value.Map) (*value.Map, error) {
	t.Helper()
	return NewTemplated(d, nil).Generate(context.Background(), "utter_x", tr, channel, args, first)
}
