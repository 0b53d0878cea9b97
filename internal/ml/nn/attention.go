package nn

import (
	"fmt"
	"math"

	"github.com/parleybot/parley/internal/ml/f32"
)

// dropped is what is added to the logit of a position that must not be seen (transformer.py).
const dropped = -1e9

// AttentionOptions are those of transformer.py MultiHeadAttention.
type AttentionOptions struct {
	Units, Heads int
	// DropRate is the share of positions that are not seen while it trains.
	DropRate float64
	// Density is the share of inputs each unit of the projections is connected to, from 0 to 1.
	Density float64
	// Unidirectional hides later positions.
	Unidirectional bool
	// KeyRelative and ValueRelative add vectors for the distance of two positions, up to MaxRelative.
	KeyRelative, ValueRelative bool
	MaxRelative                int
}

// Attention lets every position of a sequence see the others: multi-head attention.
type Attention struct {
	AttentionOptions
	query, key, value, output *Dense
	// keyRelative and valueRelative are [heads, distances, depth].
	keyRelative, valueRelative *Variable
	depth                      int
}

// NewAttention creates or reads the layer at path.
func NewAttention(p *Params, path string, in int, o AttentionOptions) *Attention {
	a := &Attention{AttentionOptions: o}
	if o.Heads <= 0 || o.Units%o.Heads != 0 {
		p.errs = append(p.errs, fmt.Errorf("layer %s: the transformer's size %d is not a multiple of the number of attention heads %d",
			path, o.Units, o.Heads))
		return a
	}
	a.depth = o.Units / o.Heads
	projection := DenseOptions{NoBias: true, Density: exactly(o.Density)}
	a.query = NewDense(p, path+"/_query_dense_layer", in, o.Units, projection)
	a.key = NewDense(p, path+"/_key_dense_layer", in, o.Units, projection)
	a.value = NewDense(p, path+"/_value_dense_layer", in, o.Units, projection)
	a.output = NewDense(p, path+"/_output_dense_layer", o.Units, o.Units, DenseOptions{Density: exactly(o.Density)})
	if o.KeyRelative {
		a.keyRelative = p.variable(path+"/key_relative_embeddings", glorot, 0, o.Heads, a.distances(), a.depth)
	}
	if o.ValueRelative {
		a.valueRelative = p.variable(path+"/value_relative_embeddings", glorot, 0, o.Heads, a.distances(), a.depth)
	}
	return a
}

// exactly returns density as DenseOptions take it.
func exactly(density float64) float64 {
	if density == 0 {
		return -1
	}
	return density
}

// distances returns how many distances of two positions have a vector of their own.
func (a *Attention) distances() int {
	if a.Unidirectional {
		return a.MaxRelative + 1
	}
	return 2*a.MaxRelative + 1
}

// distance returns which of the vectors is for a query at position i and a key at position j.
func (a *Attention) distance(i, j int) int {
	return max(-a.MaxRelative, min(j-i, a.MaxRelative)) + a.MaxRelative
}

// Forward returns one row for each of the rows of x, all of them when rows is nil. rows ascend; they must not change
// until the tape is reset.
func (a *Attention) Forward(t *Tape, x *Tensor, offsets Offsets, rows []int) *Tensor {
	from := x
	if rows != nil {
		from = Gather(t, x, rows)
	}
	q := a.query.Forward(t, from)
	k := a.key.Forward(t, x)
	v := a.value.Forward(t, x)
	return a.output.Forward(t, a.attend(t, q, k, v, offsets, rows))
}

// attending is one pass over the sequences of a batch: everything that the sequences, shared out to goroutines, read.
type attending struct {
	*Attention
	q, k, v, out f32.Mat
	offsets      Offsets
	// queries are the rows of q for each sequence, positions the row in k of each of them (nil: the same row).
	queries   Offsets
	positions []int
	// weights are the attention weights, [heads, queries, length] for each sequence from start on.
	weights []float32
	start   []int
	// drop holds what the logits of weights get added; nil without drop-out.
	drop []float32
	// relative is room for the products with the vectors of distances.
	relative []float32
	// dOut and the others are the gradients on the way back; scratch is as large as weights.
	dOut, dq, dk, dv f32.Mat
	scratch          []float32
}

