package svm

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
)

// Problem is what is to be learnt.
type Problem struct {
	// X are the examples, all of one length.
	X [][]float64
	// Y are their classes, from 0 on without gaps.
	Y []int
	// Weights say how much the examples of each class count.
	Weights []float64

	// cache, if not nil, holds the kernels of examples; rows are their positions there.
	cache *cache
	rows  []int
}

// Params are the parameters of a training.
type Params struct {
	Kernel Kernel
	// C is the price of examples on the wrong side.
	C float64
	// Probability adds the sigmoids, with five more trainings of each pair.
	Probability bool
	// Seed is that of the random folds for the sigmoids.
	Seed uint32
}

// Train learns one model for each C in cs; that in params is not read. The pairs of classes are divided among the
// processors. It returns ctx's error when ctx ends first.
func Train(ctx context.Context, p *Problem, params Params, cs ...float64) ([]*Model, error) {
	return train(ctx, p, params, cs, true)
}

// train is Train that can leave out the support vectors, of which a model knows the positions in the problem.
func train(ctx context.Context, p *Problem, params Params, cs []float64, vectors bool) ([]*Model, error) {
	if err := params.Kernel.check(); err != nil {
		return nil, err
	}
	classes := len(p.Weights)
	if classes < 2 {
		return nil, fmt.Errorf("there must be examples of at least two classes, found %d", classes)
	}
	members := make([][]int, classes)
	for i, y := range p.Y {
		if y < 0 || y >= classes {
			return nil, fmt.Errorf("example %d has class %d of %d", i, y, classes)
		}
		members[y] = append(members[y], i)
	}
	for k, m := range members {
		if len(m) == 0 {
			return nil, fmt.Errorf("class %d has no examples", k)
		}
	}
	jobs := newPairs(p, params, cs, members)
	if err := jobs.run(ctx); err != nil {
		return nil, err
	}
	models := make([]*Model, len(cs))
	for c := range cs {
		models[c] = jobs.model(c, vectors)
	}
	return models, nil
}

// pairs are the machines for two classes each.
type pairs struct {
	problem *Problem
	params  Params
	cs      []float64
	// members are the examples of each class.
	members [][]int
	squares []float64
	list    []*pair
}

// pair is the machine for classes first < second.
type pair struct {
	first, second int
	// solutions belong to the values of C.
	solutions []solution
}

type solution struct {
	// coefficients are those of the examples of the first class, then of the second.
	coefficients []float64
	rho          float64
	sigmoid      sigmoid
}

func newPairs(p *Problem, params Params, cs []float64, members [][]int) *pairs {
	jobs := &pairs{problem: p, params: params, cs: cs, members: members, squares: make([]float64, len(p.X))}
	if params.Kernel.Name == "rbf" {
		for i, x := range p.X {
			jobs.squares[i] = dot(x, x)
		}
	}
	for i := range members {
		for j := i + 1; j < len(members); j++ {
			jobs.list = append(jobs.list, &pair{first: i, second: j})
		}
	}
	return jobs
}

func (jobs *pairs) run(ctx context.Context) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(jobs.list)) {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(jobs.list) {
					return
				}
				jobs.learn(ctx, jobs.list[i])
			}
		})
	}
	wg.Wait()
	return ctx.Err()
}

// learn finds the solutions of one pair.
func (jobs *pairs) learn(ctx context.Context, p *pair) {
	examples := append(append([]int(nil), jobs.members[p.first]...), jobs.members[p.second]...)
	g := jobs.gram(examples)
	at, y := make([]int, len(examples)), make([]int8, len(examples))
	for i := range examples {
		at[i], y[i] = i, -1
		if i < len(jobs.members[p.first]) {
			y[i] = 1
		}
	}
	for _, c := range jobs.cs {
		if ctx.Err() != nil {
			return
		}
		price := prices{c * jobs.problem.Weights[p.first], c * jobs.problem.Weights[p.second]}
		var s solution
		if jobs.params.Probability {
			s.sigmoid = fitSigmoid(crossValidated(g, y, price, jobs.params.Seed), y)
		}
		s.coefficients, s.rho = solve(g, at, y, price.of(y))
		p.solutions = append(p.solutions, s)
	}
}

// prices are C for the first and second class.
type prices struct{ first, second float64 }

