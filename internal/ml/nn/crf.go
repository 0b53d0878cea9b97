package nn

import (
	"math"

	"github.com/parleybot/parley/internal/ml/f32"
)

// CRF is a linear-chain conditional random field over the rows of sequences, without states for start and end
// (layers.py CRF, crf.py). Its variable is path/transitions: [from, to].
type CRF struct {
	transitions *Variable
	scaleLoss   bool
	// Tags is the number of tags.
	Tags int
}

// NewCRF creates or reads the layer at path.
func NewCRF(p *Params, path string, tags int, l2 float64, scaleLoss bool) *CRF {
	return &CRF{transitions: p.variable(path+"/transitions", glorot, l2, tags, tags), scaleLoss: scaleLoss, Tags: tags}
}

// Transitions returns the score of each tag (column) after each other (row).
func (c *CRF) Transitions() f32.Mat { return c.transitions.mat() }

// Loss returns the negative log-likelihood of tags, one a row of logits, as a mean over the sequences, and puts the gradient
// into logits.
func (c *CRF) Loss(t *Tape, logits *Tensor, offsets Offsets, tags []int) float32 {
	n := offsets.Len()
	if n == 0 {
		return 0
	}
	size := logits.Rows * c.Tags
	w := crfPass{CRF: c, logits: logits.Mat, tags: tags, alpha: t.doubles.take(size), unary: t.doubles.take(size),
		factors: t.doubles.take(c.Tags * c.Tags), scales: t.doubles.take(logits.Rows), beta: t.doubles.take(2 * c.Tags),
		pairs: t.doubles.take(c.Tags * c.Tags)}
	for i, x := range c.transitions.Value {
		w.factors[i] = math.Exp(float64(x))
	}
	losses, scale := t.floats.take(n), t.floats.take(n)
	for s := range n {
		from, to := offsets.Bounds(s)
		losses[s] = float32(w.forward(from, to))
		scale[s] = 1
	}
	if c.scaleLoss {
		scaleFactors(scale, losses)
	}
	var loss float32
	for s, x := range losses {
		scale[s] /= float32(n)
		loss += scale[s] * x
	}
	if t.training && (logits.needs || c.transitions.grad != nil) {
		w.backward(t, logits, offsets, scale)
	}
	return loss
}

// crfPass is one evaluation of the loss, in probabilities that are brought to a sum of 1 at every row: the forward-backward
// algorithm (Rabiner 1989).
type crfPass struct {
	*CRF
	logits f32.Mat
	tags   []int
	// factors are the exponentials of the transitions.
	factors []float64
	// alpha are the forward probabilities, unary the exponentials of the logits less their maximum, scales the sums that
	// alpha was divided by.
	alpha, unary, scales []float64
	beta, pairs          []float64
}

// forward fills alpha for one sequence and returns the negative log-likelihood of its tags.
func (w *crfPass) forward(from, to int) float64 {
	n := w.Tags
	var norm, score float64
	for r := from; r < to; r++ {
		row, alpha, unary := w.logits.Row(r), w.alpha[r*n:(r+1)*n], w.unary[r*n:(r+1)*n]
		highest := float64(f32.Max(row))
		for j, x := range row {
			unary[j] = math.Exp(float64(x) - highest)
		}
		if r == from {
			copy(alpha, unary)
		} else {
			clear(alpha)
			for i, before := range w.alpha[(r-1)*n : r*n] {
				for j, f := range w.factors[i*n : (i+1)*n] {
					alpha[j] += before * f
				}
			}
			for j := range alpha {
				alpha[j] *= unary[j]
			}
			score += float64(w.transitions.Value[w.tags[r-1]*n+w.tags[r]])
		}
		w.scales[r] = scaled(alpha)
		norm += highest + math.Log(w.scales[r])
		score += float64(row[w.tags[r]])
	}
	return norm - score
}

// scaled divides x by its sum, which it returns.
func scaled(x []float64) float64 {
	total := 0.0
	for _, v := range x {
		total += v
	}
	total = max(total, math.SmallestNonzeroFloat64)
	for j := range x {
		x[j] /= total
	}
	return total
}

// backward adds the gradients: the expected less the observed counts.
func (w *crfPass) backward(t *Tape, logits *Tensor, offsets Offsets, scale []float32) {
	var dLogits f32.Mat
	if logits.needs {
		dLogits = t.zeroGradOf(logits)
	}
	clear(w.pairs)
	n := w.Tags
	beta, next := w.beta[:n], w.beta[n:]
	for s := range offsets.Len() {
		from, to := offsets.Bounds(s)
		for j := range beta {
			beta[j] = 1
		}
		for r := to - 1; r >= from; r-- {
			if logits.needs {
				w.rowGradient(dLogits.Row(r), r, beta, float64(scale[s]))
			}
			if r == from {
				break
			}
			w.pairGradient(r, beta, next, float64(scale[s]))
			beta, next = next, beta
		}
	}
	if w.transitions.grad == nil {
		return
	}
	g := w.transitions.gradient()
	for i, x := range w.pairs {
		g[i] += float32(x)
	}
}

func (w *crfPass) rowGradient(d []float32, r int, beta []float64, scale float64) {
	n := w.Tags
	alpha := w.alpha[r*n : (r+1)*n]
	total := 0.0
	for j, a := range alpha {
		total += a * beta[j]
	}
	for j, a := range alpha {
		d[j] += float32(scale * a * beta[j] / total)
	}
	d[w.tags[r]] -= float32(scale)
}

// pairGradient adds the counts of the transitions to row r, and sets next to the backward probabilities of the row before.
func (w *crfPass) pairGradient(r int, beta, next []float64, scale float64) {
	n := w.Tags
	before, unary := w.alpha[(r-1)*n:r*n], w.unary[r*n:(r+1)*n]
	for j := range beta {
		beta[j] *= unary[j]
	}
	total := 0.0
	for i := range next {
		next[i] = 0
		for j, f := range w.factors[i*n : (i+1)*n] {
			next[i] += f * beta[j]
		}
		total += before[i] * next[i]
	}
	for i, a := range before {
		share := scale * a / total
		for j, f := range w.factors[i*n : (i+1)*n] {
			w.pairs[i*n+j] += share * f * beta[j]
		}
	}
	w.pairs[w.tags[r-1]*n+w.tags[r]] -= scale
	scaled(next)
}
