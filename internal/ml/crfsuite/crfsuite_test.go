package crfsuite

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/internal/ml/weights"
)

type item map[string]float64

type testCase struct {
	Name    string
	Options struct {
		C1, C2        float64
		MaxIterations int `json:"max_iterations"`
	}
	Train     [][2]json.RawMessage
	Losses    []float64
	Labels    []string
	Test      [][]item
	Tags      [][]string
	Marginals [][][]float64
}

func recorded(t *testing.T) (cases []testCase) {
	t.Helper()
	data, err := os.ReadFile("testdata/crfsuite.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &cases))
	return cases
}

func (c *testCase) data(t *testing.T) *Data {
	t.Helper()
	d := NewData()
	for _, pair := range c.Train {
		var items []item
		var labels []string
		require.NoError(t, json.Unmarshal(pair[0], &items))
		require.NoError(t, json.Unmarshal(pair[1], &labels))
		for i, it := range items {
			it.write(d)
			d.EndToken(labels[i])
		}
		d.EndSequence()
	}
	d.EndSequence()
	return d
}

func (it item) write(s Sink) {
	for _, name := range slices.Sorted(maps.Keys(it)) {
		s.Attribute([]byte(name), it[name])
	}
}

func (c *testCase) params() Params {
	return Params{L1: c.Options.C1, L2: c.Options.C2, MaxIterations: c.Options.MaxIterations}
}

// TestLikeCRFsuite compares with what testdata/record.py recorded.
func TestLikeCRFsuite(t *testing.T) {
	for _, c := range recorded(t) {
		t.Run(c.Name, func(t *testing.T) {
			p := c.params()
			step := 0
			p.Progress = func(iteration int, objective float64) {
				step++
				require.Equal(t, step, iteration)
				require.InDelta(t, c.Losses[step-1], objective, 2e-6, "step %d", step)
			}
			m, err := Train(context.Background(), c.data(t), p)
			require.NoError(t, err)
			require.Equal(t, len(c.Losses), step)
			require.Equal(t, c.Labels, m.Labels())
			set := weights.New()
			require.NoError(t, m.Put(set, "x/"))
			stored, err := ReadModel(set, "x/")
			require.NoError(t, err)
			for _, model := range []*Model{m, stored} {
				for i, items := range c.Test {
					s := model.Sequence(len(items))
					for _, it := range items {
						it.write(s)
						s.EndToken()
					}
					require.Equal(t, c.Tags[i], s.Best())
					for k, row := range s.Marginals() {
						require.InDeltaSlice(t, c.Marginals[i][k], row, 1e-6)
					}
					s.Release()
				}
			}
		})
	}
}

// TestGradient compares the gradient with differences of the objective, for two ways of multiplying.
func TestGradient(t *testing.T) {
	c := recorded(t)[1]
	d := c.data(t)
	f := generate(d)
	o := newObjective(context.Background(), d, f, 0.3)
	random := rand.New(rand.NewPCG(1, 2))
	w := make([]float64, f.count())
	for i := range w {
		w[i] = random.NormFloat64()
	}
	g, unused := make([]float64, len(w)), make([]float64, len(w))
	o.value(w, g)
	const h = 1e-5
	for i, old := range w {
		w[i] = old + h
		above := o.value(w, unused)
		w[i] = old - h
		below := o.value(w, unused)
		w[i] = old
		require.InDelta(t, (above-below)/(2*h), g[i], 1e-4, "weight %d", i)
	}
}

func TestSameOnAnyNumberOfProcessors(t *testing.T) {
	c := recorded(t)[0]
	var first *Model
	for _, n := range []int{1, 2, 3} {
		before := runtime.GOMAXPROCS(n)
		m, err := Train(context.Background(), c.data(t), c.params())
		runtime.GOMAXPROCS(before)
		require.NoError(t, err)
		if first == nil {
			first = m
		}
		require.Equal(t, first.weights, m.weights)
		require.Equal(t, first.pairs, m.pairs)
	}
}

func TestMultiply(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	numbers := func(n int) []float64 {
		out := make([]float64, n)
		for i := range out {
			out[i] = random.NormFloat64()
		}
		return out
	}
	for _, c := range []struct{ m, n, depth int }{{4, 12, 1}, {12, 24, 7}, {24, 36, 12}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			a, b, start := numbers(c.m*c.depth), numbers(c.depth*c.n), numbers(c.m*c.n)
			for _, op := range []operand{{a, c.depth, 1}, {a, 1, c.m}} {
				for _, add := range []bool{false, true} {
					want, got := slices.Clone(start), slices.Clone(start)
					multiplyGo(op, b, want, c.m, c.n, c.depth, add)
					multiply(op, b, got, c.m, c.n, c.depth, add)
					require.InDeltaSlice(t, want, got, 1e-12)
				}
			}
		})
	}
}

func TestExp(t *testing.T) {
	var x []float64
	for i := -2800; i < 2800; i++ {
		x = append(x, float64(i)*0.2503)
	}
	got := slices.Clone(x)
	expInPlace(got)
	for i, v := range x {
		require.InEpsilon(t, math.Exp(v), got[i], 4e-16, "e to %v", v)
	}
}

func TestTrainStops(t *testing.T) {
	c := recorded(t)[1]
	ctx, cancel := context.WithCancel(context.Background())
	p := c.params()
	p.Progress = func(iteration int, _ float64) {
		if iteration == 3 {
			cancel()
		}
	}
	_, err := Train(ctx, c.data(t), p)
	require.ErrorIs(t, err, context.Canceled)
}

func TestTrainRefuses(t *testing.T) {
	_, err := Train(context.Background(), NewData(), Params{})
	require.ErrorContains(t, err, "no sequences")
}

func TestReadModelRefuses(t *testing.T) {
	c := recorded(t)[0]
	m, err := Train(context.Background(), c.data(t), c.params())
	require.NoError(t, err)
	for _, tc := range []struct {
		name   string
		damage func(set *weights.Set) error
		want   string
	}{
		{"nothing", func(set *weights.Set) error { *set = *weights.New(); return nil }, "labels"},
		{"label", func(set *weights.Set) error {
			return set.PutInt32("targets", slices.Repeat([]int32{9}, len(m.weights)), len(m.weights))
		}, "there is no label 9"},
		{"parts", func(set *weights.Set) error {
			return set.PutInt32("starts", make([]int32, len(m.starts)), len(m.starts))
		}, "does not divide"},
		{"strings", func(set *weights.Set) error { return set.PutInt32("labels.ends", []int32{1, 2, 3, 4, 99}, 5) }, "ends at 99"},
		{"shape", func(set *weights.Set) error { return set.PutFloat64("pairs", make([]float64, 9), 3, 3) }, "pairs"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			set := weights.New()
			require.NoError(t, m.Put(set, ""))
			require.NoError(t, tc.damage(set))
			_, err := ReadModel(set, "")
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestEmptySequence(t *testing.T) {
	c := recorded(t)[0]
	m, err := Train(context.Background(), c.data(t), c.params())
	require.NoError(t, err)
	s := m.Sequence(0)
	require.Empty(t, s.Marginals())
	require.Empty(t, s.Best())
	s.Release()
}
