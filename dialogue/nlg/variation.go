package nlg

import (
	"errors"
	"fmt"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// interpolated are the fields of a variation in which placeholders are filled, in Rasa's order.
var interpolated = []string{"text", "image", "custom", "buttons", "attachment", "quick_replies"}

// response is a response of the domain, ready for use.
type response struct{ variations []variation }

type variation struct {
	// raw is the variation as written.
	raw *value.Map
	id  string
	// channel is nil for all channels.
	channel any
	// conditional is false without any condition. An empty list of conditions is never fulfilled.
	conditional bool
	conditions  []condition
	// fields are those with placeholders.
	fields []fieldNode
}

type condition struct {
	slot  string
	value any
	// folded is the value for comparison when it is a text.
	folded string
	isText bool
	// broken tells that name or value is missing, untyped that type is: Rasa fails over either.
	broken, untyped bool
}

func newResponse(r *project.Response, d *project.Domain) *response {
	out := &response{make([]variation, len(r.Variations))}
	for i := range r.Variations {
		raw := r.Variations[i].Raw
		v := variation{raw: raw, id: raw.String("id"), channel: raw.Value("channel")}
		if c := raw.Value("condition"); c != nil {
			v.conditional = true
			v.conditions = newConditions(raw.List("condition"))
		}
		for _, key := range interpolated {
			if n := newNode(raw.Value(key), d); n != nil {
				v.fields = append(v.fields, fieldNode{key, n})
			}
		}
		out.variations[i] = v
	}
	return out
}

func newConditions(list []any) []condition {
	out := make([]condition, len(list))
	for i, item := range list {
		m, _ := item.(*value.Map)
		c := condition{
			slot: m.String("name"), value: m.Value("value"),
			broken: !m.Has("name") || !m.Has("value"), untyped: !m.Has("type"),
		}
		if s, ok := c.value.(string); ok {
			c.isText, c.folded = true, value.CaseFold(s)
		}
		out[i] = c
	}
	return out
}

// errCondition is what Rasa has a KeyError for.
var errCondition = errors.New("a condition needs type, name and value")

// fulfilled reports whether the slots of t have the values of all conditions. Texts are compared without case.
func (v *variation) fulfilled(t *tracker.Tracker) (bool, error) {
	for i := range v.conditions {
		c := &v.conditions[i]
		if c.broken {
			return false, errCondition
		}
		have := t.Slot(c.slot)
		if s, ok := have.(string); ok && c.isText {
			if value.CaseFold(s) != c.folded {
				return false, nil
			}
		} else if !value.Equal(have, c.value) {
			return false, nil
		}
	}
	return len(v.conditions) > 0, nil
}

// The preference of variations: those of the best rank are chosen among. A variation for the channel beats one that
// only has its condition fulfilled.
const (
	unfit = iota
	byDefault
	byCondition
	byChannel
	byConditionAndChannel
)

func (v *variation) rank(t *tracker.Tracker, channel string) (int, error) {
	rank := byDefault
	if v.conditional {
		ok, err := v.fulfilled(t)
		if err != nil || !ok {
			return unfit, err
		}
		rank = byCondition
	}
	if v.channel == nil {
		return rank, nil
	}
	if name, ok := v.channel.(string); !ok || name != channel {
		return unfit, nil
	}
	if rank == byCondition {
		return byConditionAndChannel, nil
	}
	return byChannel, nil
}

// eligible appends the variations that may be said to buf (ResponseVariationFilter.responses_for_utter_action).
func (r *response) eligible(t *tracker.Tracker, channel string, buf []*variation) ([]*variation, error) {
	best := unfit
	for i := range r.variations {
		v := &r.variations[i]
		rank, err := v.rank(t, channel)
		if err != nil {
			return nil, fmt.Errorf("variation %d: %w", i+1, err)
		}
		if rank > best {
			best, buf = rank, buf[:0]
		}
		if rank == best && rank != unfit {
			buf = append(buf, v)
		}
	}
	return buf, nil
}

// choose returns one of the eligible variations, all of them with the same chance; nil when there is none.
func (r *response) choose(t *tracker.Tracker, channel string, random func() float64) (*variation, error) {
	var space [8]*variation
	candidates, err := r.eligible(t, channel, space[:0])
	if err != nil || len(candidates) == 0 {
		return nil, err
	}
	chosen := candidates[0]
	if n := len(candidates); n > 1 {
		chosen = candidates[min(int(random()*float64(n)), n-1)]
	}
	for i := range chosen.conditions {
		if chosen.conditions[i].untyped {
			return nil, errCondition
		}
	}
	return chosen, nil
}

// id returns the id of the first eligible variation, "" when it has none or when ids are not unique among them
// (ResponseVariationFilter.get_response_variation_id).
func (r *response) id(t *tracker.Tracker, channel string) (string, error) {
	candidates, err := r.eligible(t, channel, nil)
	if err != nil || len(candidates) == 0 {
		return "", err
	}
	seen := map[string]bool{}
	for _, v := range candidates {
		if v.id != "" && seen[v.id] {
			return "", nil
		}
		seen[v.id] = true
	}
	return candidates[0].id, nil
}
