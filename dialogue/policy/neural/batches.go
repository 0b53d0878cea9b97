package neural

import (
	"slices"

	"github.com/parleybot/parley/internal/ml/nn"
)

// batcher orders the examples of each epoch (rasa/utils/tensorflow/data_generator.py and model_data.py).
type batcher struct {
	// labels are those of the examples, nil when rare ones are not to be repeated.
	labels []int
	random *nn.Random
	order  []int
	groups [][]int
	out    []int
}

func newBatcher(examples []int, labels []int, random *nn.Random) *batcher {
	b := &batcher{labels: labels, random: random, order: slices.Clone(examples)}
	if labels != nil {
		b.groups = make([][]int, slices.Max(labels)+1)
	}
	return b
}

// epoch returns the examples of an epoch in their order.
func (b *batcher) epoch(batchSize int) []int {
	b.random.Shuffle(len(b.order), func(i, j int) { b.order[i], b.order[j] = b.order[j], b.order[i] })
	if b.labels == nil {
		return b.order
	}
	for i := range b.groups {
		b.groups[i] = b.groups[i][:0]
	}
	for _, e := range b.order {
		b.groups[b.labels[e]] = append(b.groups[b.labels[e]], e)
	}
	return b.balance(slices.DeleteFunc(slices.Clone(b.groups), func(g []int) bool { return len(g) == 0 }), batchSize)
}

// balance puts each label into every other batch or more often, repeating examples of rare ones, until each example was
// taken (RasaModelData.balanced_data).
func (b *batcher) balance(groups [][]int, batchSize int) []int {
	type progress struct {
		next    int
		done    bool
		skipped bool
	}
	states := make([]progress, len(groups))
	turns := make([]int, len(groups))
	for i := range turns {
		turns[i] = i
	}
	left := len(groups)
	b.out = b.out[:0]
	for left > 0 {
		b.random.Shuffle(len(turns), func(i, j int) { turns[i], turns[j] = turns[j], turns[i] })
		for _, i := range turns {
			s, group := &states[i], groups[i]
			if s.done && !s.skipped {
				s.skipped = true
				continue
			}
			s.skipped = false
			share := int(float64(len(group))/float64(len(b.order))*float64(batchSize)) + 1
			b.out = append(b.out, group[s.next:min(s.next+share, len(group))]...)
			if s.next += share; s.next >= len(group) {
				s.next = 0
				if !s.done {
					s.done = true
					left--
				}
			}
			if left == 0 {
				break
			}
		}
	}
	return b.out
}

// batchSize returns the size of batches in an epoch, which grows from the first to the last.
func batchSize(first, last, epoch, epochs int) int {
	if epochs <= 1 {
		return first
	}
	return first + int(float64(epoch)*float64(last-first)/float64(epochs-1))
}

// hold returns which examples are learnt from and which only tried: of each label a share, but never all.
func hold(count, held int, labels []int, random *nn.Random) (learnt, tried []int) {
	order := make([]int, count)
	for i := range order {
		order[i] = i
	}
	random.Shuffle(count, func(i, j int) { order[i], order[j] = order[j], order[i] })
	left := map[int]int{}
	for _, l := range labels {
		left[l]++
	}
	for _, e := range order {
		label := 0
		if labels != nil {
			label = labels[e]
		}
		if len(tried) < held && (labels == nil || left[label] > 1) {
			left[label]--
			tried = append(tried, e)
			continue
		}
		learnt = append(learnt, e)
	}
	slices.Sort(learnt)
	return learnt, tried
}