func (p prices) of(y []int8) []float64 {
	out := make([]float64, len(y))
	for i, v := range y {
		out[i] = p.second
		if v > 0 {
			out[i] = p.first
		}
	}
	return out
}

// gram returns the kernels of examples.
func (jobs *pairs) gram(examples []int) *gram {
	n := len(examples)
	g := &gram{size: n, values: make([]float32, n*n), diagonal: make([]float64, n)}
	p, kernel := jobs.problem, &jobs.params.Kernel
	for i, a := range examples {
		x, square := p.X[a], jobs.squares[a]
		g.diagonal[i] = kernel.of(dot(x, x), square, square)
		for j, b := range examples[:i+1] {
			var v float32
			if p.cache != nil {
				v = p.cache.at(p.rows[a], p.rows[b])
			} else {
				v = float32(kernel.of(dot(x, p.X[b]), square, jobs.squares[b]))
			}
			g.values[i*n+j], g.values[j*n+i] = v, v
		}
	}
	return g
}

// crossValidated returns decision values of machines that did not see the example (svm_binary_svc_probability).
func crossValidated(g *gram, y []int8, price prices, seed uint32) []float64 {
	const folds = 5
	n := len(y)
	order := newTwister(seed).permutation(n)
	values := make([]float64, n)
	for f := range folds {
		begin, end := f*n/folds, (f+1)*n/folds
		// Each machine has the second class first, as libsvm sorts the labels -1 and 1.
		var first, second []int
		for k, i := range order {
			switch {
			case begin <= k && k < end:
			case y[i] > 0:
				first = append(first, i)
			default:
				second = append(second, i)
			}
		}
		at := append(append([]int(nil), second...), first...)
		switch {
		case len(second) == 0 && len(first) == 0:
			continue
		case len(second) == 0 || len(first) == 0:
			for _, i := range order[begin:end] {
				values[i] = 1
				if len(first) == 0 {
					values[i] = -1
				}
			}
			continue
		}
		signs := make([]int8, len(at))
		for k := range signs {
			signs[k] = -1
			if k < len(second) {
				signs[k] = 1
			}
		}
		coefficients, rho := solve(g, at, signs, prices{price.second, price.first}.of(signs))
		for _, i := range order[begin:end] {
			sum := 0.0
			for k, a := range at {
				if coefficients[k] != 0 {
					sum += coefficients[k] * float64(g.values[i*g.size+a])
				}
			}
			values[i] = rho - sum
		}
	}
	return values
}

// model puts the machines for the c-th value of C together.
func (jobs *pairs) model(c int, withVectors bool) *Model {
	classes := len(jobs.members)
	m := &Model{Kernel: jobs.params.Kernel, Classes: classes, Features: len(jobs.problem.X[0]), Counts: make([]int, classes)}
	used := make([][]bool, classes)
	for k, examples := range jobs.members {
		used[k] = make([]bool, len(examples))
	}
	for _, p := range jobs.list {
		s := &p.solutions[c]
		for k, v := range s.coefficients {
			if n := len(used[p.first]); v != 0 && k < n {
				used[p.first][k] = true
			} else if v != 0 {
				used[p.second][k-n] = true
			}
		}
		m.Rho = append(m.Rho, s.rho)
		if jobs.params.Probability {
			m.A, m.B = append(m.A, s.sigmoid.a), append(m.B, s.sigmoid.b)
		}
	}
	starts := make([]int, classes)
	vectors := 0
	for k, flags := range used {
		starts[k] = vectors
		for i, is := range flags {
			if is {
				if withVectors {
					m.Vectors = append(m.Vectors, jobs.problem.X[jobs.members[k][i]]...)
				}
				m.examples = append(m.examples, jobs.members[k][i])
				m.Counts[k]++
				vectors++
			}
		}
	}
	m.Coefficients = make([]float64, vectors*(classes-1))
	for _, p := range jobs.list {
		all := p.solutions[c].coefficients
		n := len(used[p.first])
		fill(m.Coefficients[(p.second-1)*vectors+starts[p.first]:], all[:n], used[p.first])
		fill(m.Coefficients[p.first*vectors+starts[p.second]:], all[n:], used[p.second])
	}
	return m
}

// fill copies the values that are used to the beginning of out.
func fill(out, values []float64, used []bool) {
	k := 0
	for i, v := range values {
		if used[i] {
			out[k] = v
			k++
		}
	}
}
