package ml

import (
	"math/bits"
	"slices"
)

// smallSort is the size up to which quicksort leaves a range to insertion.
const smallSort = 16

// Argsort returns the positions of v in ascending order of value. Equal values come in the order in which numpy's
// argsort leaves them (introsort, kind="quicksort" of numpy 1.23), which callers that cut the result off depend on.
func Argsort(v []int) []int {
	order := make([]int, len(v))
	for i := range order {
		order[i] = i
	}
	type span struct{ lo, hi, depth int }
	stack := []span{{0, len(v) - 1, 2 * max(0, bits.Len(uint(len(v)))-1)}}
	for len(stack) > 0 {
		s := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for s.hi-s.lo > smallSort {
			if s.depth < 0 {
				slices.SortStableFunc(order[s.lo:s.hi+1], func(a, b int) int { return v[a] - v[b] })
				break
			}
			i := partition(v, order, s.lo, s.hi)
			s.depth--
			// The larger part waits.
			if i-s.lo < s.hi-i {
				stack = append(stack, span{i + 1, s.hi, s.depth})
				s.hi = i - 1
			} else {
				stack = append(stack, span{s.lo, i - 1, s.depth})
				s.lo = i + 1
			}
		}
		insertion(v, order, s.lo, s.hi)
	}
	return order
}

// partition moves what is less than the median of three to the left and returns the median's place.
func partition(v, order []int, lo, hi int) int {
	less := func(i, j int) bool { return v[order[i]] < v[order[j]] }
	swap := func(i, j int) { order[i], order[j] = order[j], order[i] }
	mid := lo + (hi-lo)/2
	if less(mid, lo) {
		swap(mid, lo)
	}
	if less(hi, mid) {
		swap(hi, mid)
	}
	if less(mid, lo) {
		swap(mid, lo)
	}
	pivot := v[order[mid]]
	i, j := lo, hi-1
	swap(mid, j)
	for {
		for i++; v[order[i]] < pivot; i++ {
		}
		for j--; pivot < v[order[j]]; j-- {
		}
		if i >= j {
			break
		}
		swap(i, j)
	}
	swap(i, hi-1)
	return i
}

func insertion(v, order []int, lo, hi int) {
	for i := lo + 1; i <= hi; i++ {
		k := order[i]
		j := i
		for ; j > lo && v[k] < v[order[j-1]]; j-- {
			order[j] = order[j-1]
		}
		order[j] = k
	}
}
