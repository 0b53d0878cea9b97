package neural

import (
	"slices"

	"github.com/parleybot/parley/internal/ml/f32"
	"github.com/parleybot/parley/internal/ml/nn"
)

// batch holds dialogues for the network: their turns one after the other, in the order in which the network reads them.
// It is used again and belongs to one goroutine.
type batch struct {
	turns   []Turn
	offsets nn.Offsets
	// rows are what the transformer is asked for: the turns that are learnt or predicted from, in each dialogue. Without
	// any, all turns are.
	rows []int
	// unique are the features of one attribute that is being encoded, place those of each turn in it.
	unique []*Features
	seen   []seenAt
	round  int32
	csrs   []*f32.CSR
	used   int
	list   []nn.Feature
}

func (b *batch) reset() {
	clear(b.turns)
	b.turns, b.offsets, b.rows = b.turns[:0], append(b.offsets[:0], 0), b.rows[:0]
	b.used = 0
}

// add appends a dialogue whose turns stand with the oldest first.
func (b *batch) add(turns []Turn, reversed bool) {
	from := len(b.turns)
	b.turns = append(b.turns, turns...)
	if reversed {
		slices.Reverse(b.turns[from:])
	}
	b.offsets = append(b.offsets, len(b.turns))
}

// askLast asks for the latest turn of each dialogue.
func (b *batch) askLast(reversed bool) {
	for i := range b.offsets.Len() {
		from, to := b.offsets.Bounds(i)
		if reversed {
			b.rows = append(b.rows, from)
		} else {
			b.rows = append(b.rows, to-1)
		}
	}
}

// passed is what a pass over a batch computed: a row for each of the rows that were asked for.
type passed struct {
	// transformed is what the transformer gave, embedded what is compared with labels.
	transformed, embedded *nn.Tensor
}

// forward lets the network look at the dialogues.
func (n *network) forward(t *nn.Tape, b *batch) passed {
	x := n.join(t, b)
	var rows []int
	if len(b.rows) > 0 {
		rows = b.rows
	}
	switch {
	case n.transformer != nil:
		x = n.transformer.Forward(t, x, b.offsets, rows)
	case rows != nil:
		x = nn.Gather(t, x, rows)
	}
	p := passed{transformed: nn.GELU(t, x)}
	p.embedded = n.embedDialogue.Forward(t, p.transformed)
	return p
}

// join returns the vectors of all turns.
func (n *network) join(t *nn.Tape, b *batch) *nn.Tensor {
	var parts [len(joinGroups)]*nn.Tensor
	count := 0
	for _, group := range joinGroups {
		var sum *nn.Tensor
		for _, a := range group {
			if n.turns[a] == nil {
				continue
			}
			x := n.encode(t, b, b.turns, a, n.turns[a])
			if sum != nil {
				x = nn.Add(t, sum, x)
			}
			sum = x
		}
		if sum != nil {
			parts[count] = sum
			count++
		}
	}
	return nn.Concat(t, parts[:count]...)
}

// encodeLabels returns the embedded labels.
func (n *network) encodeLabels(t *nn.Tape, b *batch, labels []Turn) *nn.Tensor {
	var sum *nn.Tensor
	for a := range attributeCount {
		if n.labels[a] == nil {
			continue
		}
		x := n.encode(t, b, labels, a, n.labels[a])
		if sum != nil {
			x = nn.Add(t, sum, x)
		}
		sum = x
	}
	return n.embedLabel.Forward(t, sum)
}

// encode returns the vectors of one attribute, zeros for turns without it.
func (n *network) encode(t *nn.Tape, b *batch, turns []Turn, a Attribute, l *attributeLayers) *nn.Tensor {
	place := b.collect(t, turns, a, t.Training() && n.dropsInput(a))
	var x *nn.Tensor
	switch {
	case len(b.unique) == 0:
		x = t.Tensor(len(turns), l.units)
		x.Zero()
		return x
	case l.sequence != nil:
		x = b.sequences(t, l, nn.NeedLast).Embedded
	default:
		x = l.concat.Forward(t, b.sentences(t, l))
	}
	if l.encoding != nil {
		x = l.encoding.Forward(t, x)
	}
	if slices.Contains(place, len(b.unique)) {
		nothing := t.Tensor(1, l.units)
		nothing.Zero()
		x, _ = nn.Append(t, x, nothing, nn.Offsets{0, x.Rows})
	}
	x = nn.Gather(t, x, place)
	if l.encoding != nil {
		x = nn.Dropout(t, x, n.o.DropDialogue)
	}
	return x
}

