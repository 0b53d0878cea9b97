package diet

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/parleybot/parley/internal/ml/nn"
)

// batcher orders the examples of each epoch (rasa/utils/tensorflow/{data_generator,model_data}.py).
type batcher struct {
	// examples are those to train on; labels are theirs, nil when batches need not be balanced.
	examples []int32
	labels   []int32
	random   *nn.Random
	// classes are places in examples by label, as shuffled for the current epoch.
	classes [][]int32
	order   []int32
	out     []int32
}

func newBatcher(examples, labels []int32, random *nn.Random) *batcher {
	b := &batcher{examples: examples, labels: labels, random: random}
	b.order = slices.Clone(examples)
	count := 0
	for _, i := range examples {
		if labels != nil {
			count = max(count, int(labels[i])+1)
		}
	}
	b.classes = make([][]int32, count)
	return b
}

// epoch returns the examples of an epoch in their order. A batch is batchSize of them, the last one may be smaller.
func (b *batcher) epoch(batchSize int) []int32 {
	b.random.Shuffle(len(b.order), func(i, j int) { b.order[i], b.order[j] = b.order[j], b.order[i] })
	if b.labels == nil {
		return b.order
	}
	return b.balance(batchSize)
}

// balance puts every label into about every other batch at least, repeating the examples of rare ones, until each
// example has occurred.
func (b *batcher) balance(batchSize int) []int32 {
	for k := range b.classes {
		b.classes[k] = b.classes[k][:0]
	}
	for _, i := range b.order {
		b.classes[b.labels[i]] = append(b.classes[b.labels[i]], i)
	}
	present := make([]int, 0, len(b.classes))
	for k, members := range b.classes {
		if len(members) > 0 {
			present = append(present, k)
		}
	}
	next, cycles, skipped := make([]int, len(b.classes)), make([]int, len(b.classes)), make([]bool, len(b.classes))
	unseen := len(present)
	b.out = b.out[:0]
	for unseen > 0 {
		b.random.Shuffle(len(present), func(i, j int) { present[i], present[j] = present[j], present[i] })
		for _, k := range present {
			if cycles[k] > 0 && !skipped[k] {
				skipped[k] = true
				continue
			}
			skipped[k] = false
			members := b.classes[k]
			share := int(float64(len(members))/float64(len(b.order))*float64(batchSize)) + 1
			b.out = append(b.out, members[next[k]:min(next[k]+share, len(members))]...)
			if next[k] += share; next[k] >= len(members) {
				if cycles[k] == 0 {
					unseen--
				}
				cycles[k]++
				next[k] = 0
			}
			if unseen == 0 {
				break
			}
		}
	}
	return b.out
}

// batches returns how many batches there are of so many examples.
func batches(examples, batchSize int, dropSmallLast bool) int {
	full, rest := examples/batchSize, examples%batchSize
	switch {
	case rest == 0:
		return full
	case dropSmallLast && rest < (batchSize+1)/2:
		return max(full, 1)
	}
	return full + 1
}

// split holds test examples out, with the labels in the same proportions as in all; those that are the only one of
// their label stay in train. labels may be nil. (RasaModelData.split)
func split(count, test int, labels []int32, random *nn.Random) (train, held []int32, err error) {
	byLabel := map[int32][]int32{}
	for i := range int32(count) {
		label := int32(0)
		if labels != nil {
			label = labels[i]
		}
		byLabel[label] = append(byLabel[label], i)
	}
	if labels != nil && test >= count-len(byLabel) {
		return nil, nil, fmt.Errorf("holding out %d examples is too much: at least %d have to remain, one for each label", test, len(byLabel))
	}
	if labels != nil && test < len(byLabel) {
		return nil, nil, fmt.Errorf("holding out %d examples is too little: there must be at least %d, one for each label", test, len(byLabel))
	}
	if test >= count {
		return nil, nil, errors.New("holding out all examples leaves none to train on")
	}
	keys := make([]int32, 0, len(byLabel))
	stratified := 0
	for label, members := range byLabel {
		if labels == nil || len(members) > 1 {
			stratified += len(members)
			keys = append(keys, label)
		} else {
			train = append(train, members...)
		}
	}
	slices.Sort(keys)
	taken := apportion(keys, byLabel, test, stratified)
	for _, label := range keys {
		members := byLabel[label]
		random.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
		held = append(held, members[:taken[label]]...)
		train = append(train, members[taken[label]:]...)
	}
	slices.Sort(train)
	slices.Sort(held)
	return train, held, nil
}

// apportion says how many examples of each label are held out: its share, and what is left to the largest remainders.
func apportion(keys []int32, byLabel map[int32][]int32, test, of int) map[int32]int {
	taken := make(map[int32]int, len(keys))
	remainder := make(map[int32]float64, len(keys))
	left := min(test, of)
	for _, label := range keys {
		share := float64(len(byLabel[label])) * float64(test) / float64(of)
		n := min(int(share), len(byLabel[label])-1)
		taken[label], remainder[label] = max(n, 0), share-math.Floor(share)
		left -= taken[label]
	}
	order := slices.Clone(keys)
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(remainder[b], remainder[a]) })
	for left > 0 {
		before := left
		for _, label := range order {
			if left > 0 && taken[label] < len(byLabel[label])-1 {
				taken[label]++
				left--
			}
		}
		if left == before {
			break
		}
	}
	return taken
}
