package svm

import "slices"

// Scores say how good predictions are, by scikit-learn's names of scorers (sklearn/metrics, 1.1.3). Where nothing can be
// divided the part is 0.
var Scores = map[string]func(truth, predicted []int) float64{
	"accuracy": accuracy,
	"balanced_accuracy": func(truth, predicted []int) float64 {
		sum, n := 0.0, 0
		for _, c := range count(truth, predicted) {
			if c.truth > 0 {
				sum += c.recall()
				n++
			}
		}
		return ratio(sum, float64(n))
	},
	"f1_micro": accuracy, "f1_macro": macro(tally.f1), "f1_weighted": weighted(tally.f1),
	"precision_micro": accuracy, "precision_macro": macro(tally.precision), "precision_weighted": weighted(tally.precision),
	"recall_micro": accuracy, "recall_macro": macro(tally.recall), "recall_weighted": weighted(tally.recall),
	"jaccard_macro": macro(tally.jaccard), "jaccard_weighted": weighted(tally.jaccard),
}

// ScoreNames lists the names of Scores, sorted.
func ScoreNames() []string {
	var names []string
	for name := range Scores {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// tally counts for one class how often it is true, predicted, and both.
type tally struct{ truth, predicted, both float64 }

func (c tally) precision() float64 { return ratio(c.both, c.predicted) }
func (c tally) recall() float64    { return ratio(c.both, c.truth) }
func (c tally) jaccard() float64   { return ratio(c.both, c.truth+c.predicted-c.both) }
func (c tally) f1() float64 {
	p, r := c.precision(), c.recall()
	return ratio(2*p*r, p+r)
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// count returns the tallies of the classes that are true or predicted.
func count(truth, predicted []int) []tally {
	classes := slices.Concat(truth, predicted)
	slices.Sort(classes)
	classes = slices.Compact(classes)
	tallies := make([]tally, len(classes))
	for i, k := range truth {
		a, _ := slices.BinarySearch(classes, k)
		b, _ := slices.BinarySearch(classes, predicted[i])
		tallies[a].truth++
		tallies[b].predicted++
		if a == b {
			tallies[a].both++
		}
	}
	return tallies
}

func accuracy(truth, predicted []int) float64 {
	hits := 0.0
	for i, k := range truth {
		if predicted[i] == k {
			hits++
		}
	}
	return ratio(hits, float64(len(truth)))
}

// macro is the mean over the classes.
func macro(of func(tally) float64) func(truth, predicted []int) float64 {
	return func(truth, predicted []int) float64 {
		tallies := count(truth, predicted)
		sum := 0.0
		for _, c := range tallies {
			sum += of(c)
		}
		return ratio(sum, float64(len(tallies)))
	}
}

// weighted is the mean over the classes, weighted by how often they are true.
func weighted(of func(tally) float64) func(truth, predicted []int) float64 {
	return func(truth, predicted []int) float64 {
		sum := 0.0
		for _, c := range count(truth, predicted) {
			sum += of(c) * c.truth
		}
		return ratio(sum, float64(len(truth)))
	}
}
