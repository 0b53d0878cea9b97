package nn

import "github.com/parleybot/parley/internal/ml/f32"

// Relative attention (Shaw et al. 2018, arXiv:1803.02155; transformer.py MultiHeadAttention): the key or the value of a
// position is added a vector that depends on how far it is from the query.

// table returns the vectors of distances of one head.
func (a *Attention) table(of []float32, h int) f32.Mat {
	n := a.distances() * a.depth
	return f32.Wrap(a.distances(), a.depth, of[h*n:(h+1)*n])
}

// room returns a matrix with one row a query and one column a distance.
func (w *attending) room(queries int) f32.Mat {
	return f32.Wrap(queries, w.distances(), w.relative[:queries*w.distances()])
}

// visible returns how many keys the query at position i may see in relation to its distance.
func (w *attending) visible(i, length int) int {
	if w.Unidirectional {
		return min(i+1, length)
	}
	return length
}

func (w *attending) addKeyDistances(s, h int, logits, q f32.Mat) {
	products := w.room(q.Rows)
	f32.MatMulT(products, q, w.table(w.keyRelative.Value, h), false)
	for i := range logits.Rows {
		row, from, at := logits.Row(i), products.Row(i), w.position(s, i)
		for j := range w.visible(at, len(row)) {
			row[j] += from[w.distance(at, j)]
		}
	}
}

// gather sums the elements of every row by distance.
func (w *attending) gather(s int, of f32.Mat) f32.Mat {
	sums := w.room(of.Rows)
	sums.Zero()
	for i := range of.Rows {
		row, to, at := of.Row(i), sums.Row(i), w.position(s, i)
		for j := range w.visible(at, len(row)) {
			to[w.distance(at, j)] += row[j]
		}
	}
	return sums
}

func (w *attending) addValueDistances(s, h int, out, weights f32.Mat) {
	f32.MatMul(out, w.gather(s, weights), w.table(w.valueRelative.Value, h), true)
}

// keyDistancesBack takes the gradient of the unscaled logits.
func (w *attending) keyDistancesBack(s, h int, dLogits, q, dq f32.Mat) {
	sums := w.gather(s, dLogits)
	f32.MatMul(dq, sums, w.table(w.keyRelative.Value, h), true)
	if w.keyRelative.grad != nil {
		f32.MatTMul(w.table(w.keyRelative.gradient(), h), sums, q, true)
	}
}

// valueDistancesBack adds to the gradient of the attention weights.
func (w *attending) valueDistancesBack(s, h int, dWeights, weights, dOut f32.Mat) {
	if w.valueRelative.grad != nil {
		f32.MatTMul(w.table(w.valueRelative.gradient(), h), w.gather(s, weights), dOut, true)
	}
	products := w.room(dOut.Rows)
	f32.MatMulT(products, dOut, w.table(w.valueRelative.Value, h), false)
	for i := range dWeights.Rows {
		row, from, at := dWeights.Row(i), products.Row(i), w.position(s, i)
		for j := range w.visible(at, len(row)) {
			row[j] += from[w.distance(at, j)]
		}
	}
}
