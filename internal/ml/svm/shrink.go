package svm

import "math"

// shrink leaves out the examples whose multipliers seem to stay at their bounds (do_shrinking).
func (s *solver) shrink() {
	up, low := math.Inf(-1), math.Inf(-1)
	for i := range s.active {
		g := s.gradient[i]
		if s.y[i] < 0 {
			g = -g
		}
		// What may grow in the direction of its class, and what may fall.
		mayGrow, mayFall := !s.atUpper(i), !s.atLower(i)
		if s.y[i] < 0 {
			mayGrow, mayFall = mayFall, mayGrow
		}
		if mayGrow {
			up = max(up, -g)
		}
		if mayFall {
			low = max(low, g)
		}
	}
	if !s.unshrunk && up+low <= tolerance*10 {
		s.unshrunk = true
		s.reconstruct()
		s.active = len(s.at)
	}
	for i := 0; i < s.active; i++ {
		if !s.fixed(i, up, low) {
			continue
		}
		for s.active--; s.active > i; s.active-- {
			if !s.fixed(s.active, up, low) {
				s.swap(i, s.active)
				break
			}
		}
	}
}

// fixed tells whether the multiplier is at a bound and will hardly leave it.
func (s *solver) fixed(i int, up, low float64) bool {
	g := s.gradient[i]
	switch {
	case s.atUpper(i) && s.y[i] > 0:
		return -g > up
	case s.atUpper(i):
		return -g > low
	case s.atLower(i) && s.y[i] > 0:
		return g > low
	case s.atLower(i):
		return g > up
	}
	return false
}

// reconstruct works out the gradient of the examples that were left out.
func (s *solver) reconstruct() {
	n := len(s.at)
	if s.active == n {
		return
	}
	for j := s.active; j < n; j++ {
		s.gradient[j] = s.bound[j] - 1
	}
	for i := range s.active {
		if !s.free(i) {
			continue
		}
		row := s.row(i)
		for j := s.active; j < n; j++ {
			s.gradient[j] += s.alpha[i] * float64(row[j])
		}
	}
}

// swap exchanges two examples.
func (s *solver) swap(i, j int) {
	for _, list := range [][]float64{s.c, s.alpha, s.gradient, s.bound, s.diagonal} {
		list[i], list[j] = list[j], list[i]
	}
	s.at[i], s.at[j] = s.at[j], s.at[i]
	s.y[i], s.y[j] = s.y[j], s.y[i]
	s.rows[i], s.rows[j] = s.rows[j], s.rows[i]
	s.origin[i], s.origin[j] = s.origin[j], s.origin[i]
	for _, row := range s.rows {
		if row != nil {
			row[i], row[j] = row[j], row[i]
		}
	}
}
