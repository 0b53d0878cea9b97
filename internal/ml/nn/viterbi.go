package nn

import "github.com/parleybot/parley/internal/ml/f32"

// Decode sets tags to the most likely tags of every sequence of logits, one a row, and confidences to what crf.py
// crf_decode takes for their confidence. That isn't quite one: it follows back the scores with a score where the number
// of a tag belongs, so that all but the last two rows of a sequence get the score of tag 0, or of tag 1 after a score of 1.
func (c *CRF) Decode(t *Tape, logits *Tensor, offsets Offsets, tags []int, confidences []float32) {
	n := c.Tags
	backpointers, scores := t.indices.take(logits.Rows*n), t.floats.take(logits.Rows*n)
	state, sums, column := t.floats.take(n), t.floats.take(n), t.floats.take(n)
	for s := range offsets.Len() {
		from, to := offsets.Bounds(s)
		if from == to {
			continue
		}
		copy(state, logits.Row(from))
		for r := from + 1; r < to; r++ {
			c.advance(state, sums, column, logits.Row(r), backpointers[r*n:(r+1)*n], scores[r*n:(r+1)*n])
		}
		tag := argmax(state)
		tags[to-1], confidences[to-1] = tag, c.certainty(column, state)
		followed := tag
		for r := to - 1; r > from; r-- {
			tag = backpointers[r*n+tag]
			score := scores[r*n+followed]
			tags[r-1], confidences[r-1] = tag, score
			followed = int(score)
		}
	}
}

// advance moves state, the best score of a sequence that ends with each tag, over a row of logits.
func (c *CRF) advance(state, next, column, row []float32, backpointers []int, scores []float32) {
	n := c.Tags
	for j := range n {
		for i := range n {
			column[i] = state[i] + c.transitions.Value[i*n+j]
		}
		best := argmax(column)
		backpointers[j] = best
		next[j] = row[j] + column[best]
		scores[j] = c.certainty(column, column)
	}
	copy(state, next)
}

// certainty returns the largest element of the soft-max of x; room has its length and may be x.
func (c *CRF) certainty(room, x []float32) float32 {
	f32.SoftmaxRow(room, x)
	return f32.Max(room)
}

// argmax returns the index of the largest element, the first one when there are several.
func argmax(x []float32) int {
	best := 0
	for i, v := range x {
		if v > x[best] {
			best = i
		}
	}
	return best
}

// F1 counts how well tags are predicted; tag 0 stands for none (metrics.py F1Score, micro average).
type F1 struct{ truePositives, falsePositives, falseNegatives int }

// Add counts one prediction.
func (f *F1) Add(tag, predicted int) {
	switch {
	case tag == predicted && tag != 0:
		f.truePositives++
	case tag != predicted:
		if predicted != 0 {
			f.falsePositives++
		}
		if tag != 0 {
			f.falseNegatives++
		}
	}
}

// Score returns the harmonic mean of precision and recall, 0 when nothing was right.
func (f *F1) Score() float64 {
	if f.truePositives == 0 {
		return 0
	}
	return 2 * float64(f.truePositives) / float64(2*f.truePositives+f.falsePositives+f.falseNegatives)
}
