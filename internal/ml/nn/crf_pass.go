package nn

import (
	"math"
	"slices"

	"github.com/parleybot/parley/internal/ml/f32"
)

// farBelow is how far below the largest a logit may count: so probabilities of float32 never become zero altogether.
const farBelow = 60

// crfPass is one evaluation of the loss, in probabilities that are brought to a sum of 1 at every row: the forward-backward
// algorithm (Rabiner 1989). All sequences advance together, the longest first, so that a step is one product of matrices:
// block k of unary and alpha has a row for each of the sequences that are longer than k.
type crfPass struct {
	*CRF
	logits  f32.Mat
	offsets Offsets
	tags    []int
	// order lists the sequences by length, block says where each step's rows begin.
	order, block []int
	// factors are the exponentials of the transitions.
	factors f32.Mat
	// unary are the exponentials of the logits less their maximum, alpha the forward probabilities.
	unary, alpha f32.Mat
	// beta and next are the backward probabilities of a step and of the one before.
	beta, next f32.Mat
}

func (c *CRF) newPass(t *Tape, logits *Tensor, offsets Offsets, tags []int) *crfPass {
	room := func(rows int) f32.Mat { return f32.Wrap(rows, c.Tags, t.room(rows*c.Tags)) }
	n := offsets.Len()
	w := &crfPass{CRF: c, logits: logits.Mat, offsets: offsets, tags: tags, order: t.indices.take(n),
		block: t.indices.take(offsets.MaxLen() + 1), factors: f32.Wrap(c.Tags, c.Tags, t.floats.take(c.Tags*c.Tags)),
		unary: room(logits.Rows), alpha: room(logits.Rows), beta: room(n), next: room(n)}
	for i := range w.order {
		w.order[i] = i
	}
	slices.SortStableFunc(w.order, func(a, b int) int { return w.length(b) - w.length(a) })
	w.block[0] = 0
	for k := range offsets.MaxLen() {
		active := 0
		for active < n && w.length(w.order[active]) > k {
			active++
		}
		w.block[k+1] = w.block[k] + active
	}
	for i, x := range c.transitions.Value {
		w.factors.Data[i] = min(max(x, -farBelow), farBelow)
	}
	f32.Exp(w.factors.Data, w.factors.Data)
	return w
}

func (w *crfPass) length(s int) int { return w.offsets[s+1] - w.offsets[s] }

// at returns the rows of step k in m, which lies as alpha does.
func (w *crfPass) at(m f32.Mat, k int) f32.Mat { return m.SliceRows(w.block[k], w.block[k+1]) }

// forward fills alpha and sets losses to the negative log-likelihood of each sequence's tags.
func (w *crfPass) forward(losses []float32) {
	clear(losses)
	for k := range len(w.block) - 1 {
		alpha, unary := w.at(w.alpha, k), w.at(w.unary, k)
		if k > 0 {
			f32.MatMul(alpha, w.at(w.alpha, k-1).SliceRows(0, alpha.Rows), w.factors, false)
		}
		for i := range alpha.Rows {
			s := w.order[i]
			r := w.offsets[s] + k
			highest := w.exponentials(unary.Row(i), w.logits.Row(r))
			row := alpha.Row(i)
			if k == 0 {
				copy(row, unary.Row(i))
			} else {
				f32.Mul(row, row, unary.Row(i))
				losses[s] -= w.transitions.Value[w.tags[r-1]*w.Tags+w.tags[r]]
			}
			losses[s] += highest - w.logits.At(r, w.tags[r]) + float32(math.Log(float64(scaled(row))))
		}
	}
}

// exponentials sets dst to the exponentials of row less its maximum, which it returns.
func (w *crfPass) exponentials(dst, row []float32) float32 {
	highest := f32.Max(row)
	for j, x := range row {
		dst[j] = max(x-highest, -farBelow)
	}
	f32.Exp(dst, dst)
	return highest
}

// scaled divides x by its sum, which it returns.
func scaled(x []float32) float32 {
	total := f32.Sum(x)
	f32.Scale(x, 1/total, x)
	return total
}

// backward adds the gradients: the expected less the observed counts.
func (w *crfPass) backward(t *Tape, logits *Tensor, scale []float32) {
	var dLogits f32.Mat
	if logits.needs {
		dLogits = t.zeroGradOf(logits)
	}
	// pairs gathers the expected counts of transitions, without their factors.
	pairs, room := f32.Wrap(w.Tags, w.Tags, t.room(w.Tags*w.Tags)), t.floats.take(w.Tags)
	pairs.Zero()
	known := 0
	for k := len(w.block) - 2; k >= 0; k-- {
		active := w.block[k+1] - w.block[k]
		beta := w.beta.SliceRows(0, active)
		for ; known < active; known++ {
			row := beta.Row(known)
			for j := range row {
				row[j] = 1
			}
		}
		if logits.needs {
			w.rowGradients(dLogits, k, beta, room, scale)
		}
		if k > 0 {
			w.stepBack(k, beta, pairs, scale)
		}
	}
	if w.transitions.grad != nil {
		w.transitionGradient(pairs, scale)
	}
	t.spares.put(pairs.Data)
}

// rowGradients adds the gradients of the logits of step k.
func (w *crfPass) rowGradients(dLogits f32.Mat, k int, beta f32.Mat, room, scale []float32) {
	alpha := w.at(w.alpha, k)
	for i := range alpha.Rows {
		s := w.order[i]
		r := w.offsets[s] + k
		f32.Mul(room, alpha.Row(i), beta.Row(i))
		d := dLogits.Row(r)
		f32.Axpy(d, scale[s]/f32.Sum(room), room)
		d[w.tags[r]] -= scale[s]
	}
}

// stepBack goes from the backward probabilities of step k to those of the step before, and adds the counts of the transitions
// between the two.
func (w *crfPass) stepBack(k int, beta, pairs f32.Mat, scale []float32) {
	unary, before, next := w.at(w.unary, k), w.at(w.alpha, k-1).SliceRows(0, beta.Rows), w.next.SliceRows(0, beta.Rows)
	for i := range beta.Rows {
		row := beta.Row(i)
		f32.Mul(row, row, unary.Row(i))
		scaled(row)
	}
	f32.MatMulT(next, beta, w.factors, false)
	for i := range beta.Rows {
		row := before.Row(i)
		f32.Scale(row, 1/f32.Dot(row, next.Row(i)), row)
		f32.Scale(beta.Row(i), scale[w.order[i]], beta.Row(i))
		scaled(next.Row(i))
	}
	f32.MatTMul(pairs, before, beta, true)
	w.beta, w.next = w.next, w.beta
}

func (w *crfPass) transitionGradient(pairs f32.Mat, scale []float32) {
	g := w.transitions.gradient()
	f32.MulAdd(g, pairs.Data, w.factors.Data)
	for s := range w.offsets.Len() {
		from, to := w.offsets.Bounds(s)
		for r := from + 1; r < to; r++ {
			g[w.tags[r-1]*w.Tags+w.tags[r]] -= scale[s]
		}
	}
}
