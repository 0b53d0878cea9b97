package svm

import (
	"context"
	"fmt"
	"math"
	"slices"
)

// Search tries kernels and values of C by stratified cross-validation, as GridSearchCV of scikit-learn 1.1.3.
type Search struct {
	// Kernels and Cs are tried in all combinations, C after C; of equally good ones the first is taken.
	Kernels []Kernel
	Cs      []float64
	Folds   int
	// Score says how good predictions are.
	Score func(truth, predicted []int) float64
	// Seed is that of the final training.
	Seed uint32
	// Progress, if not nil, is told how many of all trainings are done.
	Progress func(done, total int)
}

// Run finds the best parameters and learns with them from all examples of classes, with probabilities.
func (s *Search) Run(ctx context.Context, x [][]float64, y []int, classes int) (*Model, Params, error) {
	folds, err := stratified(y, s.Folds, classes)
	if err != nil {
		return nil, Params{}, err
	}
	scores, err := s.scores(ctx, x, y, folds)
	if err != nil {
		return nil, Params{}, err
	}
	best := Params{Kernel: s.Kernels[0], C: s.Cs[0], Probability: true, Seed: s.Seed}
	most := math.Inf(-1)
	for c := range scores {
		for k, mean := range scores[c] {
			if mean > most {
				most, best.Kernel, best.C = mean, s.Kernels[k], s.Cs[c]
			}
		}
	}
	best.Kernel = best.Kernel.fitted(x)
	models, err := Train(ctx, &Problem{X: x, Y: y, Weights: Balanced(y, classes)}, best, best.C)
	if err != nil {
		return nil, Params{}, err
	}
	s.progress(len(s.Kernels) * s.Folds)
	return models[0], best, nil
}

// scores returns the mean score of each C and kernel, [C, kernel].
func (s *Search) scores(ctx context.Context, x [][]float64, y, folds []int) ([][]float64, error) {
	scores := make([][]float64, len(s.Cs))
	for c := range scores {
		scores[c] = make([]float64, len(s.Kernels))
	}
	for k, kernel := range s.Kernels {
		var kernels *cache
		if kernel.Rule != "scale" {
			kernel = kernel.fitted(x)
			kernels = newCache(ctx, &kernel, x)
		}
		for fold := range s.Folds {
			got, err := s.fold(ctx, x, y, folds, fold, Params{Kernel: kernel}, kernels)
			if err != nil {
				return nil, err
			}
			for c, score := range got {
				scores[c][k] += score / float64(s.Folds)
			}
			s.progress(k*s.Folds + fold)
		}
	}
	return scores, nil
}

// progress says that training i is over.
func (s *Search) progress(i int) {
	if s.Progress != nil {
		s.Progress(i+1, len(s.Kernels)*s.Folds+1)
	}
}

// Balanced weighs classes against their frequency (class_weight="balanced").
func Balanced(y []int, classes int) []float64 {
	weights := make([]float64, classes)
	for _, k := range y {
		weights[k]++
	}
	for k, n := range weights {
		weights[k] = float64(len(y)) / (float64(classes) * n)
	}
	return weights
}

// fold returns the score of each C on one fold. With only one class to learn from all scores are NaN.
func (s *Search) fold(ctx context.Context, x [][]float64, y, folds []int, fold int, params Params, cached *cache) ([]float64, error) {
	p := Problem{cache: cached}
	var test, truth []int
	for i, f := range folds {
		if f == fold {
			test, truth = append(test, i), append(truth, y[i])
		} else {
			p.X, p.Y, p.rows = append(p.X, x[i]), append(p.Y, y[i]), append(p.rows, i)
		}
	}
	// known are the classes of the examples to learn from.
	known := slices.Clone(p.Y)
	slices.Sort(known)
	known = slices.Compact(known)
	scores := make([]float64, len(s.Cs))
	if len(known) < 2 {
		for c := range scores {
			scores[c] = math.NaN()
		}
		return scores, nil
	}
	for i, k := range p.Y {
		p.Y[i], _ = slices.BinarySearch(known, k)
	}
	p.Weights = Balanced(p.Y, len(known))
	params.Kernel = params.Kernel.fitted(p.X)
	models, err := train(ctx, &p, params, s.Cs, false)
	if err != nil {
		return nil, err
	}
	predicted := make([][]int, len(models))
	row, kernels := make([]float64, len(p.X)), make([]float64, len(p.X))
	for _, i := range test {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		p.kernels(&params.Kernel, x[i], i, row)
		for c, m := range models {
			for k, e := range m.examples {
				kernels[k] = row[e]
			}
			predicted[c] = append(predicted[c], known[m.Vote(m.decisions(kernels[:len(m.examples)]))])
		}
	}
	for c := range models {
		scores[c] = s.Score(truth, predicted[c])
	}
	return scores, nil
}

// kernels stores the kernels of x with all examples in row. It is number i in the cache.
func (p *Problem) kernels(kernel *Kernel, x []float64, i int, row []float64) {
	for k := range row {
		if p.cache != nil {
			row[k] = float64(p.cache.at(i, p.rows[k]))
		} else {
			row[k] = kernel.Of(x, p.X[k])
		}
	}
}

// stratified returns the fold of each example: every class is divided evenly, in the order of the examples
// (StratifiedKFold without shuffling).
func stratified(y []int, folds, classes int) ([]int, error) {
	// Classes are numbered in the order in which they appear.
	rank := slices.Repeat([]int{-1}, classes)
	var counts []int
	for _, k := range y {
		if rank[k] < 0 {
			rank[k] = len(counts)
			counts = append(counts, 0)
		}
		counts[rank[k]]++
	}
	if slices.Max(counts) < folds {
		return nil, fmt.Errorf("cross-validation with %d folds needs a class with as many examples, the largest has %d", folds, slices.Max(counts))
	}
	// shares is how many examples of each class a fold gets: the sorted examples are dealt out in turn.
	shares := make([][]int, len(counts))
	at := 0
	for k, n := range counts {
		shares[k] = make([]int, folds)
		for range n {
			shares[k][at%folds]++
			at++
		}
	}
	out := make([]int, len(y))
	for i, class := range y {
		left := shares[rank[class]]
		fold := 0
		for left[fold] == 0 {
			fold++
		}
		left[fold]--
		out[i] = fold
	}
	return out, nil
}
