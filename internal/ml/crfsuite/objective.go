package crfsuite

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"
)

// parts is into how many parts the data is divided for several processors. It is fixed, so that sums come out the same
// on any number of them.
const parts = 4

// objective is the negative log-likelihood of the data, with an L2 penalty.
type objective struct {
	ctx     context.Context
	data    *Data
	feature *features
	l2      float64
	pairs   *transitions
	parts   []*part
}

// part is one part of the data with what is worked out about it.
type part struct {
	groups   [][]int32 // sequences by descending length
	lattice  lattice
	gradient []float64 // of attributes with labels
	sums     []float64 // of pairs, see lattice.expectPairs
	loss     float64
	lengths  []int
	probs    []float64
	norms    [lanes]float64
}

func newObjective(ctx context.Context, d *Data, f *features, l2 float64) *objective {
	o := &objective{ctx: ctx, data: d, feature: f, l2: l2, pairs: newTransitions(f.labelCount)}
	order := make([]int32, len(d.sequences)-1)
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(d.length(b), d.length(a)) })
	count := min(parts, (len(order)+lanes-1)/lanes)
	for range count {
		o.parts = append(o.parts, &part{
			gradient: make([]float64, f.pairs()),
			sums:     make([]float64, o.pairs.padded*o.pairs.padded),
			probs:    make([]float64, f.labelCount),
		})
	}
	i := 0
	for group := range slices.Chunk(order, lanes) {
		p := o.parts[i%count]
		p.groups = append(p.groups, group)
		i++
	}
	return o
}

func (d *Data) length(sequence int32) int {
	return int(d.sequences[sequence+1] - d.sequences[sequence])
}

// value returns the objective at the weights w and stores its gradient in g. When the context ends the result is
// worthless.
func (o *objective) value(w, g []float64) float64 {
	from := o.feature.pairs()
	o.pairs.set(w[from:])
	o.work(func(p *part) { p.run(o, w) })
	loss := 0.0
	for i, seen := range o.feature.observed {
		g[i] = -seen
	}
	size := o.feature.labelCount
	for _, p := range o.parts {
		loss += p.loss
		axpy(1, p.gradient, g[:from])
		for i := range size {
			exp, sums := o.pairs.exp[i*o.pairs.padded:], p.sums[i*o.pairs.padded:]
			row := g[from+i*size : from+(i+1)*size]
			for j := range row {
				row[j] += exp[j] * sums[j]
			}
		}
	}
	if o.l2 > 0 {
		loss += o.l2 * dot(w, w)
		axpy(2*o.l2, w, g)
	}
	return loss
}

// work does something for each part, on as many processors as there are.
func (o *objective) work(do func(*part)) {
	workers := min(runtime.GOMAXPROCS(0), len(o.parts))
	if workers < 2 {
		for _, p := range o.parts {
			do(p)
		}
		return
	}
	jobs := make(chan *part, len(o.parts))
	for _, p := range o.parts {
		jobs <- p
	}
	close(jobs)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for p := range jobs {
				do(p)
			}
		})
	}
	wg.Wait()
}

// run works out loss and gradient of the part.
func (p *part) run(o *objective, w []float64) {
	clear(p.gradient)
	clear(p.sums)
	p.loss = 0
	for _, group := range p.groups {
		if o.ctx.Err() != nil {
			return
		}
		p.lengths = p.lengths[:0]
		for _, s := range group {
			p.lengths = append(p.lengths, o.data.length(s))
		}
		l := &p.lattice
		l.reset(o.feature.labelCount, p.lengths)
		for lane, s := range group {
			p.loss -= p.score(o, w, lane, s)
		}
		l.exponentiate(o.feature.labelCount)
		norms := p.norms[:l.width]
		l.forward(o.pairs, norms)
		l.backward(o.pairs)
		l.expectPairs(p.sums)
		for lane, s := range group {
			p.loss += norms[lane]
			p.expect(o, lane, s)
		}
	}
}

// score fills the state scores of a sequence and returns the score of its own labels.
func (p *part) score(o *objective, w []float64, lane int, sequence int32) (score float64) {
	d, f := o.data, o.feature
	pairs := w[f.pairs():]
	first := d.sequences[sequence]
	for t := range p.lengths[lane] {
		token := int(first) + t
		row := p.lattice.at(p.lattice.state, t, lane)
		for i := d.entries[token]; i < d.entries[token+1]; i++ {
			from, to := f.starts[d.ids[i]], f.starts[d.ids[i]+1]
			labels := f.labels[from:to]
			if d.values == nil {
				for k, v := range w[from:to] {
					row[labels[k]] += v
				}
				continue
			}
			value := d.values[i]
			for k, v := range w[from:to] {
				row[labels[k]] += v * value
			}
		}
		gold := int(d.gold[token])
		score += row[gold]
		if t > 0 {
			score += pairs[int(d.gold[token-1])*f.labelCount+gold]
		}
	}
	return score
}

// expect adds what the model expects of a sequence's attributes.
func (p *part) expect(o *objective, lane int, sequence int32) {
	d, f := o.data, o.feature
	first := d.sequences[sequence]
	for t := range p.lengths[lane] {
		token := int(first) + t
		probs := p.probs
		p.lattice.marginals(t, lane, probs)
		for i := d.entries[token]; i < d.entries[token+1]; i++ {
			from, to := f.starts[d.ids[i]], f.starts[d.ids[i]+1]
			labels, g := f.labels[from:to], p.gradient[from:to]
			value := d.value(i)
			for k := range g {
				g[k] += probs[labels[k]] * value
			}
		}
	}
}
