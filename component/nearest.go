package component

import (
	"slices"
	"strings"
)

// Nearest returns the candidate a user most likely meant by name, "" when none is near. Letter case is ignored; ties
// go to the alphabetically first.
func Nearest(name string, candidates []string) string {
	best, bestDistance := "", 0
	sorted := slices.Sorted(slices.Values(candidates))
	for _, c := range sorted {
		d := editDistance(strings.ToLower(name), strings.ToLower(c))
		if best == "" || d < bestDistance {
			best, bestDistance = c, d
		}
	}
	if best == "" || bestDistance > 1+max(len(name), len(best))/4 {
		return ""
	}
	return best
}

// editDistance counts the insertions, deletions, replacements and swaps of neighbours that turn a into b.
func editDistance(a, b string) int {
	s, t := []rune(a), []rune(b)
	before := make([]int, len(t)+1)
	last := make([]int, len(t)+1)
	row := make([]int, len(t)+1)
	for j := range last {
		last[j] = j
	}
	for i := range s {
		row[0] = i + 1
		for j := range t {
			cost := 1
			if s[i] == t[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && s[i] == t[j-1] && s[i-1] == t[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(t)]
}
