package ml

import (
	"context"
	"math"
	"runtime"
	"sync"
)

// Softmax is a linear model with one output for each class: scores are x*W + b.
type Softmax struct {
	Features, Classes int
	// Weights has shape [features, classes], row after row; Bias has shape [classes].
	Weights, Bias []float64
}

// NewSoftmax returns a model of zeros.
func NewSoftmax(features, classes int) *Softmax {
	return &Softmax{
		Features: features, Classes: classes,
		Weights: make([]float64, features*classes), Bias: make([]float64, classes),
	}
}

// addScores adds the scores of a sparse row to out, which must hold the bias already. Columns outside of the model are
// ignored.
func (m *Softmax) addScores(weights []float64, cols []int32, vals []float64, out []float64) {
	for i, c := range cols {
		if int(c) < m.Features {
			axpy(vals[i], weights[int(c)*m.Classes:(int(c)+1)*m.Classes], out)
		}
	}
}

// Scores returns the scores of a sparse row.
func (m *Softmax) Scores(cols []int32, vals []float64) []float64 {
	out := append(make([]float64, 0, m.Classes), m.Bias...)
	m.addScores(m.Weights, cols, vals, out)
	return out
}

// Probabilities turns scores into probabilities in place.
func Probabilities(scores []float64) {
	highest := math.Inf(-1)
	for _, s := range scores {
		highest = max(highest, s)
	}
	sum := 0.0
	for i, s := range scores {
		scores[i] = math.Exp(s - highest)
		sum += scores[i]
	}
	for i := range scores {
		scores[i] /= sum
	}
}

// Sigmoid is the logistic function.
func Sigmoid(x float64) float64 {
	if x >= 0 {
		return 1 / (1 + math.Exp(-x))
	}
	e := math.Exp(x)
	return e / (1 + e)
}

// Fit finds the weights that minimise the weighted cross-entropy of the rows of x with the classes in y plus half the
// squared weights (an L2 penalty of 1; the bias is free), starting from zero. Each row i counts weights[i] times. With a
// single output (Classes == 1) y is 0 or 1 and the loss is the logistic one.
func (m *Softmax) Fit(ctx context.Context, x *Sparse, y []int, weights []float64, o LBFGS) (Result, error) {
	if m.Classes > 1 && 2*x.Rows < m.Features {
		return newDual(m, x, y, weights).fit(ctx, o)
	}
	return m.fit(ctx, &fitting{model: m, x: x, y: y, weights: weights}, o)
}

// FitWithoutBias is Fit with a bias that stays zero.
func (m *Softmax) FitWithoutBias(ctx context.Context, x *Sparse, y []int, weights []float64, o LBFGS) (Result, error) {
	return m.fit(ctx, &fitting{model: m, x: x, y: y, weights: weights, fixedBias: true}, o)
}

func (m *Softmax) fit(ctx context.Context, job *fitting, o LBFGS) (Result, error) {
	params := make([]float64, len(m.Weights)+len(m.Bias))
	job.split()
	result, err := o.Minimize(ctx, job.value, params)
	copy(m.Weights, params)
	copy(m.Bias, params[len(m.Weights):])
	return result, err
}

// fitting computes loss and gradient, the rows divided among the processors.
type fitting struct {
	model   *Softmax
	x       *Sparse
	y       []int
	weights []float64
	// fixedBias keeps the bias at zero.
	fixedBias bool
	bounds    []int
	partial   [][]float64 // gradients of the divisions; the first is the caller's
}

func (f *fitting) split() {
	workers := max(1, min(runtime.GOMAXPROCS(0), 8, len(f.x.Val)*f.model.Classes/100_000))
	f.bounds = make([]int, workers+1)
	for i := range f.bounds {
		f.bounds[i] = f.x.Rows * i / workers
	}
	f.partial = make([][]float64, workers)
	for i := 1; i < workers; i++ {
		f.partial[i] = make([]float64, len(f.model.Weights)+len(f.model.Bias))
	}
}

func (f *fitting) value(params, grad []float64) float64 {
	workers := len(f.partial)
	losses := make([]float64, workers)
	f.partial[0] = grad
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			clear(f.partial[i])
			losses[i] = f.rows(f.bounds[i], f.bounds[i+1], params, f.partial[i])
		})
	}
	wg.Wait()
	loss := 0.0
	for i := range workers {
		loss += losses[i]
		if i > 0 {
			axpy(1, f.partial[i], grad)
		}
	}
	w := params[:len(f.model.Weights)]
	axpy(1, w, grad)
	if f.fixedBias {
		clear(grad[len(w):])
	}
	return loss + 0.5*dot(w, w)
}

func (f *fitting) rows(from, to int, params, grad []float64) float64 {
	m := f.model
	split := len(m.Weights)
	scores := make([]float64, m.Classes)
	loss := 0.0
	for i := from; i < to; i++ {
		cols, vals := f.x.Row(i)
		copy(scores, params[split:])
		m.addScores(params[:split], cols, vals, scores)
		loss += f.weights[i] * residual(scores, f.y[i])
		for k := range scores {
			scores[k] *= f.weights[i]
		}
		axpy(1, scores, grad[split:])
		for j, c := range cols {
			axpy(vals[j], scores, grad[int(c)*m.Classes:(int(c)+1)*m.Classes])
		}
	}
	return loss
}

// residual returns the loss of one row and replaces its scores by the derivative.
func residual(scores []float64, y int) float64 {
	if len(scores) == 1 {
		s := scores[0]
		scores[0] = Sigmoid(s) - float64(y)
		return math.Max(s, 0) + math.Log1p(math.Exp(-math.Abs(s))) - float64(y)*s
	}
	target := scores[y]
	highest := math.Inf(-1)
	for _, s := range scores {
		highest = max(highest, s)
	}
	sum := 0.0
	for k, s := range scores {
		scores[k] = math.Exp(s - highest)
		sum += scores[k]
	}
	for k := range scores {
		scores[k] /= sum
	}
	scores[y]--
	return highest + math.Log(sum) - target
}
