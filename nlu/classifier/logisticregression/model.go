package logisticregression

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/ml"
)

// model holds a multinomial model, or one logistic model for each class (for the second of two only).
type model struct {
	// classes are sorted.
	classes   []string
	features  int
	oneVsRest bool
	parts     []*ml.Softmax
}

func (p *model) fit(ctx context.Context, x *ml.Sparse, y []int, c *Classifier) (converged bool, err error) {
	optimizer := ml.LBFGS{MaxIterations: c.MaxIter, GradientTolerance: c.Tol}
	if c.Solver != "lbfgs" {
		// The other solvers count iterations of another kind; what matters is their minimum.
		optimizer = ml.LBFGS{MaxIterations: 1000, GradientTolerance: c.Tol}
	}
	if !p.oneVsRest {
		m := ml.NewSoftmax(x.Cols, len(p.classes))
		p.parts = []*ml.Softmax{m}
		r, err := m.Fit(ctx, x, y, scaled(balanced(y, len(p.classes)), c.C), optimizer)
		return r.Converged, err
	}
	positives := []int{1}
	if len(p.classes) > 2 {
		positives = make([]int, len(p.classes))
		for k := range positives {
			positives[k] = k
		}
	}
	converged = true
	classWeights := balancedClasses(y, len(p.classes))
	for _, k := range positives {
		target := make([]int, len(y))
		for i := range y {
			if y[i] == k {
				target[i] = 1
			}
		}
		weights := balanced(target, 2)
		rows := x
		if c.Solver == "liblinear" {
			weights = liblinearWeights(target, classWeights, k)
			rows = withConstant(x)
		}
		weights = scaled(weights, c.C)
		m := ml.NewSoftmax(rows.Cols, 1)
		p.parts = append(p.parts, m)
		var r ml.Result
		if c.Solver == "liblinear" {
			r, err = m.FitWithoutBias(ctx, rows, target, weights, optimizer)
			m.Bias[0] = m.Weights[x.Cols]
			m.Weights, m.Features = m.Weights[:x.Cols], x.Cols
		} else {
			r, err = m.Fit(ctx, rows, target, weights, optimizer)
		}
		if err != nil {
			return false, err
		}
		converged = converged && r.Converged
	}
	return converged, nil
}

// balancedClasses weighs the classes against their frequency (class_weight="balanced").
func balancedClasses(y []int, classes int) []float64 {
	counts := make([]float64, classes)
	for _, k := range y {
		counts[k]++
	}
	for k, n := range counts {
		counts[k] = float64(len(y)) / (float64(classes) * n)
	}
	return counts
}

func balanced(y []int, classes int) []float64 {
	weights := balancedClasses(y, classes)
	out := make([]float64, len(y))
	for i, k := range y {
		out[i] = weights[k]
	}
	return out
}

// scaled multiplies the weights of examples in place: that is what scikit-learn's C does.
func scaled(weights []float64, factor float64) []float64 {
	for i := range weights {
		weights[i] *= factor
	}
	return weights
}

// liblinearWeights weighs the examples of class k, and with two classes those of the other; the rest of several classes
// counts once.
func liblinearWeights(target []int, classes []float64, k int) []float64 {
	rest := 1.0
	if len(classes) == 2 {
		rest = classes[1-k]
	}
	out := make([]float64, len(target))
	for i, t := range target {
		out[i] = rest
		if t == 1 {
			out[i] = classes[k]
		}
	}
	return out
}

// withConstant adds a column of ones: liblinear's intercept is a weight like the others.
func withConstant(x *ml.Sparse) *ml.Sparse {
	out := ml.NewSparse(x.Cols+1, x.Rows, len(x.Val)+x.Rows)
	for i := range x.Rows {
		cols, vals := x.Row(i)
		out.Col, out.Val = append(out.Col, cols...), append(out.Val, vals...)
		out.Add(x.Cols, 1)
		out.EndRow()
	}
	return out
}

// predict returns the probability of each class.
func (p *model) predict(cols []int32, vals []float64) []float64 {
	if !p.oneVsRest {
		scores := p.parts[0].Scores(cols, vals)
		ml.Probabilities(scores)
		return scores
	}
	out := make([]float64, len(p.classes))
	if len(p.parts) == 1 {
		out[1] = ml.Sigmoid(p.parts[0].Scores(cols, vals)[0])
		out[0] = 1 - out[1]
		return out
	}
	sum := 0.0
	for k, part := range p.parts {
		out[k] = ml.Sigmoid(part.Scores(cols, vals)[0])
		sum += out[k]
	}
	for k := range out {
		out[k] /= sum
	}
	return out
}

const (
	headerFile  = "logistic_regression.json"
	weightsFile = "weights.f64"
)

type header struct {
	Classes   []string `json:"classes"`
	Features  int      `json:"features"`
	OneVsRest bool     `json:"one_vs_rest"`
	Parts     int      `json:"parts"`
}

// Persist writes the model; an untrained classifier writes nothing.
func (c *Classifier) Persist(to component.Resource) error {
	if c.model == nil {
		return nil
	}
	p := c.model
	head, err := json.Marshal(header{p.classes, p.features, p.oneVsRest, len(p.parts)})
	if err != nil {
		return err
	}
	if err := to.Put(headerFile, head); err != nil {
		return err
	}
	var data []byte
	for _, part := range p.parts {
		for _, list := range [][]float64{part.Weights, part.Bias} {
			for _, v := range list {
				data = binary.LittleEndian.AppendUint64(data, math.Float64bits(v))
			}
		}
	}
	return to.Put(weightsFile, data)
}

// Load reads what Persist wrote.
func (c *Classifier) Load(from component.Resource) error {
	c.model = nil
	head, err := from.Get(headerFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var h header
	if err := json.Unmarshal(head, &h); err != nil {
		return fmt.Errorf("reading %s: %w", headerFile, err)
	}
	data, err := from.Get(weightsFile)
	if err != nil {
		return err
	}
	outputs := len(h.Classes)
	if h.OneVsRest {
		outputs = 1
	}
	if h.Features < 0 || h.Parts < 1 || len(h.Classes) < 2 || len(data) != 8*h.Parts*outputs*(h.Features+1) {
		return fmt.Errorf("reading %s: %d bytes do not fit %s", weightsFile, len(data), headerFile)
	}
	p := &model{classes: h.Classes, features: h.Features, oneVsRest: h.OneVsRest}
	for range h.Parts {
		part := ml.NewSoftmax(h.Features, outputs)
		for _, list := range [][]float64{part.Weights, part.Bias} {
			for i := range list {
				list[i] = math.Float64frombits(binary.LittleEndian.Uint64(data))
				data = data[8:]
			}
		}
		p.parts = append(p.parts, part)
	}
	c.model = p
	return nil
}