func (a *Attention) attend(t *Tape, q, k, v *Tensor, offsets Offsets, rows []int) *Tensor {
	out := t.Tensor(q.Rows, a.Units)
	w := attending{Attention: a, q: q.Mat, k: k.Mat, v: v.Mat, out: out.Mat, offsets: offsets, queries: offsets, positions: rows}
	if rows != nil {
		w.queries = queriesOf(t, offsets, rows)
	}
	w.start = t.indices.take(offsets.Len() + 1)
	total := 0
	for s := range offsets.Len() {
		w.start[s] = total
		total += a.Heads * (w.queries[s+1] - w.queries[s]) * (offsets[s+1] - offsets[s])
	}
	w.start[offsets.Len()] = total
	w.weights = t.floats.take(total)
	if t.training && a.DropRate > 0 {
		w.drop = t.floats.take(total)
		t.masks.Dropout(w.drop, float32(a.DropRate))
	}
	if a.KeyRelative || a.ValueRelative {
		w.relative = t.floats.take(offsets.MaxLen() * a.distances())
	}
	if n := t.record(attendBack, out, false, q, k, v); n != nil {
		n.layer, n.floats, n.offsets, n.rows = a, w.weights, w.queries, rows
		n.starts, n.sequences, n.more = w.start, offsets, w.relative
	}
	w.each((*attending).forward)
	return out
}

// queriesOf returns where the rows that are asked for lie, sequence by sequence.
func queriesOf(t *Tape, offsets Offsets, rows []int) Offsets {
	queries := Offsets(t.indices.take(len(offsets)))
	at := 0
	for s := range offsets.Len() {
		queries[s] = at
		for at < len(rows) && rows[at] < offsets[s+1] {
			at++
		}
	}
	queries[offsets.Len()] = len(rows)
	return queries
}

// each calls f for all sequences. Goroutines share them out, unless they would share room or gradients.
func (w *attending) each(f func(w *attending, s int)) {
	n, work := w.offsets.Len(), 2*len(w.weights)*w.depth
	if w.relative != nil || n == 1 || work < 1<<22 {
		for s := range n {
			f(w, s)
		}
		return
	}
	shared := *w
	f32.Parallel(n, 1, work, func(from, to int) {
		for s := from; s < to; s++ {
			f(&shared, s)
		}
	})
}

// head returns the views of one head of one sequence.
func (w *attending) head(m f32.Mat, o Offsets, s, h int) f32.Mat {
	return m.SliceRows(o[s], o[s+1]).SliceCols(h*w.depth, (h+1)*w.depth)
}

// block returns the part of a buffer like weights for one head of one sequence.
func (w *attending) block(buffer []float32, s, h int) f32.Mat {
	rows, cols := w.queries[s+1]-w.queries[s], w.offsets[s+1]-w.offsets[s]
	from := w.start[s] + h*rows*cols
	return f32.Wrap(rows, cols, buffer[from:from+rows*cols])
}

// position returns where query i of sequence s stands in its sequence.
func (w *attending) position(s, i int) int {
	if w.positions == nil {
		return i
	}
	return w.positions[w.queries[s]+i] - w.offsets[s]
}

func (w *attending) forward(s int) {
	if w.queries[s] == w.queries[s+1] {
		return
	}
	scale := float32(1 / math.Sqrt(float64(w.depth)))
	for h := range w.Heads {
		q, logits := w.head(w.q, w.queries, s, h), w.block(w.weights, s, h)
		f32.MatMulT(logits, q, w.head(w.k, w.offsets, s, h), false)
		if w.KeyRelative {
			w.addKeyDistances(s, h, logits, q)
		}
		f32.Scale(logits.Elements(), scale, logits.Elements())
		w.hide(s, h, logits)
		f32.Softmax(logits, logits)
		out := w.head(w.out, w.queries, s, h)
		f32.MatMul(out, logits, w.head(w.v, w.offsets, s, h), false)
		if w.ValueRelative {
			w.addValueDistances(s, h, out, logits)
		}
	}
}

// hide makes the positions invisible that come later or are dropped. Nothing is dropped that comes later: when a query has
// nothing left to see, it sees all of that alike (transformer.py _drop_attention_logits).
func (w *attending) hide(s, h int, logits f32.Mat) {
	if !w.Unidirectional && w.drop == nil {
		return
	}
	var kept f32.Mat
	if w.drop != nil {
		kept = w.block(w.drop, s, h)
	}
	for i := range logits.Rows {
		row := logits.Row(i)
		seen := w.visible(w.position(s, i), len(row))
		for j := seen; j < len(row); j++ {
			row[j] += dropped
		}
		if w.drop == nil {
			continue
		}
		for j, k := range kept.Row(i)[:seen] {
			if k == 0 {
				row[j] += dropped
			}
		}
	}
}
