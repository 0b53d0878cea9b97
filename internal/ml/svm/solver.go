package svm

import "math"

const (
	// tolerance is the largest violation of the optimality conditions (tol of scikit-learn).
	tolerance = 1e-3
	// tau stands for a curvature that is not positive.
	tau = 1e-12
)

// gram holds the kernels of all examples of two classes, in single precision as libsvm keeps them.
type gram struct {
	size int
	// values has shape [size, size].
	values []float32
	// diagonal is in double precision.
	diagonal []float64
}

// solver finds the multipliers of a machine for two classes: the minimum of alpha'Q alpha/2 - sum(alpha) with
// 0 <= alpha <= c and sum(y*alpha) = 0 (class Solver of libsvm).
type solver struct {
	gram *gram
	// at are the positions of the examples in gram; the first active ones take part in optimisation.
	at     []int
	active int
	y      []int8
	c      []float64
	alpha  []float64
	// gradient is that of the objective; bound is the part of it that multipliers at their upper bound make.
	gradient, bound []float64
	diagonal        []float64
	// rows are the rows of Q that were needed, in the order of at.
	rows     [][]float32
	origin   []int // where the examples stood at first
	unshrunk bool
}

// solve returns y*alpha for the examples and the threshold rho.
func solve(g *gram, at []int, y []int8, c []float64) (coefficients []float64, rho float64) {
	n := len(at)
	s := &solver{
		gram: g, at: append([]int(nil), at...), active: n, y: append([]int8(nil), y...), c: append([]float64(nil), c...),
		alpha: make([]float64, n), gradient: make([]float64, n), bound: make([]float64, n),
		diagonal: make([]float64, n), rows: make([][]float32, n), origin: make([]int, n),
	}
	for i := range n {
		s.gradient[i] = -1
		s.diagonal[i] = g.diagonal[at[i]]
		s.origin[i] = i
	}
	s.run()
	coefficients = make([]float64, n)
	for i, o := range s.origin {
		coefficients[o] = s.alpha[i] * float64(s.y[i])
	}
	return coefficients, s.rho()
}

func (s *solver) run() {
	n := len(s.at)
	untilShrink := min(n, 1000) + 1
	for {
		if untilShrink--; untilShrink == 0 {
			untilShrink = min(n, 1000)
			s.shrink()
		}
		i, j, ok := s.workingSet()
		if !ok {
			s.reconstruct()
			s.active = n
			if i, j, ok = s.workingSet(); !ok {
				return
			}
			untilShrink = 1
		}
		s.step(i, j)
	}
}

func (s *solver) atUpper(i int) bool { return s.alpha[i] >= s.c[i] }
func (s *solver) atLower(i int) bool { return s.alpha[i] <= 0 && !s.atUpper(i) }
func (s *solver) free(i int) bool    { return !s.atUpper(i) && !s.atLower(i) }

// row returns a row of Q, y_i*y_j*K(i, j).
func (s *solver) row(i int) []float32 {
	if s.rows[i] == nil {
		values := s.gram.values[s.at[i]*s.gram.size : (s.at[i]+1)*s.gram.size]
		row := make([]float32, len(s.at))
		for j, at := range s.at {
			row[j] = values[at]
			if s.y[i] != s.y[j] {
				row[j] = -row[j]
			}
		}
		s.rows[i] = row
	}
	return s.rows[i]
}

