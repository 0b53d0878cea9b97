package nn

import (
	"math"

	"github.com/parleybot/parley/internal/ml/f32"
)

func attendBack(t *Tape, n *node) {
	a := n.layer.(*Attention)
	w := attending{Attention: a, q: n.a.Mat, k: n.b.Mat, v: n.c.Mat, out: n.out.Mat, offsets: n.sequences, queries: n.offsets,
		positions: n.rows, weights: n.floats, start: n.starts, relative: n.more, dOut: n.out.grad}
	w.dq, w.dk, w.dv = t.zeroGradOf(n.a), t.zeroGradOf(n.b), t.zeroGradOf(n.c)
	w.scratch = t.room(len(w.weights))
	w.each((*attending).backward)
	t.spares.put(w.scratch)
}

func (w *attending) backward(s int) {
	if w.queries[s] == w.queries[s+1] {
		return
	}
	scale := float32(1 / math.Sqrt(float64(w.depth)))
	for h := range w.Heads {
		weights, d := w.block(w.weights, s, h), w.block(w.scratch, s, h)
		dOut := w.head(w.dOut, w.queries, s, h)
		f32.MatMulT(d, dOut, w.head(w.v, w.offsets, s, h), false)
		if w.ValueRelative {
			w.valueDistancesBack(s, h, d, weights, dOut)
		}
		f32.MatTMul(w.head(w.dv, w.offsets, s, h), weights, dOut, true)
		f32.SoftmaxGrad(d, weights, d)
		f32.Scale(d.Elements(), scale, d.Elements())
		q, dq := w.head(w.q, w.queries, s, h), w.head(w.dq, w.queries, s, h)
		f32.MatMul(dq, d, w.head(w.k, w.offsets, s, h), true)
		f32.MatTMul(w.head(w.dk, w.offsets, s, h), d, q, true)
		if w.KeyRelative {
			w.keyDistancesBack(s, h, d, q, dq)
		}
	}
}
