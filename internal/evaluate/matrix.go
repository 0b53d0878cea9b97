package evaluate

import (
	"maps"
	"slices"
)

// Matrix counts how often which label was predicted for which.
type Matrix struct {
	// Labels are all labels that were expected or predicted, sorted.
	Labels []string
	// Counts has a row for each expected label and in it a column for each predicted one.
	Counts [][]int
}

// Confusion counts predictions, which has an item for each of targets.
func Confusion(targets, predictions []string) Matrix {
	index := map[string]int{}
	for _, list := range [][]string{targets, predictions} {
		for _, l := range list {
			index[l] = 0
		}
	}
	m := Matrix{Labels: slices.Sorted(maps.Keys(index))}
	m.Counts = make([][]int, len(m.Labels))
	for i, l := range m.Labels {
		index[l] = i
		m.Counts[i] = make([]int, len(m.Labels))
	}
	for i, t := range targets {
		m.Counts[index[t]][index[predictions[i]]]++
	}
	return m
}

// insertionLength is the length up to which NumPy sorts by insertion.
const insertionLength = 16

// argsort returns the indices that sort keys. Equal keys end up where NumPy's argsort leaves them (its introsort,
// numpy/core/src/npysort/quicksort.cpp, 1.23): reports name the first few of labels that are often equally frequent.
func argsort(keys []int) []int {
	order := make([]int, len(keys))
	for i := range order {
		order[i] = i
	}
	quicksort(keys, order)
	return order
}

func quicksort(keys, order []int) {
	for len(order) > insertionLength {
		split := partition(keys, order)
		quicksort(keys, order[:split])
		order = order[split+1:]
	}
	for i := 1; i < len(order); i++ {
		one, j := order[i], i
		for ; j > 0 && keys[one] < keys[order[j-1]]; j-- {
			order[j] = order[j-1]
		}
		order[j] = one
	}
}

// partition puts the median of first, middle and last where it belongs and returns its place.
func partition(keys, order []int) int {
	swap := func(i, j int) { order[i], order[j] = order[j], order[i] }
	less := func(i, j int) bool { return keys[order[i]] < keys[order[j]] }
	last := len(order) - 1
	middle := last / 2
	if less(middle, 0) {
		swap(middle, 0)
	}
	if less(last, middle) {
		swap(last, middle)
	}
	if less(middle, 0) {
		swap(middle, 0)
	}
	pivot := keys[order[middle]]
	swap(middle, last-1)
	i, j := 0, last-1
	for {
		for i++; keys[order[i]] < pivot; i++ {
		}
		for j--; pivot < keys[order[j]]; j-- {
		}
		if i >= j {
			break
		}
		swap(i, j)
	}
	swap(i, last-1)
	return i
}
