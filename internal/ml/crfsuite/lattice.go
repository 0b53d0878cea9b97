package crfsuite

import "math"

const (
	// lanes is how many sequences a lattice holds at most.
	lanes = 12
	// block is what the padded number of labels is a multiple of, rows what the number of lanes worked on is.
	block = 12
	rows  = 4
)

// padded is the number of labels with as many as are needed to fill blocks.
func padded(labels int) int { return (labels + block - 1) / block * block }

// transitions are weights of pairs of labels, [padded, padded], ready for the recursions.
type transitions struct {
	labels, padded int
	// exp is e to the weight, 0 in the padding; turned is its transpose.
	exp, turned []float64
}

func newTransitions(labels int) *transitions {
	p := padded(labels)
	return &transitions{labels: labels, padded: p, exp: make([]float64, p*p), turned: make([]float64, p*p)}
}

// set takes the weights, [labels, labels].
func (tr *transitions) set(weights []float64) {
	for i := range tr.labels {
		for j, w := range weights[i*tr.labels : (i+1)*tr.labels] {
			e := math.Exp(w)
			tr.exp[i*tr.padded+j] = e
			tr.turned[j*tr.padded+i] = e
		}
	}
}

// lattice holds the scores of up to `lanes` sequences, of which no one is longer than the one before. All arrays have
// the shape [position, lane, padded label]; what lies behind the end of a sequence is 0.
type lattice struct {
	padded int
	// width is the number of lanes worked on, lengths the lengths of the sequences.
	width   int
	lengths []int
	// state are scores, then e to them.
	state []float64
	// alpha are forward scores, which sum up to 1 at every position; beta backward scores; next are beta * state.
	alpha, beta, next []float64
	// scale are the factors that make alpha sum up to 1, [position, lane].
	scale []float64
}

// reset makes room for sequences of the given lengths, with state scores of 0.
func (l *lattice) reset(labels int, lengths []int) {
	l.padded, l.lengths = padded(labels), lengths
	l.width = (len(lengths) + rows - 1) / rows * rows
	positions := lengths[0]
	size := positions * l.width * l.padded
	for _, list := range []*[]float64{&l.state, &l.alpha, &l.beta, &l.next} {
		*list = resized(*list, size)
	}
	l.scale = resized(l.scale, positions*l.width)
	clear(l.state)
}

func resized(list []float64, size int) []float64 {
	if cap(list) < size {
		return make([]float64, size)
	}
	return list[:size]
}

// at returns the row of a position and lane of one of the arrays.
func (l *lattice) at(list []float64, position, lane int) []float64 {
	from := (position*l.width + lane) * l.padded
	return list[from : from+l.padded : from+l.padded]
}

// active is how many sequences have a token at the position.
func (l *lattice) active(position int) int {
	n := len(l.lengths)
	for l.lengths[n-1] <= position {
		n--
	}
	return n
}

// exponentiate replaces the state scores by e to them.
func (l *lattice) exponentiate(labels int) {
	for t := range l.lengths[0] {
		for lane := range l.active(t) {
			row := l.at(l.state, t, lane)
			expInPlace(row)
			clear(row[labels:])
		}
	}
}

// forward fills alpha and scale and returns the logarithm of each sequence's partition function in norms.
func (l *lattice) forward(tr *transitions, norms []float64) {
	clear(norms)
	for t := range l.lengths[0] {
		rowsUsed := l.rowsAt(t)
		cur := l.position(l.alpha, t)
		if t == 0 {
			copy(cur, l.position(l.state, 0))
		} else {
			multiply(operand{l.position(l.alpha, t-1), l.padded, 1}, tr.exp, cur, rowsUsed, l.padded, l.padded, false)
			clear(cur[rowsUsed*l.padded:])
			scaleBy(cur, l.position(l.state, t))
		}
		for lane := range l.width {
			factor := 1.0
			if lane < len(l.lengths) && t < l.lengths[lane] {
				row := l.at(l.alpha, t, lane)
				if s := sum(row); s != 0 {
					factor = 1 / s
				}
				for i := range row {
					row[i] *= factor
				}
				norms[lane] -= math.Log(factor)
			}
			l.scale[t*l.width+lane] = factor
		}
	}
}

// backward fills beta and next.
func (l *lattice) backward(tr *transitions) {
	last := l.lengths[0] - 1
	for t := last; t >= 0; t-- {
		cur := l.position(l.beta, t)
		if t < last {
			next := l.position(l.next, t+1)
			copy(next, l.position(l.beta, t+1))
			scaleBy(next, l.position(l.state, t+1))
			rowsUsed := l.rowsAt(t + 1)
			multiply(operand{next, l.padded, 1}, tr.turned, cur, rowsUsed, l.padded, l.padded, false)
			clear(cur[rowsUsed*l.padded:])
		} else {
			clear(cur)
		}
		for lane := range l.active(t) {
			row, factor := l.at(l.beta, t, lane), l.scale[t*l.width+lane]
			if l.lengths[lane] == t+1 {
				for i := range row {
					row[i] = factor
				}
				continue
			}
			for i := range row {
				row[i] *= factor
			}
		}
	}
}

// expectPairs adds to sums, [padded, padded], what the model expects of each pair of labels, without the factor e to
// the pair's weight.
func (l *lattice) expectPairs(sums []float64) {
	depth := (l.lengths[0] - 1) * l.width
	if depth == 0 {
		return
	}
	multiply(operand{l.alpha, 1, l.padded}, l.next[l.width*l.padded:], sums, l.padded, l.padded, depth, true)
}

// marginals stores the probability of each label at a position and lane in out.
func (l *lattice) marginals(position, lane int, out []float64) {
	alpha, beta := l.at(l.alpha, position, lane), l.at(l.beta, position, lane)
	scale := 1 / l.scale[position*l.width+lane]
	for i := range out {
		out[i] = alpha[i] * beta[i] * scale
	}
}

// position returns all lanes of a position of one of the arrays.
func (l *lattice) position(list []float64, t int) []float64 {
	size := l.width * l.padded
	return list[t*size : (t+1)*size : (t+1)*size]
}

// rowsAt is how many lanes must be worked on at a position.
func (l *lattice) rowsAt(t int) int { return (l.active(t) + rows - 1) / rows * rows }

func sum(x []float64) float64 {
	var s0, s1, s2, s3 float64
	for i := 0; i+4 <= len(x); i += 4 {
		s0 += x[i]
		s1 += x[i+1]
		s2 += x[i+2]
		s3 += x[i+3]
	}
	return s0 + s1 + s2 + s3
}

// scaleBy multiplies x by y, element by element.
func scaleBy(x, y []float64) {
	y = y[:len(x)]
	for i := range x {
		x[i] *= y[i]
	}
}
