package crfsuite

import (
	"math"
	"sync"
)

// Model marks sequences. It may be used by several goroutines.
type Model struct {
	labels []string
	// attributes number those that have a weight.
	attributes map[string]int32
	// names are the attributes by number.
	names []string
	// starts are the positions of the attributes' first weights, with the end as last element.
	starts  []int32
	targets []uint16
	weights []float64
	// pairs are the weights of pairs of labels, [labels, labels].
	pairs    []float64
	expPairs *transitions
	scratch  sync.Pool
}

// newModel keeps the weights that are not 0.
func newModel(d *Data, f *features, w []float64) *Model {
	m := &Model{labels: d.labels.names, starts: []int32{0}, pairs: w[f.pairs():]}
	for a, name := range d.attributes.names {
		before := len(m.weights)
		for k := f.starts[a]; k < f.starts[a+1]; k++ {
			if w[k] != 0 {
				m.targets = append(m.targets, f.labels[k])
				m.weights = append(m.weights, w[k])
			}
		}
		if len(m.weights) > before {
			m.names = append(m.names, name)
			m.starts = append(m.starts, int32(len(m.weights)))
		}
	}
	m.prepare()
	return m
}

// prepare makes what follows from the other fields.
func (m *Model) prepare() {
	m.attributes = make(map[string]int32, len(m.names))
	for i, name := range m.names {
		m.attributes[name] = int32(i)
	}
	m.expPairs = newTransitions(len(m.labels))
	m.expPairs.set(m.pairs)
}

// Labels returns the labels in the order of CRFsuite, that of the training data.
func (m *Model) Labels() []string { return m.labels }

// Sequence collects what is known of a sequence that is to be marked. It is used by one goroutine; Release gives its
// memory back.
type Sequence struct {
	model *Model
	// scores has shape [tokens, labels].
	scores  []float64
	tokens  int
	lattice lattice
	lengths [1]int
	norms   [rows]float64
}

var _ Sink = (*Sequence)(nil)

// Sequence returns a sequence of that many tokens; the first of them is the current one.
func (m *Model) Sequence(tokens int) *Sequence {
	s, ok := m.scratch.Get().(*Sequence)
	if !ok {
		s = &Sequence{model: m}
	}
	s.scores = resized(s.scores, tokens*len(m.labels))
	clear(s.scores)
	s.tokens = 0
	return s
}

// Attribute adds an attribute to the current token; one that the model does not know has no effect.
func (s *Sequence) Attribute(name []byte, value float64) {
	a, ok := s.model.attributes[string(name)]
	if !ok || value == 0 {
		return
	}
	m := s.model
	row := s.scores[s.tokens*len(m.labels) : (s.tokens+1)*len(m.labels)]
	for k := m.starts[a]; k < m.starts[a+1]; k++ {
		row[m.targets[k]] += m.weights[k] * value
	}
}

// EndToken ends the current token.
func (s *Sequence) EndToken() { s.tokens++ }

// Marginals returns the probability of each label for each token, [tokens, labels].
func (s *Sequence) Marginals() [][]float64 {
	if s.tokens == 0 {
		return nil
	}
	size := len(s.model.labels)
	l := &s.lattice
	s.lengths[0] = s.tokens
	l.reset(size, s.lengths[:])
	for t := range s.tokens {
		copy(l.at(l.state, t, 0), s.scores[t*size:(t+1)*size])
	}
	l.exponentiate(size)
	l.forward(s.model.expPairs, s.norms[:])
	l.backward(s.model.expPairs)
	all := make([]float64, s.tokens*size)
	out := make([][]float64, s.tokens)
	for t := range out {
		out[t] = all[t*size : (t+1)*size : (t+1)*size]
		l.marginals(t, 0, out[t])
	}
	return out
}

// Best returns the labels of the sequence with the highest score (Viterbi). Of equal ones the first counts.
func (s *Sequence) Best() []string {
	if s.tokens == 0 {
		return nil
	}
	m := s.model
	size := len(m.labels)
	score := append([]float64(nil), s.scores[:size]...)
	next := make([]float64, size)
	from := make([]uint16, s.tokens*size)
	for t := 1; t < s.tokens; t++ {
		for j := range size {
			best := math.Inf(-1)
			for i, before := range score {
				if v := before + m.pairs[i*size+j]; v > best {
					best, from[t*size+j] = v, uint16(i)
				}
			}
			next[j] = best + s.scores[t*size+j]
		}
		score, next = next, score
	}
	at := 0
	for i, v := range score {
		if v > score[at] {
			at = i
		}
	}
	out := make([]string, s.tokens)
	for t := s.tokens - 1; t >= 0; t-- {
		out[t] = m.labels[at]
		at = int(from[t*size+at])
	}
	return out
}

// Release lets the sequence's memory be used again; the sequence must not be used any more.
func (s *Sequence) Release() { s.model.scratch.Put(s) }
