package diet

import (
	"math"
	"slices"

	"github.com/parleybot/parley/internal/ml"
)

// Ranked is a label with its confidence.
type Ranked struct {
	Label      string
	Confidence float64
}

// Rank orders the labels by their scores, the best first. At most length of them are returned, all when it is 0; with
// renormalize their confidences then add up to 1 (train_utils.rank_and_mask).
func Rank(labels []string, scores []float32, length int, renormalize bool) []Ranked {
	keys := make([]int, len(scores))
	for i, s := range scores {
		keys[i] = ordered(s)
	}
	order := ml.Argsort(keys)
	slices.Reverse(order)
	ranking := make([]Ranked, len(scores))
	for i, k := range order {
		ranking[i] = Ranked{labels[k], float64(scores[k])}
	}
	if length <= 0 || length >= len(ranking) {
		return ranking
	}
	ranking = ranking[:length:length]
	if !renormalize {
		return ranking
	}
	var sum float32
	for _, r := range ranking {
		sum += float32(r.Confidence)
	}
	for i := range ranking {
		if sum > 0 {
			ranking[i].Confidence = float64(float32(ranking[i].Confidence) / sum)
		}
	}
	return ranking
}

// ordered returns a number that compares with others as f does.
func ordered(f float32) int {
	if f == 0 {
		return 0
	}
	bits := int(math.Float32bits(f))
	if f < 0 {
		return (1 << 31) - bits
	}
	return bits
}
