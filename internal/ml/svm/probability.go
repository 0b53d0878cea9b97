package svm

import "math"

// sigmoid is a function 1/(1+exp(a*f+b)) that turns decision values into probabilities.
type sigmoid struct{ a, b float64 }

// at returns the probability of the first class.
func (s sigmoid) at(value float64) float64 {
	z := s.a*value + s.b
	if z >= 0 {
		return math.Exp(-z) / (1 + math.Exp(-z))
	}
	return 1 / (1 + math.Exp(z))
}

// fitSigmoid fits a sigmoid to decision values by Newton's method with backtracking (sigmoid_train).
func fitSigmoid(values []float64, y []int8) sigmoid {
	first, second := 0.0, 0.0
	for _, v := range y {
		if v > 0 {
			first++
		} else {
			second++
		}
	}
	targets := make([]float64, len(y))
	for i, v := range y {
		targets[i] = 1 / (second + 2)
		if v > 0 {
			targets[i] = (first + 1) / (first + 2)
		}
	}
	s := sigmoid{0, math.Log((second + 1) / (first + 1))}
	loss := s.loss(values, targets)
	for range 100 {
		g1, g2, da, db := s.direction(values, targets)
		if math.Abs(g1) < 1e-5 && math.Abs(g2) < 1e-5 {
			break
		}
		slope := g1*da + g2*db
		step := 1.0
		for ; step >= 1e-10; step /= 2 {
			tried := sigmoid{s.a + step*da, s.b + step*db}
			if l := tried.loss(values, targets); l < loss+0.0001*step*slope {
				s, loss = tried, l
				break
			}
		}
		if step < 1e-10 {
			break
		}
	}
	return s
}

// direction returns the gradient and the direction of Newton's method.
func (s sigmoid) direction(values, targets []float64) (g1, g2, da, db float64) {
	h11, h22, h21 := 1e-12, 1e-12, 0.0
	for i, v := range values {
		z := v*s.a + s.b
		var p, q float64
		if z >= 0 {
			e := math.Exp(-z)
			p, q = e/(1+e), 1/(1+e)
		} else {
			e := math.Exp(z)
			p, q = 1/(1+e), e/(1+e)
		}
		d2 := p * q
		h11 += v * v * d2
		h22 += d2
		h21 += v * d2
		d1 := targets[i] - p
		g1 += v * d1
		g2 += d1
	}
	det := h11*h22 - h21*h21
	return g1, g2, -(h22*g1 - h21*g2) / det, -(-h21*g1 + h11*g2) / det
}

func (s sigmoid) loss(values, targets []float64) float64 {
	sum := 0.0
	for i, v := range values {
		z := v*s.a + s.b
		if z >= 0 {
			sum += targets[i]*z + math.Log(1+math.Exp(-z))
		} else {
			sum += (targets[i]-1)*z + math.Log(1+math.Exp(z))
		}
	}
	return sum
}

// couple returns the probabilities of the classes that fit the pairwise ones best; r[i][j] is the probability of i
// against j (multiclass_probability).
func couple(r [][]float64) []float64 {
	k := len(r)
	q, p, qp := make([][]float64, k), make([]float64, k), make([]float64, k)
	for t := range k {
		p[t] = 1 / float64(k)
		q[t] = make([]float64, k)
		for j := range k {
			if j == t {
				continue
			}
			q[t][t] += r[j][t] * r[j][t]
			if j < t {
				q[t][j] = q[j][t]
			} else {
				q[t][j] = -r[j][t] * r[t][j]
			}
		}
	}
	enough := 0.005 / float64(k)
	for range max(100, k) {
		total, worst := 0.0, 0.0
		for t := range k {
			sum := 0.0
			for j, v := range q[t] {
				sum += v * p[j]
			}
			qp[t] = sum
			total += p[t] * sum
		}
		for _, v := range qp {
			worst = max(worst, math.Abs(v-total))
		}
		if worst < enough {
			break
		}
		for t := range k {
			d := (total - qp[t]) / q[t][t]
			p[t] += d
			total = (total + d*(d*q[t][t]+2*qp[t])) / (1 + d) / (1 + d)
			for j := range k {
				qp[j] = (qp[j] + d*q[t][j]) / (1 + d)
				p[j] /= 1 + d
			}
		}
	}
	return p
}
