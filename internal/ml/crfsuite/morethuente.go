package crfsuite

import (
	"context"
	"math"
)

// trial is a step with the value and the slope there.
type trial struct{ step, value, slope float64 }

// interval is where Moré and Thuente (1994) look for a step: best has the least value so far, other is the opposite end.
type interval struct {
	best, other trial
	lo, hi      float64
	bracketed   bool
}

// moreThuente finds a step with sufficient decrease and a flat enough slope, as line_search_morethuente of libLBFGS.
func (s *state) moreThuente(ctx context.Context) (ok bool) {
	slope := dot(s.g, s.d)
	if slope > 0 {
		return false
	}
	before := s.value
	test := stepSlope * slope
	in := interval{best: trial{0, before, slope}, other: trial{0, before, slope}}
	width, earlier := maxStep-minStep, 2*(maxStep-minStep)
	first, failed := true, false
	for count := 1; ctx.Err() == nil; count++ {
		in.lo, in.hi = in.best.step, s.step+4*(s.step-in.best.step)
		if in.bracketed {
			in.lo, in.hi = min(in.best.step, in.other.step), max(in.best.step, in.other.step)
		}
		s.step = min(max(s.step, minStep), maxStep)
		outside := in.bracketed && (s.step <= in.lo || in.hi <= s.step || failed)
		narrow := in.bracketed && in.hi-in.lo <= widthTol*in.hi
		if outside || narrow || in.bracketed && s.maxLineSearch <= count {
			s.step = in.best.step
		}
		t := s.try()
		enough := before + t.step*test
		switch {
		case in.bracketed && (t.step <= in.lo || in.hi <= t.step || failed),
			t.step == maxStep && t.value <= enough && t.slope <= test,
			t.step == minStep && (enough < t.value || test <= t.slope),
			narrow, s.maxLineSearch <= count:
			return false
		case t.value <= enough && math.Abs(t.slope) <= curvature*-slope:
			return true
		}
		if first && t.value <= enough && stepSlope*slope <= t.slope {
			first = false
		}
		if first && enough < t.value && t.value <= in.best.value {
			// The modified function, from which the wanted decrease is subtracted, predicts better at first.
			in.tilt(-test)
			s.step, failed = in.next(trial{t.step, t.value - t.step*test, t.slope - test})
			in.tilt(test)
		} else {
			s.step, failed = in.next(t)
		}
		if in.bracketed {
			size := math.Abs(in.other.step - in.best.step)
			if 0.66*earlier <= size {
				s.step = in.best.step + 0.5*(in.other.step-in.best.step)
			}
			earlier, width = width, size
		}
	}
	return false
}

// try evaluates the function at the current step.
func (s *state) try() trial {
	for i, old := range s.start {
		s.x[i] = old + s.step*s.d[i]
	}
	s.value = s.at()
	return trial{s.step, s.value, dot(s.g, s.d)}
}

// tilt adds a linear function of the step to both ends.
func (in *interval) tilt(slope float64) {
	for _, t := range []*trial{&in.best, &in.other} {
		t.value += t.step * slope
		t.slope += slope
	}
}

// next narrows the interval by a trial and returns the next step to try; failed tells that rounding prevents it.
func (in *interval) next(t trial) (step float64, failed bool) {
	x, y := in.best, in.other
	if in.bracketed && (t.step <= min(x.step, y.step) || max(x.step, y.step) <= t.step ||
		0 <= x.slope*(t.step-x.step) || in.hi < in.lo) {
		return t.step, true
	}
	opposite := t.slope*(x.slope/math.Abs(x.slope)) < 0
	bound := false
	switch {
	case x.value < t.value:
		in.bracketed, bound = true, true
		cubic, quadratic := cubicMinimum(x, t), parabola(x, t)
		step = cubic
		if math.Abs(cubic-x.step) >= math.Abs(quadratic-x.step) {
			step = cubic + 0.5*(quadratic-cubic)
		}
	case opposite:
		in.bracketed = true
		cubic, secant := cubicMinimum(x, t), secantMinimum(x, t)
		step = secant
		if math.Abs(cubic-t.step) > math.Abs(secant-t.step) {
			step = cubic
		}
	case math.Abs(t.slope) < math.Abs(x.slope):
		bound = true
		cubic, secant := cubicWithin(x, t, in.lo, in.hi), secantMinimum(x, t)
		step = secant
		toCubic, toSecant := math.Abs(t.step-cubic), math.Abs(t.step-secant)
		if in.bracketed && toCubic < toSecant || !in.bracketed && toCubic > toSecant {
			step = cubic
		}
	case in.bracketed:
		step = cubicMinimum(t, y)
	case x.step < t.step:
		step = in.hi
	default:
		step = in.lo
	}
	in.narrow(t, opposite)
	step = max(min(step, in.hi), in.lo)
	if in.bracketed && bound {
		limit := in.best.step + 0.66*(in.other.step-in.best.step)
		if in.best.step < in.other.step {
			step = min(step, limit)
		} else {
			step = max(step, limit)
		}
	}
	return step, false
}

// narrow replaces an end of the interval by a trial.
func (in *interval) narrow(t trial, opposite bool) {
	switch {
	case in.best.value < t.value:
		in.other = t
	case opposite:
		in.best, in.other = t, in.best
	default:
		in.best = t
	}
}

// cubicMinimum returns where the cubic through two trials is least.
func cubicMinimum(u, v trial) float64 {
	d := v.step - u.step
	theta := (u.value-v.value)*3/d + u.slope + v.slope
	scale := max(math.Abs(theta), math.Abs(u.slope), math.Abs(v.slope))
	a := theta / scale
	gamma := scale * math.Sqrt(a*a-(u.slope/scale)*(v.slope/scale))
	if v.step < u.step {
		gamma = -gamma
	}
	return u.step + (gamma-u.slope+theta)/(gamma-u.slope+gamma+v.slope)*d
}

// cubicWithin is cubicMinimum with a limit to the side on which the cubic has no minimum.
func cubicWithin(u, v trial, lo, hi float64) float64 {
	d := v.step - u.step
	theta := (u.value-v.value)*3/d + u.slope + v.slope
	scale := max(math.Abs(theta), math.Abs(u.slope), math.Abs(v.slope))
	a := theta / scale
	gamma := scale * math.Sqrt(max(0, a*a-(u.slope/scale)*(v.slope/scale)))
	if u.step < v.step {
		gamma = -gamma
	}
	r := (gamma - v.slope + theta) / (gamma - v.slope + gamma + u.slope)
	switch {
	case r < 0 && gamma != 0:
		return v.step - r*d
	case d > 0:
		return hi
	}
	return lo
}

// parabola returns the minimum of the parabola through both values with the slope at u.
func parabola(u, v trial) float64 {
	a := v.step - u.step
	return u.step + u.slope/((u.value-v.value)/a+u.slope)/2*a
}

// secantMinimum returns the minimum of the parabola with both slopes.
func secantMinimum(u, v trial) float64 {
	return v.step + v.slope/(v.slope-u.slope)*(u.step-v.step)
}
