package crfsuite

import "slices"

// features are what has a weight: attributes together with labels, sorted by attribute and label, and behind them the
// pairs of labels, row after row.
type features struct {
	labelCount int
	// starts are the positions of the attributes' first features, with the end as last element.
	starts []int32
	// labels belong to the features of attributes.
	labels []uint16
	// observed is how often the data has each feature: sums of attribute values, then the pairs of labels.
	observed []float64
}

// generate finds the features of the data. One whose values sum up to less than 0 is left out (feature.minfreq = 0);
// all pairs of labels are features (feature.possible_transitions).
func generate(d *Data) *features {
	keys := make([]uint64, 0, len(d.counts))
	for key, sum := range d.counts {
		if sum >= 0 {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	size := len(d.labels.names)
	f := &features{
		labelCount: size,
		starts:     make([]int32, 1, len(d.attributes.names)+1),
		labels:     make([]uint16, len(keys)),
		observed:   make([]float64, len(keys)+size*size),
	}
	for k, key := range keys {
		for len(f.starts) <= int(key>>32) {
			f.starts = append(f.starts, int32(k))
		}
		f.labels[k] = uint16(key)
		f.observed[k] = d.counts[key]
	}
	for len(f.starts) <= len(d.attributes.names) {
		f.starts = append(f.starts, int32(len(keys)))
	}
	pairs := f.observed[len(keys):]
	for key, n := range d.followers {
		pairs[int(key>>32)*size+int(uint32(key))] = n
	}
	return f
}

// count is the number of features.
func (f *features) count() int { return len(f.observed) }

// pairs is the position of the first pair of labels.
func (f *features) pairs() int { return len(f.labels) }
