package crfsuite

import (
	"context"
	"errors"
	"fmt"
)

// Params are the parameters of a training. The others of CRFsuite have its defaults: a memory of 6 steps, epsilon 1e-5,
// and an end when 10 steps improve the objective by less than 1e-5 of it.
type Params struct {
	// L1 and L2 are the weights of the penalties (c1, c2).
	L1, L2 float64
	// MaxIterations is how many steps there are at most; 0 is no limit.
	MaxIterations int
	// Progress, if not nil, is told of the objective after every step.
	Progress func(iteration int, objective float64)
}

// Train learns from the data, which it does not change. It returns ctx's error when ctx ends first.
func Train(ctx context.Context, d *Data, p Params) (*Model, error) {
	if len(d.gold) == 0 {
		return nil, errors.New("there are no sequences to learn from")
	}
	if n := len(d.labels.names); n > MaxLabels {
		return nil, fmt.Errorf("there are %d labels, possible are %d", n, MaxLabels)
	}
	f := generate(d)
	o := newObjective(ctx, d, f, p.L2)
	m := &minimizer{
		memory: 6, epsilon: 1e-5, past: 10, delta: 1e-5, maxIterations: p.MaxIterations, maxLineSearch: 20,
		l1: p.L1, evaluate: o.value, progress: p.Progress,
	}
	if m.progress == nil {
		m.progress = func(int, float64) {}
	}
	w := make([]float64, f.count())
	if err := m.minimize(ctx, w); err != nil {
		return nil, err
	}
	return newModel(d, f, w), nil
}
