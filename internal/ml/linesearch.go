package ml

import "math"

// The constants of L-BFGS-B 3.0 (lnsrlb).
const (
	sufficientDecrease = 1e-3
	curvatureFactor    = 0.9
	intervalTolerance  = 0.1
	maxStep            = 1e10
	maxEvaluations     = 20
)

// lineSearch looks for a step along d from start that satisfies the strong Wolfe conditions (dcsrch of MINPACK-2). It
// leaves the new point in x and its gradient in grad. ok is false when there is no such step.
func lineSearch(f Objective, in space, start, d []float64, value float64, startGrad []float64, step float64,
	x, grad []float64) (newValue, size float64, ok bool) {
	slope := in.dot(startGrad, d)
	if slope >= 0 {
		return 0, 0, false
	}
	s := newSearch(value, slope, step)
	for range maxEvaluations {
		for i := range x {
			x[i] = start[i] + s.step*d[i]
		}
		newValue = f(x, grad)
		if math.IsNaN(newValue) {
			return 0, 0, false
		}
		// A warning of dcsrch ends the search with the best step, which L-BFGS-B takes.
		tried := s.step
		if s.next(newValue, in.dot(grad, d)) {
			return newValue, tried, true
		}
	}
	return 0, 0, false
}

// search is the state of the line search: an interval that holds an acceptable step.
type search struct {
	value0, slope0, test float64
	step                 float64
	// best is the end point with the least value, other the opposite end.
	best, other   point
	bracketed     bool
	second        bool // the second stage, once a step has decreased enough and is flat enough
	width, width1 float64
	lo, hi        float64
}

type point struct{ step, value, slope float64 }

func newSearch(value, slope, step float64) *search {
	origin := point{0, value, slope}
	return &search{
		value0: value, slope0: slope, test: sufficientDecrease * slope, step: step, best: origin, other: origin,
		width: maxStep, width1: 2 * maxStep, hi: step + 4*step,
	}
}

// next takes value and slope at the current step. It returns true when that step is to be taken, otherwise it has
// chosen the next step.
func (s *search) next(value, slope float64) (done bool) {
	limit := s.value0 + s.step*s.test
	if !s.second && value <= limit && slope >= s.test {
		s.second = true
	}
	if s.exhausted(value, slope, limit) || value <= limit && math.Abs(slope) <= curvatureFactor*-s.slope0 {
		return true
	}
	here := point{s.step, value, slope}
	if !s.second && value <= s.best.value && value > limit {
		s.update(here.less(s.test), s.best.less(s.test), s.other.less(s.test))
		s.best, s.other = s.best.less(-s.test), s.other.less(-s.test)
	} else {
		s.update(here, s.best, s.other)
	}
	if s.bracketed {
		if math.Abs(s.other.step-s.best.step) >= 0.66*s.width1 {
			s.step = s.best.step + 0.5*(s.other.step-s.best.step)
		}
		s.width1, s.width = s.width, math.Abs(s.other.step-s.best.step)
		s.lo, s.hi = min(s.best.step, s.other.step), max(s.best.step, s.other.step)
	} else {
		s.lo = s.step + 1.1*(s.step-s.best.step)
		s.hi = s.step + 4*(s.step-s.best.step)
	}
	s.step = min(max(s.step, 0), maxStep)
	if s.bracketed && (s.step <= s.lo || s.step >= s.hi || s.hi-s.lo <= intervalTolerance*s.hi) {
		s.step = s.best.step
	}
	return false
}

// exhausted reports whether the search can do no better.
func (s *search) exhausted(value, slope, limit float64) bool {
	switch {
	case s.bracketed && (s.step <= s.lo || s.step >= s.hi):
	case s.bracketed && s.hi-s.lo <= intervalTolerance*s.hi:
	case s.step == maxStep && value <= limit && slope <= s.test:
	case s.step == 0 && (value > limit || slope >= s.test):
	default:
		return false
	}
	return true
}

// less is the point on the function reduced by a line of the given slope.
func (p point) less(slope float64) point {
	return point{p.step, p.value - p.step*slope, p.slope - slope}
}

