package crfsuite

// Sink takes the attributes of a token. The name is not kept by reference.
type Sink interface {
	Attribute(name []byte, value float64)
}

// Data are sequences of tokens with labels to learn from. Attributes belong to the token that EndToken ends, tokens to
// the sequence that EndSequence ends. The zero value is not ready, see NewData.
type Data struct {
	labels, attributes dictionary
	// counts are the features seen, (attribute, label) pairs, with the sum of the attribute's values.
	counts map[uint64]float64
	// followers has, for each pair of labels seen after one another, how often.
	followers map[uint64]float64

	// sequences are the positions of the first tokens, with the end as last element.
	sequences []int32
	gold      []uint16
	// entries are the positions of the tokens' first attributes, with the end as last element.
	entries []int32
	ids     []int32
	// values belong to ids; nil as long as all are 1.
	values []float64

	current []entry
}

type entry struct {
	id    int32
	value float64
}

var _ Sink = (*Data)(nil)

// MaxLabels is how many labels there can be.
const MaxLabels = 1 << 12

// NewData returns data without sequences.
func NewData() *Data {
	return &Data{
		labels: newDictionary(), attributes: newDictionary(),
		counts: make(map[uint64]float64), followers: make(map[uint64]float64),
		sequences: []int32{0}, entries: []int32{0},
	}
}

// Attribute adds an attribute to the current token. One of value 0 takes no part in scores, yet makes a feature with
// the token's label, as in CRFsuite.
func (d *Data) Attribute(name []byte, value float64) {
	d.current = append(d.current, entry{d.attributes.add(name), value})
}

// EndToken ends the current token, which has the given label.
func (d *Data) EndToken(label string) {
	l := d.labels.add([]byte(label))
	for _, e := range d.current {
		d.counts[uint64(e.id)<<32|uint64(l)] += e.value
		if e.value == 0 {
			continue
		}
		if e.value != 1 && d.values == nil {
			d.values = make([]float64, len(d.ids))
			for i := range d.values {
				d.values[i] = 1
			}
		}
		d.ids = append(d.ids, e.id)
		if d.values != nil {
			d.values = append(d.values, e.value)
		}
	}
	d.current = d.current[:0]
	if start := int(d.sequences[len(d.sequences)-1]); len(d.gold) > start {
		d.followers[uint64(d.gold[len(d.gold)-1])<<32|uint64(l)]++
	}
	d.gold = append(d.gold, uint16(l))
	d.entries = append(d.entries, int32(len(d.ids)))
}

// EndSequence ends the current sequence; one without tokens is left out.
func (d *Data) EndSequence() {
	if n := int32(len(d.gold)); n > d.sequences[len(d.sequences)-1] {
		d.sequences = append(d.sequences, n)
	}
}

// Labels returns the labels in the order in which they were first seen.
func (d *Data) Labels() []string { return d.labels.names }

// Tokens is how many tokens there are.
func (d *Data) Tokens() int { return len(d.gold) }

// value returns that of the i-th entry.
func (d *Data) value(i int32) float64 {
	if d.values == nil {
		return 1
	}
	return d.values[i]
}

// dictionary numbers strings in the order in which they come.
type dictionary struct {
	index map[string]int32
	names []string
}

func newDictionary() dictionary { return dictionary{index: make(map[string]int32)} }

func (d *dictionary) add(name []byte) int32 {
	if id, ok := d.index[string(name)]; ok {
		return id
	}
	id := int32(len(d.names))
	s := string(name)
	d.index[s] = id
	d.names = append(d.names, s)
	return id
}
