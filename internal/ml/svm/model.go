package svm

import "fmt"

// Model classifies examples by a machine for each pair of classes. It may be used by several goroutines.
type Model struct {
	Kernel  Kernel
	Classes int
	// Features is the length of an example.
	Features int
	// Vectors are the support vectors, [vectors, Features], those of one class behind those of the class before.
	Vectors []float64
	// Counts are the numbers of support vectors of the classes.
	Counts []int
	// Coefficients has shape [Classes-1, vectors]: those for classes i < j are in row j-1 for the vectors of i and in row
	// i for those of j.
	Coefficients []float64
	// Rho are the thresholds of the pairs (0, 1), (0, 2), ..., (1, 2), ...
	Rho []float64
	// A and B are the sigmoids of the pairs; nil without probabilities.
	A, B []float64

	// examples are the positions of the support vectors in the problem, right after training.
	examples []int
}

// Check tells what is wrong with the model's sizes.
func (m *Model) Check() error {
	if err := m.Kernel.check(); err != nil {
		return err
	}
	pairs := m.Classes * (m.Classes - 1) / 2
	vectors := 0
	for _, n := range m.Counts {
		if n < 0 {
			return fmt.Errorf("a class has %d support vectors", n)
		}
		vectors += n
	}
	switch {
	case m.Classes < 2:
		return fmt.Errorf("there are %d classes", m.Classes)
	case len(m.Counts) != m.Classes:
		return fmt.Errorf("%d counts of support vectors do not fit %d classes", len(m.Counts), m.Classes)
	case len(m.Vectors) != vectors*m.Features:
		return fmt.Errorf("%d numbers are not %d support vectors of %d features", len(m.Vectors), vectors, m.Features)
	case len(m.Coefficients) != vectors*(m.Classes-1):
		return fmt.Errorf("%d coefficients do not fit %d support vectors and %d classes", len(m.Coefficients), vectors, m.Classes)
	case len(m.Rho) != pairs:
		return fmt.Errorf("%d thresholds do not fit %d pairs of classes", len(m.Rho), pairs)
	case m.A != nil && (len(m.A) != pairs || len(m.B) != pairs):
		return fmt.Errorf("%d and %d parameters of sigmoids do not fit %d pairs of classes", len(m.A), len(m.B), pairs)
	}
	return nil
}

// Decisions returns the decision values of the pairs of classes; a positive one speaks for the first class.
func (m *Model) Decisions(x []float64) []float64 {
	kernels := make([]float64, len(m.Coefficients)/(m.Classes-1))
	for i := range kernels {
		kernels[i] = m.Kernel.Of(x, m.Vectors[i*m.Features:(i+1)*m.Features])
	}
	return m.decisions(kernels)
}

// decisions is Decisions for the kernels of an example with the support vectors.
func (m *Model) decisions(kernels []float64) []float64 {
	values := make([]float64, 0, len(m.Rho))
	vectors := len(kernels)
	fromI := 0
	for i := range m.Classes {
		endI := fromI + m.Counts[i]
		fromJ := endI
		for j := i + 1; j < m.Classes; j++ {
			endJ := fromJ + m.Counts[j]
			sum := dot(m.Coefficients[(j-1)*vectors+fromI:(j-1)*vectors+endI], kernels[fromI:endI])
			sum += dot(m.Coefficients[i*vectors+fromJ:i*vectors+endJ], kernels[fromJ:endJ])
			values = append(values, sum-m.Rho[len(values)])
			fromJ = endJ
		}
		fromI = endI
	}
	return values
}

// Vote returns the class that wins against most others, the first of several.
func (m *Model) Vote(decisions []float64) int {
	votes := make([]int, m.Classes)
	p := 0
	for i := range m.Classes {
		for j := i + 1; j < m.Classes; j++ {
			if decisions[p] > 0 {
				votes[i]++
			} else {
				votes[j]++
			}
			p++
		}
	}
	best := 0
	for i, n := range votes {
		if n > votes[best] {
			best = i
		}
	}
	return best
}

// Probabilities returns the probability of each class. The model must have been trained with probabilities.
func (m *Model) Probabilities(x []float64) []float64 {
	const least = 1e-7
	r := make([][]float64, m.Classes)
	for i := range r {
		r[i] = make([]float64, m.Classes)
	}
	decisions := m.Decisions(x)
	p := 0
	for i := range m.Classes {
		for j := i + 1; j < m.Classes; j++ {
			v := sigmoid{m.A[p], m.B[p]}.at(decisions[p])
			r[i][j] = min(max(v, least), 1-least)
			r[j][i] = 1 - r[i][j]
			p++
		}
	}
	return couple(r)
}
