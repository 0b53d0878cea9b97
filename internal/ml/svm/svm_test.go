package svm

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

type recording struct {
	Cases []struct {
		Name    string
		Options struct {
			Kernel   string
			C, Gamma float64
			Seed     uint32
		}
		X, Tests                 [][]float64
		Y, Votes, Counts         []int
		Decisions, Probabilities [][]float64
	}
	Searches []struct {
		Name string
		Grid struct {
			C      []float64
			Gamma  []any
			Kernel []string
		}
		Folds     int
		X         [][]float64
		Y         []int
		TestFolds []int `json:"test_folds"`
		Best      struct {
			C      float64
			Gamma  any
			Kernel string
		}
		Scores []float64
	}
}

func recorded(t *testing.T) (r recording) {
	t.Helper()
	data, err := os.ReadFile("testdata/sklearn.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &r))
	return r
}

// TestLikeSklearn compares with what testdata/record.py recorded, on one processor and several.
func TestLikeSklearn(t *testing.T) {
	for _, c := range recorded(t).Cases {
		t.Run(c.Name, func(t *testing.T) {
			classes := slices.Max(c.Y) + 1
			params := Params{
				Kernel:      Kernel{Name: c.Options.Kernel, Gamma: c.Options.Gamma, Degree: 3},
				Probability: true, Seed: c.Options.Seed,
			}
			p := &Problem{X: c.X, Y: c.Y, Weights: Balanced(c.Y, classes)}
			var first *Model
			for _, n := range []int{1, 3} {
				before := runtime.GOMAXPROCS(n)
				models, err := Train(context.Background(), p, params, c.Options.C, 2)
				runtime.GOMAXPROCS(before)
				require.NoError(t, err)
				m := models[0]
				require.NoError(t, m.Check())
				require.Equal(t, c.Counts, m.Counts)
				for i, x := range c.Tests {
					require.InDeltaSlice(t, c.Decisions[i], m.Decisions(x), 1e-4)
					require.InDeltaSlice(t, c.Probabilities[i], m.Probabilities(x), 1e-4)
					require.Equal(t, c.Votes[i], m.Vote(m.Decisions(x)))
				}
				if first == nil {
					first = m
				}
				require.Equal(t, first, m)
			}
		})
	}
}

func TestSearchLikeSklearn(t *testing.T) {
	for _, c := range recorded(t).Searches {
		t.Run(c.Name, func(t *testing.T) {
			classes := slices.Max(c.Y) + 1
			folds, err := stratified(c.Y, c.Folds, classes)
			require.NoError(t, err)
			require.Equal(t, c.TestFolds, folds)
			s := &Search{Cs: c.Grid.C, Folds: c.Folds, Score: Scores["f1_weighted"]}
			for _, gamma := range c.Grid.Gamma {
				for _, name := range c.Grid.Kernel {
					k := Kernel{Name: name, Degree: 3}
					k.Rule, _ = gamma.(string)
					k.Gamma, _ = gamma.(float64)
					s.Kernels = append(s.Kernels, k)
				}
			}
			scores, err := s.scores(context.Background(), c.X, c.Y, folds)
			require.NoError(t, err)
			require.InDeltaSlice(t, c.Scores, slices.Concat(scores...), 1e-9)
			m, best, err := s.Run(context.Background(), c.X, c.Y, classes)
			require.NoError(t, err)
			require.Equal(t, c.Best.C, best.C)
			require.Equal(t, c.Best.Kernel, best.Kernel.Name)
			require.NotNil(t, m.A)
		})
	}
}

func TestRefusals(t *testing.T) {
	x := [][]float64{{1}, {2}, {3}}
	for _, c := range []struct {
		name    string
		y       []int
		weights []float64
		kernel  string
		want    string
	}{
		{"one class", []int{0, 0, 0}, []float64{1}, "linear", "at least two classes"},
		{"empty class", []int{0, 0, 1}, []float64{1, 1, 1}, "linear", "class 2 has no examples"},
		{"number of class", []int{0, 5, 1}, []float64{1, 1}, "linear", "example 1 has class 5"},
		{"kernel", []int{0, 1, 1}, []float64{1, 1}, "round", `kernel "round"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Train(context.Background(), &Problem{X: x, Y: c.y, Weights: c.weights}, Params{Kernel: Kernel{Name: c.kernel}}, 1)
			require.ErrorContains(t, err, c.want)
		})
	}
	s := &Search{Kernels: []Kernel{{Name: "linear"}}, Cs: []float64{1}, Folds: 2}
	_, _, err := s.Run(context.Background(), x[:2], []int{0, 1}, 2)
	require.ErrorContains(t, err, "2 folds")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = Train(ctx, &Problem{X: x, Y: []int{0, 1, 1}, Weights: []float64{1, 1}}, Params{Kernel: Kernel{Name: "linear"}}, 1)
	require.ErrorIs(t, err, context.Canceled)
}

func TestCheck(t *testing.T) {
	good := func() *Model {
		return &Model{Kernel: Kernel{Name: "linear"}, Classes: 2, Features: 2, Vectors: make([]float64, 6), Counts: []int{1, 2},
			Coefficients: make([]float64, 3), Rho: []float64{0}, A: []float64{1}, B: []float64{0}}
	}
	require.NoError(t, good().Check())
	for want, damage := range map[string]func(m *Model){
		"kernel":                func(m *Model) { m.Kernel.Name = "" },
		"classes":               func(m *Model) { m.Classes = 1; m.Rho = nil },
		"counts":                func(m *Model) { m.Counts = []int{3} },
		"-1 support vectors":    func(m *Model) { m.Counts = []int{4, -1} },
		"numbers are not":       func(m *Model) { m.Vectors = m.Vectors[1:] },
		"coefficients":          func(m *Model) { m.Coefficients = nil },
		"thresholds":            func(m *Model) { m.Rho = nil },
		"parameters of sigmoid": func(m *Model) { m.B = nil },
	} {
		m := good()
		damage(m)
		require.ErrorContains(t, m.Check(), want)
	}
}

// TestTwister compares with the 10,000th number that the C++ standard names.
func TestTwister(t *testing.T) {
	r := newTwister(5489)
	for range 9999 {
		r.next()
	}
	require.EqualValues(t, 4123659995, r.next())
}

func TestScores(t *testing.T) {
	truth, predicted := []int{0, 0, 1, 1, 2, 2}, []int{0, 1, 1, 1, 3, 2}
	// From sklearn.metrics of scikit-learn 1.1.3.
	for name, want := range map[string]float64{
		"accuracy": 0.6666666667, "balanced_accuracy": 0.6666666667, "f1_macro": 0.5333333333, "f1_micro": 0.6666666667,
		"f1_weighted": 0.7111111111, "precision_macro": 0.6666666667, "precision_weighted": 0.8888888889,
		"recall_macro": 0.5, "recall_weighted": 0.6666666667, "precision_micro": 0.6666666667, "recall_micro": 0.6666666667,
		"jaccard_macro": 0.4166666667,
	} {
		require.InDelta(t, want, Scores[name](truth, predicted), 1e-9, name)
	}
	require.False(t, math.IsNaN(Scores["f1_weighted"](nil, nil)))
}

func TestDot(t *testing.T) {
	for _, n := range []int{0, 3, 16, 37, 384} {
		a, b := make([]float64, n), make([]float64, n)
		for i := range n {
			a[i], b[i] = math.Sin(float64(i)), math.Cos(float64(3*i))
		}
		require.InDelta(t, dotGo(a, b), dot(a, b), 1e-12)
	}
}
