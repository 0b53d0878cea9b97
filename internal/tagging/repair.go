package tagging

import (
	"slices"
	"strconv"
)

// Repair makes predicted tags follow the BILOU schema, in place. A tag with B- is believed: the entity goes on to the
// next L-, or as far as I- goes. If its tags name several entities, the one with the best score gives the name, and
// tokens that change their name take the score as their confidence (ensure_consistent_bilou_tagging).
func Repair(tags []string, confidences []float64) {
	for i := range tags {
		if Prefix(tags[i]) != Beginning {
			continue
		}
		end := entityEnd(tags, i)
		name := Name(tags[i])
		if slices.ContainsFunc(tags[i:end+1], func(t string) bool { return Name(t) != name }) {
			var score float64
			name, score = chooseName(tags[i:end+1], confidences[i:end+1])
			for k := i; k <= end; k++ {
				if Name(tags[k]) != name {
					confidences[k] = round2(score)
				}
			}
		}
		write(tags[i:end+1], name)
	}
}

// entityEnd returns the index of the last tag of the entity that begins at index i.
func entityEnd(tags []string, i int) int {
	for k := i + 1; k < len(tags); k++ {
		switch Prefix(tags[k]) {
		case Last:
			return k
		case Inside:
		default:
			return k - 1
		}
	}
	return len(tags) - 1
}

// write fills tags, which are those of one entity.
func write(tags []string, name string) {
	last := len(tags) - 1
	if last == 0 {
		tags[0] = Unit + name
		return
	}
	tags[0] = Beginning + name
	for k := 1; k < last; k++ {
		tags[k] = Inside + name
	}
	tags[last] = Last + name
}

// chooseName returns the name with the highest harmonic mean of average confidence and share of the tokens, both
// rounded to two digits; the first of several.
func chooseName(tags []string, confidences []float64) (best string, score float64) {
	var names []string
	for _, t := range tags {
		if n := Name(t); !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	for i, n := range names {
		sum, count := 0.0, 0
		for k, t := range tags {
			if Name(t) == n {
				sum += confidences[k]
				count++
			}
		}
		average, share := round2(sum/float64(count)), round2(float64(count)/float64(len(tags)))
		s := 2 * (average * share) / (average + share)
		if i == 0 || s > score {
			best, score = n, s
		}
	}
	return best, score
}

// round2 is Python's round(x, 2), which rounds the exact value.
func round2(x float64) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(x, 'f', 2, 64), 64)
	if err != nil {
		return x
	}
	return r
}