// dropsInput reports whether something is dropped out before an attribute is encoded, so that equal features do not have
// equal vectors.
func (n *network) dropsInput(a Attribute) bool {
	return n.o.Drop > 0 || a.sequential() && (n.o.DropAttention > 0 || n.o.MaskedLM)
}

// collect gathers the different features of an attribute and returns which of them each turn has: their number stands for
// none.
func (b *batch) collect(t *nn.Tape, turns []Turn, a Attribute, each bool) []int {
	place := t.Ints(len(turns))
	b.unique = b.unique[:0]
	b.round++
	for i := range turns {
		f := turns[i][a]
		switch at := b.find(f); {
		case f == nil:
			place[i] = -1
		case at >= 0 && !each:
			place[i] = at
		default:
			place[i] = len(b.unique)
			b.remember(f, len(b.unique))
			b.unique = append(b.unique, f)
		}
	}
	for i := range place {
		if place[i] < 0 {
			place[i] = len(b.unique)
		}
	}
	return place
}

// seenAt is the place of numbered features in the round in which they were found.
type seenAt struct{ round, at int32 }

// find returns the place of features that were collected, -1 when they were not.
func (b *batch) find(f *Features) int {
	switch {
	case f == nil:
	case f.id == 0:
		return slices.Index(b.unique, f)
	case int(f.id) < len(b.seen) && b.seen[f.id].round == b.round:
		return int(b.seen[f.id].at)
	}
	return -1
}

func (b *batch) remember(f *Features, at int) {
	if f.id == 0 {
		return
	}
	if n := int(f.id) + 1; n > len(b.seen) {
		b.seen = append(b.seen, make([]seenAt, 2*n-len(b.seen))...)
	}
	b.seen[f.id] = seenAt{b.round, int32(at)}
}

// sentences returns the features of whole texts and names of what was collected.
func (b *batch) sentences(t *nn.Tape, l *attributeLayers) []nn.Feature {
	list := b.list[:0]
	if l.SentenceSparse > 0 {
		list = append(list, nn.Feature{Sparse: b.sparse(l.SentenceSparse, false)})
	}
	if l.SentenceDense > 0 {
		list = append(list, nn.Feature{Dense: b.dense(t, l.SentenceDense, false)})
	}
	b.list = list
	return list
}

// sequences embeds the texts that were collected.
func (b *batch) sequences(t *nn.Tape, l *attributeLayers, need nn.Need) nn.Sequenced {
	offsets := nn.Offsets(t.Ints(len(b.unique) + 1))
	offsets[0] = 0
	for i, f := range b.unique {
		offsets[i+1] = offsets[i] + len(f.Sequence)
	}
	sentence := slices.Clone(b.sentences(t, l))
	var sequence []nn.Feature
	if l.SequenceSparse > 0 {
		sequence = append(sequence, nn.Feature{Sparse: b.sparse(l.SequenceSparse, true)})
	}
	if l.SequenceDense > 0 {
		sequence = append(sequence, nn.Feature{Dense: b.dense(t, l.SequenceDense, true)})
	}
	return l.sequence.Forward(t, sequence, sentence, offsets, need)
}

// rowsOf calls f for each row of the features that were collected.
func (b *batch) rowsOf(sequence bool, f func(r *Row)) {
	for _, u := range b.unique {
		if !sequence {
			f(&u.Sentence)
			continue
		}
		for i := range u.Sequence {
			f(&u.Sequence[i])
		}
	}
}

// sparse packs sparse rows into a matrix that lives until the batch is reset.
func (b *batch) sparse(units int, sequence bool) *f32.CSR {
	if b.used == len(b.csrs) {
		b.csrs = append(b.csrs, &f32.CSR{})
	}
	m := b.csrs[b.used]
	b.used++
	m.Cols, m.Rows = units, 0
	m.RowPtr, m.Col, m.Val = append(m.RowPtr[:0], 0), m.Col[:0], m.Val[:0]
	b.rowsOf(sequence, func(r *Row) {
		m.Col, m.Val = append(m.Col, r.Cols...), append(m.Val, r.Values...)
		m.RowPtr = append(m.RowPtr, len(m.Col))
		m.Rows++
	})
	return m
}

func (b *batch) dense(t *nn.Tape, units int, sequence bool) f32.Mat {
	rows := 0
	b.rowsOf(sequence, func(*Row) { rows++ })
	x := t.Tensor(rows, units)
	x.Zero()
	i := 0
	b.rowsOf(sequence, func(r *Row) {
		copy(x.Row(i), r.Dense)
		i++
	})
	return x.Mat
}