// update moves the interval to hold here and chooses the next step by interpolation (dcstep of MINPACK-2).
func (s *search) update(here, best, other point) {
	sign := here.slope * (best.slope / math.Abs(best.slope))
	var next float64
	switch {
	case here.value > best.value:
		next = stepHigher(here, best)
		s.bracketed = true
	case sign < 0:
		next = stepOpposite(here, best)
		s.bracketed = true
	case math.Abs(here.slope) < math.Abs(best.slope):
		next = s.stepFlatter(here, best, other)
	case s.bracketed:
		theta := 3*(here.value-other.value)/(other.step-here.step) + other.slope + here.slope
		scale := max(math.Abs(theta), math.Abs(other.slope), math.Abs(here.slope))
		gamma := scale * math.Sqrt(square(theta/scale)-other.slope/scale*(here.slope/scale))
		if here.step > other.step {
			gamma = -gamma
		}
		r := (gamma - here.slope + theta) / (gamma - here.slope + gamma + other.slope)
		next = here.step + r*(other.step-here.step)
	case here.step > best.step:
		next = s.hi
	default:
		next = s.lo
	}
	if here.value > best.value {
		other = here
	} else {
		if sign < 0 {
			other = best
		}
		best = here
	}
	s.best, s.other, s.step = best, other, next
}

// stepHigher interpolates when the value is higher: the minimum is bracketed.
func stepHigher(here, best point) float64 {
	theta := 3*(best.value-here.value)/(here.step-best.step) + best.slope + here.slope
	scale := max(math.Abs(theta), math.Abs(best.slope), math.Abs(here.slope))
	gamma := scale * math.Sqrt(square(theta/scale)-best.slope/scale*(here.slope/scale))
	if here.step < best.step {
		gamma = -gamma
	}
	r := (gamma - best.slope + theta) / (gamma - best.slope + gamma + here.slope)
	cubic := best.step + r*(here.step-best.step)
	quadratic := best.step + best.slope/((best.value-here.value)/(here.step-best.step)+best.slope)/2*(here.step-best.step)
	if math.Abs(cubic-best.step) < math.Abs(quadratic-best.step) {
		return cubic
	}
	return cubic + (quadratic-cubic)/2
}

// stepOpposite interpolates when the slopes have opposite signs: the minimum is bracketed.
func stepOpposite(here, best point) float64 {
	theta := 3*(best.value-here.value)/(here.step-best.step) + best.slope + here.slope
	scale := max(math.Abs(theta), math.Abs(best.slope), math.Abs(here.slope))
	gamma := scale * math.Sqrt(square(theta/scale)-best.slope/scale*(here.slope/scale))
	if here.step > best.step {
		gamma = -gamma
	}
	r := (gamma - here.slope + theta) / (gamma - here.slope + gamma + best.slope)
	cubic := here.step + r*(best.step-here.step)
	secant := here.step + here.slope/(here.slope-best.slope)*(best.step-here.step)
	if math.Abs(cubic-here.step) > math.Abs(secant-here.step) {
		return cubic
	}
	return secant
}

// stepFlatter interpolates or extrapolates when the slope has the same sign and is smaller.
func (s *search) stepFlatter(here, best, other point) float64 {
	theta := 3*(best.value-here.value)/(here.step-best.step) + best.slope + here.slope
	scale := max(math.Abs(theta), math.Abs(best.slope), math.Abs(here.slope))
	// gamma is zero only when the cubic does not tend to infinity in the direction of the step.
	gamma := scale * math.Sqrt(max(0, square(theta/scale)-best.slope/scale*(here.slope/scale)))
	if here.step > best.step {
		gamma = -gamma
	}
	r := (gamma - here.slope + theta) / (gamma + (best.slope - here.slope) + gamma)
	cubic := s.hi
	switch {
	case r < 0 && gamma != 0:
		cubic = here.step + r*(best.step-here.step)
	case here.step <= best.step:
		cubic = s.lo
	}
	secant := here.step + here.slope/(here.slope-best.slope)*(best.step-here.step)
	nearer := math.Abs(cubic-here.step) < math.Abs(secant-here.step)
	if !s.bracketed {
		next := secant
		if !nearer {
			next = cubic
		}
		return max(s.lo, min(s.hi, next))
	}
	next := secant
	if nearer {
		next = cubic
	}
	if here.step > best.step {
		return min(here.step+0.66*(other.step-here.step), next)
	}
	return max(here.step+0.66*(other.step-here.step), next)
}

func square(x float64) float64 { return x * x }
