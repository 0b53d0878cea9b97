package unexpected

import (
	"context"
	"math"
	"slices"

	"github.com/parleybot/parley/dialogue/policy/neural"
)

// levels is the number of quantiles that are kept of each intent: one for each of the tolerances 0, 0.05, 0.1, ...
const levels = 20

// quantiles returns for each intent that follows in some example the similarities by which it is told likely from unlikely
// (_compute_label_quantiles): quantiles of its similarities to the examples it does not follow, but never more than the
// lowest to one it does follow.
func (p *Policy) quantiles(ctx context.Context, examples []neural.Example) (map[int][]float32, error) {
	follows, others := map[int][]float32{}, map[int][]float32{}
	for i := range examples {
		for _, intent := range examples[i].Labels {
			follows[p.index[intent]] = nil
		}
	}
	var scores []float32
	for i := range examples {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var err error
		if scores, err = p.model.Similarities(ctx, examples[i].States, scores[:0]); err != nil {
			return nil, err
		}
		for label := range follows {
			if slices.Contains(examples[i].Labels, p.intents[label]) {
				follows[label] = append(follows[label], scores[label])
			} else {
				others[label] = append(others[label], scores[label])
			}
		}
	}
	out := make(map[int][]float32, len(follows))
	for label, scores := range follows {
		out[label] = quantilesOf(slices.Min(scores), others[label])
	}
	return out, nil
}

func quantilesOf(lowest float32, others []float32) []float32 {
	slices.Sort(others)
	out := make([]float32, levels)
	for i := range out {
		out[i] = lowest
		if n := len(others); n > 0 {
			share := 1 - float64(i*5)/100
			out[i] = min(lowest, others[int(math.Floor(float64(n-1)*share))])
		}
	}
	return out
}
