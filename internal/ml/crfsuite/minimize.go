package crfsuite

import (
	"context"
	"math"
)

// minimizer finds the minimum of a function with an L1 penalty as libLBFGS 1.10 does. Its fields are the parameters of
// that library, under their names there.
type minimizer struct {
	memory        int
	epsilon       float64
	past          int
	delta         float64
	maxIterations int
	maxLineSearch int
	// l1 is the weight of the penalty (orthantwise_c).
	l1 float64
	// evaluate returns the value at x without the penalty and stores the gradient in g.
	evaluate func(x, g []float64) float64
	// progress is told of every step.
	progress func(iteration int, value float64)
}

const (
	minStep   = 1e-20
	maxStep   = 1e20
	stepSlope = 1e-4 // ftol
	curvature = 0.9  // gtol
	widthTol  = 1e-16
)

// state is where a minimisation stands.
type state struct {
	*minimizer
	x, g       []float64
	value      float64
	start      []float64 // the point before the step
	startG     []float64
	pseudo     []float64 // the gradient with that of the penalty
	d          []float64 // the direction
	step       float64
	steps      []correction
	end, count int
}

// correction is a remembered step: the change of point and gradient.
type correction struct {
	s, y      []float64
	ys, alpha float64
}

// minimize starts at x and leaves the best point there. It returns ctx's error when ctx ends first.
func (m *minimizer) minimize(ctx context.Context, x []float64) error {
	n := len(x)
	s := &state{minimizer: m, x: x, g: make([]float64, n), start: make([]float64, n), startG: make([]float64, n), d: make([]float64, n)}
	s.pseudo = s.g
	if m.l1 != 0 {
		s.pseudo = make([]float64, n)
	}
	s.value = s.at()
	s.penalise()
	values := make([]float64, m.past)
	values[0] = s.value
	for i, v := range s.pseudo {
		s.d[i] = -v
	}
	if norm(s.pseudo)/max(norm(x), 1) <= m.epsilon {
		return ctx.Err()
	}
	s.step = 1 / norm(s.d)
	for k := 1; ; k++ {
		copy(s.start, x)
		copy(s.startG, s.g)
		ok := s.search(ctx)
		if err := ctx.Err(); err != nil {
			return err
		}
		if !ok {
			copy(x, s.start)
			return nil
		}
		s.penalise()
		m.progress(k, s.value)
		if s.finished(k, values) {
			return nil
		}
		s.remember(k)
		s.direction()
		s.step = 1
	}
}

// at evaluates the function with its penalty at x.
func (s *state) at() float64 {
	value := s.evaluate(s.x, s.g)
	if s.l1 != 0 {
		sum := 0.0
		for _, v := range s.x {
			sum += math.Abs(v)
		}
		value += s.l1 * sum
	}
	return value
}

// penalise adds the gradient of the penalty, where the penalty has none the one of the better side.
func (s *state) penalise() {
	if s.l1 == 0 {
		return
	}
	for i, g := range s.g {
		switch x := s.x[i]; {
		case x < 0:
			s.pseudo[i] = g - s.l1
		case x > 0:
			s.pseudo[i] = g + s.l1
		case g < -s.l1:
			s.pseudo[i] = g + s.l1
		case g > s.l1:
			s.pseudo[i] = g - s.l1
		default:
			s.pseudo[i] = 0
		}
	}
}

// finished tells whether step k was the last one. values are those of the last steps.
func (s *state) finished(k int, values []float64) bool {
	if norm(s.pseudo)/max(norm(s.x), 1) <= s.epsilon {
		return true
	}
	if s.past > 0 {
		old := &values[k%s.past]
		if s.past <= k && math.Abs((*old-s.value)/s.value) < s.delta {
			return true
		}
		*old = s.value
	}
	return s.maxIterations != 0 && s.maxIterations <= k
}

// remember stores step k.
func (s *state) remember(k int) {
	if len(s.steps) < s.memory {
		s.steps = append(s.steps, correction{s: make([]float64, len(s.x)), y: make([]float64, len(s.x))})
	}
	c := &s.steps[s.end]
	for i := range s.x {
		c.s[i] = s.x[i] - s.start[i]
		c.y[i] = s.g[i] - s.startG[i]
	}
	c.ys = dot(c.y, c.s)
	s.count = min(k, s.memory)
	s.end = (s.end + 1) % s.memory
}

// direction finds the next direction by the two loops of Nocedal (1980).
func (s *state) direction() {
	for i, v := range s.pseudo {
		s.d[i] = -v
	}
	j := s.end
	for range s.count {
		j = (j + s.memory - 1) % s.memory
		c := &s.steps[j]
		c.alpha = dot(c.s, s.d) / c.ys
		axpy(-c.alpha, c.y, s.d)
	}
	last := &s.steps[(s.end+s.memory-1)%s.memory]
	scale := last.ys / dot(last.y, last.y)
	for i := range s.d {
		s.d[i] *= scale
	}
	for range s.count {
		c := &s.steps[j]
		beta := dot(c.y, s.d) / c.ys
		axpy(c.alpha-beta, c.s, s.d)
		j = (j + 1) % s.memory
	}
	if s.l1 == 0 {
		return
	}
	for i, v := range s.pseudo {
		if s.d[i]*v >= 0 {
			s.d[i] = 0
		}
	}
}

// search goes along the direction to a point that is good enough. ok is false when there is none.
func (s *state) search(ctx context.Context) (ok bool) {
	if s.step <= 0 {
		return false
	}
	if s.l1 == 0 {
		return s.moreThuente(ctx)
	}
	return s.backtrack(ctx)
}

// backtrack halves the step until the value has decreased enough. The point stays in its orthant.
func (s *state) backtrack(ctx context.Context) (ok bool) {
	before := s.value
	for count := 1; ctx.Err() == nil; count++ {
		decrease := 0.0
		for i, old := range s.start {
			x := old + s.step*s.d[i]
			orthant := old
			if old == 0 {
				orthant = -s.pseudo[i]
			}
			if x*orthant <= 0 {
				x = 0
			}
			s.x[i] = x
			decrease += (x - old) * s.pseudo[i]
		}
		s.value = s.at()
		if s.value <= before+stepSlope*decrease {
			return true
		}
		if s.step < minStep || s.step > maxStep || count >= s.maxLineSearch {
			return false
		}
		s.step *= 0.5
	}
	return false
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

func norm(x []float64) float64 { return math.Sqrt(dot(x, x)) }