// workingSet chooses the pair of multipliers to change; ok is false when the conditions hold well enough.
func (s *solver) workingSet() (i, j int, ok bool) {
	i, j = -1, -1
	most := math.Inf(-1)
	for t := range s.active {
		if s.y[t] > 0 {
			if !s.atUpper(t) && -s.gradient[t] >= most {
				most, i = -s.gradient[t], t
			}
		} else if !s.atLower(t) && s.gradient[t] >= most {
			most, i = s.gradient[t], t
		}
	}
	if i < 0 {
		return 0, 0, false
	}
	row := s.row(i)
	least, gain := math.Inf(-1), math.Inf(1)
	for t := range s.active {
		// v is the violation's other half: y_t times the gradient.
		v := s.gradient[t]
		if s.y[t] > 0 {
			if s.atLower(t) {
				continue
			}
		} else {
			if s.atUpper(t) {
				continue
			}
			v = -v
		}
		least = max(least, v)
		if difference := most + v; difference > 0 {
			sign := -2.0
			if s.y[i] != s.y[t] {
				sign = 2.0
			}
			curvature := s.diagonal[i] + s.diagonal[t] + sign*float64(row[t])
			if curvature <= 0 {
				curvature = tau
			}
			if g := -(difference * difference) / curvature; g <= gain {
				j, gain = t, g
			}
		}
	}
	return i, j, most+least >= tolerance && j >= 0
}

// step changes multipliers i and j to the minimum along their line, within their bounds.
func (s *solver) step(i, j int) {
	rowI, rowJ := s.row(i), s.row(j)
	ci, cj := s.c[i], s.c[j]
	oldI, oldJ := s.alpha[i], s.alpha[j]
	upperI, upperJ := s.atUpper(i), s.atUpper(j)
	if s.y[i] != s.y[j] {
		s.alpha[i], s.alpha[j] = opposite(oldI, oldJ, ci, cj,
			(-s.gradient[i]-s.gradient[j])/positive(s.diagonal[i]+s.diagonal[j]+2*float64(rowI[j])))
	} else {
		s.alpha[i], s.alpha[j] = alike(oldI, oldJ, ci, cj,
			(s.gradient[i]-s.gradient[j])/positive(s.diagonal[i]+s.diagonal[j]-2*float64(rowI[j])))
	}
	di, dj := s.alpha[i]-oldI, s.alpha[j]-oldJ
	for k := range s.active {
		s.gradient[k] += float64(rowI[k])*di + float64(rowJ[k])*dj
	}
	s.bounded(i, upperI, ci)
	s.bounded(j, upperJ, cj)
}

// bounded keeps bound up when a multiplier reaches or leaves its upper bound.
func (s *solver) bounded(i int, before bool, c float64) {
	if before == s.atUpper(i) {
		return
	}
	if before {
		c = -c
	}
	for k, q := range s.row(i) {
		s.bound[k] += c * float64(q)
	}
}

func positive(curvature float64) float64 {
	if curvature <= 0 {
		return tau
	}
	return curvature
}

// opposite moves two multipliers of different classes by delta; their difference stays.
func opposite(a, b, ca, cb, delta float64) (newA, newB float64) {
	difference := a - b
	a, b = a+delta, b+delta
	switch {
	case difference > 0 && b < 0:
		a, b = difference, 0
	case difference <= 0 && a < 0:
		a, b = 0, -difference
	}
	switch {
	case difference > ca-cb && a > ca:
		a, b = ca, ca-difference
	case difference <= ca-cb && b > cb:
		a, b = cb+difference, cb
	}
	return a, b
}

// alike moves two multipliers of one class against each other by delta; their sum stays.
func alike(a, b, ca, cb, delta float64) (newA, newB float64) {
	sum := a + b
	a, b = a-delta, b+delta
	switch {
	case sum > ca && a > ca:
		a, b = ca, sum-ca
	case sum <= ca && b < 0:
		a, b = sum, 0
	}
	switch {
	case sum > cb && b > cb:
		a, b = sum-cb, cb
	case sum <= cb && a < 0:
		a, b = 0, sum
	}
	return a, b
}

// rho is the threshold of the decision.
func (s *solver) rho() float64 {
	count, sum := 0, 0.0
	upper, lower := math.Inf(1), math.Inf(-1)
	for i := range s.active {
		v := float64(s.y[i]) * s.gradient[i]
		switch {
		case s.free(i):
			count++
			sum += v
		case s.atUpper(i) == (s.y[i] < 0):
			upper = min(upper, v)
		default:
			lower = max(lower, v)
		}
	}
	if count > 0 {
		return sum / float64(count)
	}
	return (upper + lower) / 2
}
