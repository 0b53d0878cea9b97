package ml

import (
	"context"
	"math"
	"runtime"
	"sync"
)

const (
	// dualParts is into how many parts the columns are divided for several processors. It is fixed, so that sums come
	// out the same on any number of them.
	dualParts = 4
	// wide and narrow are the numbers of classes in a block.
	wide, narrow = 32, 8
)

// dual fits a model of more features than there are examples. Started at zero, the weights are always sums of examples:
// gradient and steps add nothing else. So a point is written as what each example counts for each class; beside it stand
// the scores that it gives the examples, K times it with the products K of the examples. Both follow from sums and
// multiples of points, and the product of two points is that of the one with the scores of the other. The steps are
// those of fitting, with vectors of the size of the examples.
//
// A vector holds what the examples count, their scores, and the bias. The first two are in blocks of classes, each with
// a row for every example, so that a block's rows stay near the processor.
type dual struct {
	model   *Softmax
	y       []int
	weights []float64
	blocks  []classBlock
	// size is the number of examples times that of classes, with those that fill the last block.
	size int
	// columns of the matrix of features: where they begin, their examples and values.
	from   []int
	row    []int32
	value  []float64
	parts  [dualParts]dualPart
	bounds [dualParts + 1]int
	// largest is the largest component of the gradient of the weights, the last time.
	largest float64
	scores  []float64
}

// classBlock are the classes from first on; those behind the last one of all are always 0.
type classBlock struct{ first, width, offset int }

type dualPart struct {
	scores  []float64
	sum     [wide]float64
	largest float64
}

func newDual(m *Softmax, x *Sparse, y []int, weights []float64) *dual {
	d := &dual{model: m, y: y, weights: weights, scores: make([]float64, m.Classes)}
	for first := 0; first < m.Classes; {
		width := narrow
		if m.Classes-first > wide-narrow {
			width = wide
		}
		d.blocks = append(d.blocks, classBlock{first, width, d.size})
		d.size += x.Rows * width
		first += width
	}
	d.from = make([]int, m.Features+1)
	for _, c := range x.Col {
		d.from[c+1]++
	}
	for c := range m.Features {
		d.from[c+1] += d.from[c]
	}
	d.row, d.value = make([]int32, len(x.Val)), make([]float64, len(x.Val))
	next := append([]int(nil), d.from...)
	for i := range x.Rows {
		cols, vals := x.Row(i)
		for k, c := range cols {
			d.row[next[c]], d.value[next[c]] = int32(i), vals[k]
			next[c]++
		}
	}
	at := 0
	for p := range d.parts {
		d.parts[p].scores = make([]float64, d.size)
		for at < m.Features && d.from[at]*dualParts < p*len(x.Val) {
			at++
		}
		d.bounds[p] = at
	}
	d.bounds[dualParts] = m.Features
	return d
}

// fit minimises as Softmax.fit does.
func (d *dual) fit(ctx context.Context, o LBFGS) (Result, error) {
	point := make([]float64, 2*d.size+d.model.Classes)
	result, err := o.minimize(ctx, d.at, point, d)
	classes := d.model.Classes
	for p := range d.parts {
		d.parts[p].scores = nil
	}
	for c := range d.model.Features {
		weights := d.model.Weights[c*classes : (c+1)*classes]
		clear(weights)
		for k := d.from[c]; k < d.from[c+1]; k++ {
			d.collect(point, int(d.row[k]), d.scores)
			axpy(d.value[k], d.scores, weights)
		}
	}
	copy(d.model.Bias, point[2*d.size:])
	return result, err
}

func (d *dual) dot(a, b []float64) float64 {
	return dot(a[:d.size], b[d.size:2*d.size]) + dot(a[2*d.size:], b[2*d.size:])
}

func (d *dual) maxAbs(grad []float64) float64 { return max(d.largest, maxAbs(grad[2*d.size:])) }

// at returns the objective at a point and stores its gradient.
func (d *dual) at(point, grad []float64) float64 {
	bias, biasGrad := point[2*d.size:], grad[2*d.size:]
	clear(biasGrad)
	loss := 0.0
	for i, y := range d.y {
		d.collect(point[d.size:], i, d.scores)
		axpy(1, bias, d.scores)
		loss += d.weights[i] * residual(d.scores, y)
		axpy(d.weights[i], d.scores, biasGrad)
		for _, b := range d.blocks {
			from := b.offset + i*b.width
			out := grad[from : from+b.width]
			copy(out, point[from:from+b.width])
			for k, s := range d.scores[b.first:min(b.first+b.width, len(d.scores))] {
				out[k] += d.weights[i] * s
			}
		}
	}
	d.multiply(grad[:d.size], grad[d.size:2*d.size])
	return loss + 0.5*dot(point[:d.size], point[d.size:2*d.size])
}

// collect stores what example i has in the blocks of list in out.
func (d *dual) collect(list []float64, i int, out []float64) {
	for _, b := range d.blocks {
		from := b.offset + i*b.width
		copy(out[b.first:], list[from:from+b.width])
	}
}

// multiply stores the scores that a point gives the examples in out, and remembers the largest of its weights.
func (d *dual) multiply(point, out []float64) {
	workers := min(runtime.GOMAXPROCS(0), dualParts)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for p := w; p < dualParts; p += workers {
				d.multiplyPart(p, point)
			}
		})
	}
	wg.Wait()
	clear(out)
	d.largest = 0
	for p := range d.parts {
		axpy(1, d.parts[p].scores, out)
		d.largest = max(d.largest, d.parts[p].largest)
	}
}

func (d *dual) multiplyPart(p int, point []float64) {
	part := &d.parts[p]
	clear(part.scores)
	part.largest = 0
	for _, b := range d.blocks {
		in, out := point[b.offset:], part.scores[b.offset:]
		for c := d.bounds[p]; c < d.bounds[p+1]; c++ {
			from, to := d.from[c], d.from[c+1]
			if from == to {
				continue
			}
			column(d.row[from:to], d.value[from:to], in, out, part.sum[:], b.width)
			for _, v := range part.sum[:b.width] {
				part.largest = max(part.largest, math.Abs(v))
			}
		}
	}
}

// columnGo is column without assembly.
func columnGo(rows []int32, values []float64, in, out, sum []float64, width int) {
	sum = sum[:width]
	clear(sum)
	for k, r := range rows {
		axpy(values[k], in[int(r)*width:(int(r)+1)*width], sum)
	}
	for k, r := range rows {
		axpy(values[k], sum, out[int(r)*width:(int(r)+1)*width])
	}
}
