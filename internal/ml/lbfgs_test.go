package ml

import (
	"context"
	"errors"
	"math"
	"testing"
)

func rosenbrock(x, g []float64) float64 {
	f := 0.0
	for i := range g {
		g[i] = 0
	}
	for i := range len(x) - 1 {
		a, b := x[i+1]-x[i]*x[i], 1-x[i]
		f += 100*a*a + b*b
		g[i] += -400*a*x[i] - 2*b
		g[i+1] += 200 * a
	}
	return f
}

func TestMinimize(t *testing.T) {
	// The iterates after 5 steps are those of scipy.optimize.minimize(method="L-BFGS-B").
	cases := []struct {
		name       string
		iterations int
		want       []float64
		tolerance  float64
	}{
		{"to the minimum", 0, []float64{1, 1, 1, 1, 1}, 1e-5},
		{"first 5 steps", 5, []float64{1.0003073997725893, 1.0264261491295052, 1.0661130956877132, 1.1326890884713445, 1.2805443122020188}, 1e-9},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			x := []float64{1.3, 0.7, 0.8, 1.9, 1.2}
			r, err := LBFGS{MaxIterations: c.iterations}.Minimize(context.Background(), rosenbrock, x)
			if err != nil || r.Converged != (c.iterations == 0) {
				t.Fatalf("result %+v, %v", r, err)
			}
			for i := range x {
				if math.Abs(x[i]-c.want[i]) > c.tolerance {
					t.Errorf("x[%d] is %.12g, want %.12g", i, x[i], c.want[i])
				}
			}
		})
	}
}

func TestMinimizeStopsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := (LBFGS{}).Minimize(ctx, rosenbrock, []float64{0, 0}); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}
