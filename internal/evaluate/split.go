package evaluate

import (
	"cmp"
	"slices"

	"github.com/parleybot/parley/project"
)

// DropRare leaves out the examples of intents that have fewer than atLeast, retrieval intents counted as wholes
// (drop_intents_below_freq).
func DropRare(examples []project.Example, atLeast int) []project.Example {
	count := map[string]int{}
	for _, ex := range examples {
		if ex.Action == "" {
			count[ex.Intent]++
		}
	}
	return slices.DeleteFunc(slices.Clone(examples), func(ex project.Example) bool {
		return ex.Action != "" || count[ex.Intent] < atLeast || ex.Intent == "" && atLeast > 0
	})
}

// Split splits examples in two, each intent and response in proportion, with at least one example of each on both
// sides; the first part has about the given fraction (TrainingData.split_nlu_examples). random returns numbers in
// [0, 1).
func Split(examples []project.Example, fraction float64, random func() float64) (first, second []project.Example) {
	classes := map[string][]project.Example{}
	var responses, intents []string
	for _, ex := range examples {
		name := ex.FullIntent()
		if classes[name] == nil {
			if ex.ResponseKey != "" {
				responses = append(responses, name)
			} else {
				intents = append(intents, name)
			}
		}
		classes[name] = append(classes[name], ex)
	}
	// Rare ones first: there the proportion cannot be kept, and frequent ones make up for it.
	byCount := func(a, b string) int { return cmp.Compare(len(classes[a]), len(classes[b])) }
	slices.SortStableFunc(responses, byCount)
	slices.SortStableFunc(intents, byCount)
	seen := 0
	for _, name := range slices.Concat(responses, intents) {
		members := slices.Clone(classes[name])
		shuffle(members, random)
		seen += len(members)
		n := min(len(members)-1, max(1, int(float64(seen)*fraction)-len(first)))
		first, second = append(first, members[:n]...), append(second, members[n:]...)
	}
	return first, second
}
