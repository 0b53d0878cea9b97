package nn

import (
	"math"
	"slices"

	"github.com/parleybot/parley/internal/ml/f32"
)

// MultiLabelLoss compares each input with all of its labels and with labels drawn at random, some of which may be its own
// (layers.py MultiLabelDotProductLoss).
type MultiLabelLoss struct{ LossOptions }

// Forward returns loss and accuracy, and puts the gradient into inputs, labels and all. The labels of row i of inputs are the
// rows offsets[i] to offsets[i+1] of labels, their identities in ids; an input may have none. Labels are drawn from all, whose
// identities are allIDs.
func (l *MultiLabelLoss) Forward(t *Tape, inputs, labels *Tensor, ids []int, offsets Offsets, all *Tensor, allIDs []int) (
	loss, accuracy float32) {
	if inputs.Rows == 0 {
		return 0, 0
	}
	drawn := t.indices.take(inputs.Rows * l.Negatives)
	for i := range drawn {
		drawn[i] = t.random.IntN(all.Rows)
	}
	return l.forward(t, inputs, labels, ids, offsets, all, allIDs, drawn)
}

// forward is Forward with what was drawn.
func (l *MultiLabelLoss) forward(t *Tape, inputs, labels *Tensor, ids []int, offsets Offsets, all *Tensor, allIDs, drawn []int) (
	loss, accuracy float32) {
	if l.Cosine {
		inputs, labels, all = normalize(t, inputs), normalize(t, labels), normalize(t, all)
	}
	n, k := inputs.Rows, l.Negatives
	losses, d := t.floats.take(labels.Rows+n*k), t.floats.take(labels.Rows+n*k)
	scale := t.floats.take(len(losses))
	at := 0
	for i := range n {
		from, to := offsets.Bounds(i)
		right := 0
		compare := func(other []float32, label float32) {
			x := f32.Dot(inputs.Row(i), other)
			losses[at], d[at] = sigmoidLoss(x, label)
			if float32(math.RoundToEven(1/(1+math.Exp(-float64(x))))) == label {
				right++
			}
			at++
		}
		for r := from; r < to; r++ {
			compare(labels.Row(r), 1)
		}
		for _, c := range drawn[i*k : (i+1)*k] {
			label := float32(0)
			if slices.Contains(ids[from:to], allIDs[c]) {
				label = 1
			}
			compare(all.Row(c), label)
		}
		accuracy += float32(right) / float32(max(to-from+k, 1)*n)
	}
	l.scale(scale, losses)
	at = 0
	for i := range n {
		terms := offsets[i+1] - offsets[i] + k
		for range terms {
			scale[at] /= float32(terms * n)
			loss += losses[at] * scale[at]
			d[at] *= scale[at]
			at++
		}
	}
	if t.training {
		multiBack(t, inputs, labels, all, offsets, drawn, d)
	}
	return loss, accuracy
}

func (l *MultiLabelLoss) scale(factors, losses []float32) {
	if l.ScaleLoss {
		scaleFactors(factors, losses)
		return
	}
	for i := range factors {
		factors[i] = 1
	}
}

func multiBack(t *Tape, inputs, labels, all *Tensor, offsets Offsets, drawn []int, d []float32) {
	k := len(drawn) / inputs.Rows
	pull := func(i int, x *Tensor, row int, by float32) {
		if inputs.needs {
			f32.Axpy(t.zeroGradOf(inputs).Row(i), by, x.Row(row))
		}
		if x.needs {
			f32.Axpy(t.zeroGradOf(x).Row(row), by, inputs.Row(i))
		}
	}
	at := 0
	for i := range inputs.Rows {
		for r := offsets[i]; r < offsets[i+1]; r++ {
			pull(i, labels, r, d[at])
			at++
		}
		for _, c := range drawn[i*k : (i+1)*k] {
			pull(i, all, c, d[at])
			at++
		}
	}
}
