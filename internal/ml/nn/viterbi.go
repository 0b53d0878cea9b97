package nn

import "github.com/parleybot/parley/internal/ml/f32"

// Decode sets tags to the most likely tags of every sequence of logits, one a row, and confidences to what crf.py
// crf_decode takes for their confidence. That isn't quite one: it follows back the scores with a score where the number
// of a tag belongs, so that all but the last two rows of a sequence get the score of tag 0, or of tag 1 after a score of 1.
func (c *CRF) Decode(t *Tape, logits *Tensor, offsets Offsets, tags []int, confidences []float32) {
	n := c.Tags
	// states has for each row the best score of a sequence that ends there with each tag, into a row for each tag what
	// it costs to come to it.
	states, into := f32.Wrap(logits.Rows, n, t.floats.take(logits.Rows*n)), f32.Wrap(n, n, t.floats.take(n*n))
	c.transitions.mat().Transpose(into)
	column := t.floats.take(n)
	for s := range offsets.Len() {
		from, to := offsets.Bounds(s)
		if from == to {
			continue
		}
		copy(states.Row(from), logits.Row(from))
		for r := from + 1; r < to; r++ {
			before, state := states.Row(r-1), states.Row(r)
			for j := range state {
				f32.Add(column, before, into.Row(j))
				state[j] = logits.At(r, j) + f32.Max(column)
			}
		}
		tag := argmax(states.Row(to - 1))
		tags[to-1], confidences[to-1] = tag, c.certainty(column, states.Row(to-1))
		followed := tag
		for r := to - 1; r > from; r-- {
			f32.Add(column, states.Row(r-1), into.Row(tag))
			tag = argmax(column)
			f32.Add(column, states.Row(r-1), into.Row(followed))
			score := c.certainty(column, column)
			tags[r-1], confidences[r-1] = tag, score
			followed = int(score)
		}
	}
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
