package ml

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"
)

func sample(rng *rand.Rand, rows, cols, classes int) (*Sparse, []int, []float64) {
	x := NewSparse(cols, rows, rows*4)
	y, w := make([]int, rows), make([]float64, rows)
	for i := range rows {
		for c := range cols {
			if rng.Float64() < 0.3 {
				x.Add(c, float64(1+rng.IntN(3)))
			}
		}
		x.EndRow()
		y[i], w[i] = rng.IntN(classes), 0.5+rng.Float64()
	}
	return x, y, w
}

func TestGradient(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, classes := range []int{1, 3} {
		x, y, w := sample(rng, 12, 5, max(classes, 2))
		f := &fitting{model: NewSoftmax(5, classes), x: x, y: y, weights: w}
		f.split()
		params := make([]float64, 6*classes)
		for i := range params {
			params[i] = rng.NormFloat64()
		}
		grad, other := make([]float64, len(params)), make([]float64, len(params))
		f.value(params, grad)
		const h = 1e-6
		for i := range params {
			p := params[i]
			params[i] = p + h
			up := f.value(params, other)
			params[i] = p - h
			down := f.value(params, other)
			params[i] = p
			if numeric := (up - down) / (2 * h); math.Abs(numeric-grad[i]) > 1e-5 {
				t.Errorf("%d classes: gradient %d is %g, finite difference %g", classes, i, grad[i], numeric)
			}
		}
	}
}

func TestFitSeparates(t *testing.T) {
	x := NewSparse(3, 6, 6)
	for i := range 6 {
		x.Add(i%3, 1)
		x.EndRow()
	}
	m := NewSoftmax(3, 3)
	r, err := m.Fit(context.Background(), x, []int{0, 1, 2, 0, 1, 2}, []float64{1, 1, 1, 1, 1, 1}, LBFGS{GradientTolerance: 1e-4})
	if err != nil || !r.Converged {
		t.Fatalf("%+v, %v", r, err)
	}
	for i := range 3 {
		cols, vals := x.Row(i)
		p := m.Scores(cols, vals)
		Probabilities(p)
		if p[i] < 0.5 || math.Abs(p[0]+p[1]+p[2]-1) > 1e-12 {
			t.Errorf("row %d: %v", i, p)
		}
	}
}

func BenchmarkGradient(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	x, y, w := sample(rng, 500, 200, 20)
	f := &fitting{model: NewSoftmax(200, 20), x: x, y: y, weights: w}
	f.split()
	params, grad := make([]float64, 201*20), make([]float64, 201*20)
	for b.Loop() {
		f.value(params, grad)
	}
}

// TestFitOfManyFeatures compares the two ways of fitting, which go the same way.
func TestFitOfManyFeatures(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, c := range []struct{ classes, iterations int }{{4, 3}, {4, 200}, {31, 5}, {45, 20}} {
		x, y, w := sample(rng, 30, 90, c.classes)
		o := LBFGS{MaxIterations: c.iterations, GradientTolerance: 1e-6}
		want, got := NewSoftmax(90, c.classes), NewSoftmax(90, c.classes)
		wantResult, err := want.fit(context.Background(), &fitting{model: want, x: x, y: y, weights: w}, o)
		if err != nil {
			t.Fatal(err)
		}
		gotResult, err := got.Fit(context.Background(), x, y, w, o)
		if err != nil || gotResult.Converged != wantResult.Converged || gotResult.Iterations != wantResult.Iterations {
			t.Fatalf("%+v, %v, want %+v", gotResult, err, wantResult)
		}
		for i, v := range want.Weights {
			if math.Abs(v-got.Weights[i]) > 1e-6 {
				t.Fatalf("%v: weight %d is %g, want %g", c, i, got.Weights[i], v)
			}
		}
		for i, v := range want.Bias {
			if math.Abs(v-got.Bias[i]) > 1e-6 {
				t.Fatalf("%v: bias %d is %g, want %g", c, i, got.Bias[i], v)
			}
		}
	}
}

func TestColumn(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for _, width := range []int{narrow, wide} {
		in := make([]float64, 9*width)
		for i := range in {
			in[i] = rng.NormFloat64()
		}
		rows, values := []int32{0, 3, 8}, []float64{1, -0.5, 2}
		want, got := make([]float64, len(in)), make([]float64, len(in))
		var wantSum, gotSum [wide]float64
		columnGo(rows, values, in, want, wantSum[:], width)
		column(rows, values, in, got, gotSum[:], width)
		for i, v := range want {
			if math.Abs(v-got[i]) > 1e-12 {
				t.Fatalf("width %d: element %d is %g, want %g", width, i, got[i], v)
			}
		}
		for i, v := range wantSum {
			if math.Abs(v-gotSum[i]) > 1e-12 {
				t.Fatalf("width %d: sum %d is %g, want %g", width, i, gotSum[i], v)
			}
		}
	}
}
