package neural

import (
	"cmp"
	"slices"
)

// RankAndMask sets all but the length highest confidences to 0 and scales those to add up to 1 if asked for; with a length
// of 0, or more than there are confidences, it does nothing (rasa/utils/train_utils.py rank_and_mask).
func RankAndMask(confidences []float32, length int, renormalize bool) {
	if length <= 0 || length >= len(confidences) {
		return
	}
	order := make([]int, len(confidences))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(confidences[a], confidences[b]) })
	var sum float32
	for _, i := range order[:len(order)-length] {
		confidences[i] = 0
	}
	for _, c := range confidences {
		sum += c
	}
	if renormalize && sum > 0 {
		for i := range confidences {
			confidences[i] /= sum
		}
	}
}
