package ml

import (
	"slices"
	"testing"
)

// The order was taken from numpy.argsort of numpy 1.23.
func TestArgsortLikeNumpy(t *testing.T) {
	v := make([]int, 60)
	for i := range v {
		v[i] = (i*37 + i*i) % 7
	}
	want := []int{0, 21, 19, 33, 35, 14, 40, 28, 42, 12, 47, 7, 49, 5, 54, 56, 26, 44, 38, 37, 51, 52, 31, 30, 58, 45, 59, 24, 23, 2, 3, 17, 16, 9, 10, 43, 57, 1, 53, 4, 50, 8, 46, 29, 11, 39, 15, 36, 18, 32, 22, 25, 41, 13, 48, 6, 34, 55, 20, 27}
	if got := Argsort(v); !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if got := Argsort(nil); len(got) != 0 {
		t.Errorf("nothing sorted is %v", got)
	}
}
