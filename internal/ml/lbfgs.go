package ml

import (
	"context"
	"math"
)

// Objective returns the value of a function at x and stores its gradient in grad.
type Objective func(x, grad []float64) float64

// LBFGS minimises a smooth function by the limited-memory BFGS method as L-BFGS-B 3.0 does without bounds (Zhu, Byrd,
// Lu, Nocedal 1997; the line search is that of Moré and Thuente 1994). Stopping early it has gone the same way as
// scipy.optimize.minimize(method="L-BFGS-B").
type LBFGS struct {
	// MaxIterations is the number of accepted steps. Default 15,000.
	MaxIterations int
	// GradientTolerance stops when no component of the gradient is larger. Default 1e-5.
	GradientTolerance float64
	// ReductionTolerance stops when a step reduces the value relatively by less. Default 2.220446049250313e-09.
	ReductionTolerance float64
	// Corrections is how many steps are remembered. Default 10.
	Corrections int
}

// Result tells how a minimisation ended.
type Result struct {
	Value      float64
	Iterations int
	// Converged is false when the iterations were used up or no further progress was possible.
	Converged bool
}

func (o LBFGS) withDefaults() LBFGS {
	if o.MaxIterations == 0 {
		o.MaxIterations = 15000
	}
	if o.GradientTolerance == 0 {
		o.GradientTolerance = 1e-5
	}
	if o.ReductionTolerance == 0 {
		o.ReductionTolerance = 1e7 * 0x1p-52
	}
	if o.Corrections == 0 {
		o.Corrections = 10
	}
	return o
}

// space says how points and gradients are measured. They may be written in coordinates of any kind, as long as sums and
// multiples of points are those of their coordinates.
type space interface {
	// dot is the product of two gradients or directions.
	dot(a, b []float64) float64
	// maxAbs is the largest component of the gradient that was worked out last.
	maxAbs(grad []float64) float64
}

// plain are the usual coordinates.
type plain struct{}

func (plain) dot(a, b []float64) float64    { return dot(a, b) }
func (plain) maxAbs(grad []float64) float64 { return maxAbs(grad) }

// Minimize starts at x and leaves the minimum there. It returns ctx's error when ctx ends first.
func (o LBFGS) Minimize(ctx context.Context, f Objective, x []float64) (Result, error) {
	return o.minimize(ctx, f, x, plain{})
}

func (o LBFGS) minimize(ctx context.Context, f Objective, x []float64, in space) (Result, error) {
	o = o.withDefaults()
	n := len(x)
	grad, direction := make([]float64, n), make([]float64, n)
	start, startGrad := make([]float64, n), make([]float64, n)
	h := &history{limit: o.Corrections, in: in}
	r := Result{Value: f(x, grad)}
	if in.maxAbs(grad) <= o.GradientTolerance {
		r.Converged = true
		return r, nil
	}
	for r.Iterations < o.MaxIterations {
		if err := ctx.Err(); err != nil {
			return r, err
		}
		h.direction(grad, direction)
		copy(start, x)
		copy(startGrad, grad)
		step := 1.0
		if r.Iterations == 0 {
			step = min(1/math.Sqrt(in.dot(direction, direction)), maxStep)
		}
		before := r.Value
		value, size, ok := lineSearch(f, in, start, direction, before, startGrad, step, x, grad)
		if !ok {
			copy(x, start)
			copy(grad, startGrad)
			if len(h.pairs) == 0 {
				return r, nil
			}
			h.pairs = h.pairs[:0]
			continue
		}
		r.Value = value
		r.Iterations++
		if in.maxAbs(grad) <= o.GradientTolerance ||
			before-value <= o.ReductionTolerance*max(math.Abs(before), math.Abs(value), 1) {
			r.Converged = true
			return r, nil
		}
		h.update(direction, size, grad, startGrad)
	}
	return r, nil
}

// history is the memory of the last steps, an approximation of the inverse Hessian.
type history struct {
	limit int
	in    space
	pairs []pair
	alpha []float64
}

type pair struct {
	s, y []float64
	rho  float64
}

// direction stores the negative product of the approximation with grad in d.
func (h *history) direction(grad, d []float64) {
	for i, g := range grad {
		d[i] = -g
	}
	k := len(h.pairs)
	if k == 0 {
		return
	}
	h.alpha = append(h.alpha[:0], make([]float64, k)...)
	for i := k - 1; i >= 0; i-- {
		p := &h.pairs[i]
		h.alpha[i] = p.rho * h.in.dot(p.s, d)
		axpy(-h.alpha[i], p.y, d)
	}
	last := &h.pairs[k-1]
	scale := 1 / (last.rho * h.in.dot(last.y, last.y))
	for i := range d {
		d[i] *= scale
	}
	for i := range h.pairs {
		p := &h.pairs[i]
		axpy(h.alpha[i]-p.rho*h.in.dot(p.y, d), p.s, d)
	}
}

// update remembers a step unless its curvature is not positive enough.
func (h *history) update(direction []float64, size float64, grad, startGrad []float64) {
	var p pair
	if len(h.pairs) == h.limit {
		p = h.pairs[0]
		copy(h.pairs, h.pairs[1:])
		h.pairs = h.pairs[:h.limit-1]
	} else {
		p = pair{s: make([]float64, len(grad)), y: make([]float64, len(grad))}
	}
	for i := range grad {
		p.s[i] = size * direction[i]
		p.y[i] = grad[i] - startGrad[i]
	}
	curvature := h.in.dot(p.s, p.y)
	if curvature <= 0x1p-52*-size*h.in.dot(startGrad, direction) {
		return
	}
	p.rho = 1 / curvature
	h.pairs = append(h.pairs, p)
}

func dot(a, b []float64) float64 {
	var s0, s1, s2, s3 float64
	b = b[:len(a)]
	i := 0
	for ; i+4 <= len(a); i += 4 {
		s0 += a[i] * b[i]
		s1 += a[i+1] * b[i+1]
		s2 += a[i+2] * b[i+2]
		s3 += a[i+3] * b[i+3]
	}
	for ; i < len(a); i++ {
		s0 += a[i] * b[i]
	}
	return s0 + s1 + s2 + s3
}

// axpy adds a*x to y.
func axpy(a float64, x, y []float64) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] += a * v
	}
}

func maxAbs(x []float64) float64 {
	m := 0.0
	for _, v := range x {
		m = max(m, math.Abs(v))
	}
	return m
}
