package svm

import (
	"fmt"
	"math"
)

// Kernel measures how similar two examples are.
type Kernel struct {
	// Name is linear, poly, rbf or sigmoid.
	Name string
	// Gamma scales the product or distance of examples; linear has none.
	Gamma float64
	// Degree and Coef0 belong to poly: (Gamma*product + Coef0)^Degree; Coef0 to sigmoid too.
	Degree int
	Coef0  float64
	// Rule, if not empty, says how Gamma follows from the examples to learn from: "auto" is one by their length, "scale"
	// one by length and variance.
	Rule string
}

// fitted returns the kernel with the Gamma that its rule gives for the examples.
func (k Kernel) fitted(x [][]float64) Kernel {
	switch k.Rule {
	case "auto":
		k.Gamma = 1 / float64(len(x[0]))
	case "scale":
		k.Gamma = 1
		if v := variance(x); v != 0 {
			k.Gamma = 1 / (float64(len(x[0])) * v)
		}
	}
	k.Rule = ""
	return k
}

// variance is that of all numbers in x.
func variance(x [][]float64) float64 {
	sum, count := 0.0, float64(len(x)*len(x[0]))
	for _, row := range x {
		for _, v := range row {
			sum += v
		}
	}
	mean, squares := sum/count, 0.0
	for _, row := range x {
		for _, v := range row {
			squares += (v - mean) * (v - mean)
		}
	}
	return squares / count
}

// Kernels are the names of the kernels.
var Kernels = []string{"linear", "poly", "rbf", "sigmoid"}

func (k *Kernel) check() error {
	switch k.Name {
	case "linear", "poly", "rbf", "sigmoid":
		return nil
	}
	return fmt.Errorf("kernel %q is not known", k.Name)
}

// of returns the kernel of two examples by their product and squares.
func (k *Kernel) of(product, square1, square2 float64) float64 {
	switch k.Name {
	case "poly":
		return power(k.Gamma*product+k.Coef0, k.Degree)
	case "rbf":
		return math.Exp(-k.Gamma * (square1 + square2 - 2*product))
	case "sigmoid":
		return math.Tanh(k.Gamma*product + k.Coef0)
	}
	return product
}

// Of returns the kernel of two examples.
func (k *Kernel) Of(x, y []float64) float64 {
	if k.Name != "rbf" {
		return k.of(dot(x, y), 0, 0)
	}
	sum := 0.0
	y = y[:len(x)]
	for i, v := range x {
		d := v - y[i]
		sum += d * d
	}
	return math.Exp(-k.Gamma * sum)
}

func power(base float64, exponent int) float64 {
	result := 1.0
	for ; exponent > 0; exponent /= 2 {
		if exponent%2 == 1 {
			result *= base
		}
		base *= base
	}
	return result
}

// dotGo is dot without assembly.
func dotGo(a, b []float64) float64 {
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
