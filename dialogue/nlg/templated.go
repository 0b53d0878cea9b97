package nlg

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// Templated makes messages from the responses of a domain (TemplatedNaturalLanguageGenerator). It is immutable and safe
// for concurrent use.
type Templated struct {
	domain    *project.Domain
	responses map[string]*response
	// raw is the domain's section responses.
	raw *value.Map
	log *slog.Logger
}

// NewTemplated prepares the responses of d. A nil log discards.
func NewTemplated(d *project.Domain, log *slog.Logger) *Templated {
	g := &Templated{domain: d, responses: make(map[string]*response, len(d.Responses)), raw: &value.Map{}, log: log}
	if g.log == nil {
		g.log = slog.New(slog.DiscardHandler)
	}
	for i := range d.Responses {
		g.responses[d.Responses[i].Name] = newResponse(&d.Responses[i], d)
	}
	if m := d.AsMap().Map("responses"); m != nil {
		g.raw = m
	}
	return g
}

// Generate returns the message for the response called name: the fields of the variation chosen, with the values of
// slots and args filled in. It is nil when there is no such response or no variation for the channel and the slots.
//
// The map belongs to the caller; the values in it are shared with other messages. channel is the output channel's name.
// args are what an action server gave beside the slots, nil for an utter_ action. random returns numbers in [0, 1). An
// error says that braces in the text make no sense to Python's formatter: Rasa says nothing then.
func (g *Templated) Generate(ctx context.Context, name string, t *tracker.Tracker, channel string, args *value.Map,
	random func() float64) (*value.Map, error) {
	if args != nil {
		if err := checkArgs(args, "self", "utter_action", "tracker", "output_channel", "filled_slots"); err != nil {
			return nil, err
		}
	}
	r, ok := g.responses[name]
	if !ok {
		return nil, nil
	}
	chosen, err := r.choose(t, channel, random)
	if err != nil || chosen == nil {
		return nil, err
	}
	message := chosen.raw.Clone()
	v := values{tracker: t, indexed: t.Domain() == g.domain, args: args, responses: g.raw}
	if len(chosen.fields) == 0 || v.none() {
		return message, nil
	}
	missing := func(placeholder string) {
		if isJSON(placeholder) {
			return // the payload of a button, which is meant to be said as it is written
		}
		g.log.WarnContext(ctx, "saying a text as it is written, as a placeholder has no value", "sender_id", t.SenderID,
			"action", name, "err", &missingError{placeholder})
	}
	for _, f := range chosen.fields {
		filled, err := f.fill(chosen.raw.Value(f.key), &v, missing)
		if err != nil {
			return nil, fmt.Errorf("filling %s: %w", f.key, err)
		}
		message.Set(f.key, filled)
	}
	return message, nil
}
