package nn

import (
	"math"

	"github.com/parleybot/parley/internal/ml/f32"
)

// LossOptions are those of layers.py DotProductLoss and its children.
type LossOptions struct {
	// Negatives is how many examples are drawn for each row.
	Negatives int
	// Cosine compares directions; otherwise the inner product counts.
	Cosine bool
	// ScaleLoss makes what is already predicted well count less.
	ScaleLoss bool
	// ConstrainSimilarities adds a sigmoid term that bounds similarities. Only for cross entropy.
	ConstrainSimilarities bool
	// Margin is loss_type "margin"; otherwise it is "cross_entropy". Only for a single label, as what follows.
	Margin bool
	// MuPos is how similar the right label should be, MuNeg how similar a wrong one may be.
	MuPos, MuNeg float64
	// UseMaxNegative lets only the most similar wrong label count.
	UseMaxNegative bool
	// NegLambda is the weight of the similarities among labels and among inputs.
	NegLambda float64
}

// Similarities returns [a.Rows, b.Rows]: how similar each row of a is to each row of b.
func Similarities(t *Tape, a, b *Tensor, cosine bool) *Tensor {
	if cosine {
		a, b = normalize(t, a), normalize(t, b)
	}
	out := t.Tensor(a.Rows, b.Rows)
	f32.MatMulT(out.Mat, a.Mat, b.Mat, false)
	t.record(similaritiesBack, out, false, a, b)
	return out
}

func similaritiesBack(t *Tape, n *node) {
	if n.a.needs {
		dx, add := t.gradOf(n.a)
		f32.MatMul(dx, n.out.grad, n.b.Mat, add)
	}
	if n.b.needs {
		dx, add := t.gradOf(n.b)
		f32.MatTMul(dx, n.out.grad, n.a.Mat, add)
	}
}

// normalize returns the rows of x with length 1 (tf.nn.l2_normalize).
func normalize(t *Tape, x *Tensor) *Tensor {
	out := t.Tensor(x.Rows, x.Cols)
	inv := t.floats.take(x.Rows)
	f32.L2Normalize(out.Mat, x.Mat, 1e-12, inv)
	if n := t.record(normalizeBack, out, false, x); n != nil {
		n.floats = inv
	}
	return out
}

func normalizeBack(t *Tape, n *node) {
	f32.L2NormalizeGrad(n.out.grad, n.out.Mat, n.out.grad, n.floats)
	t.pass(n.out, n.a)
}

// scaleFactors sets factors to how much each loss counts (layers.py _scale_loss): less the better it is predicted, once
// anything is.
func scaleFactors(factors, losses []float32) {
	best := float32(0)
	for i, loss := range losses {
		p := float32(math.Exp(-float64(loss)))
		best = max(best, p)
		x := (1 - p) / 0.5
		factors[i] = x * x * x * x
	}
	if best > 0.5 {
		return
	}
	for i := range factors {
		factors[i] = 1
	}
}

// sigmoidLoss returns the cross entropy of sigmoid(x) with the label 0 or 1, and its derivative.
func sigmoidLoss(x, label float32) (loss, d float32) {
	e := math.Exp(-math.Abs(float64(x)))
	loss = max(x, 0) - x*label + float32(math.Log1p(e))
	p := 1 / (1 + e)
	if x < 0 {
		p = e / (1 + e)
	}
	return loss, float32(p) - label
}
