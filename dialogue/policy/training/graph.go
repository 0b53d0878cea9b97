package training

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// graph holds the steps in an order in which each comes behind those that lead to it (StoryGraph).
type graph struct {
	steps []*step
	// order are the steps in topological order, cyclic the edges that had to be ignored for it.
	order  []*step
	cyclic [][2]*step
	// sources maps the end checkpoint of a cut cycle to the start checkpoint where it goes on.
	sources map[string]string
}

func newGraph(steps []*step, sources map[string]string) *graph {
	g := &graph{steps: steps, sources: sources}
	g.sort()
	return g
}

// sort is StoryGraph.topological_sort: depth first from the last step by id, children by id.
func (g *graph) sort() {
	starting := map[string][]*step{}
	for _, s := range g.steps {
		for _, c := range *s.starts {
			starting[c.name] = append(starting[c.name], s)
		}
	}
	byID := func(a, b *step) int { return strings.Compare(a.id, b.id) }
	const gray, black = 1, 2
	color := map[*step]int{}
	var reversed []*step
	var visit func(s *step)
	visit = func(s *step) {
		color[s] = gray
		var children []*step
		for _, end := range s.ends {
			for _, child := range starting[end.name] {
				if !slices.Contains(children, child) {
					children = append(children, child)
				}
			}
		}
		slices.SortFunc(children, byID)
		for _, child := range children {
			switch color[child] {
			case gray:
				g.cyclic = append(g.cyclic, [2]*step{s, child})
			case 0:
				visit(child)
			}
		}
		reversed = append(reversed, s)
		color[s] = black
	}
	sorted := slices.SortedFunc(slices.Values(g.steps), byID)
	for i := len(sorted) - 1; i >= 0; i-- {
		if color[sorted[i]] == 0 {
			visit(sorted[i])
		}
	}
	slices.Reverse(reversed)
	g.order = reversed
	sort.Slice(g.cyclic, func(i, j int) bool {
		a, b := g.cyclic[i], g.cyclic[j]
		if a[0].id != b[0].id {
			return a[0].id < b[0].id
		}
		return a[1].id < b[1].id
	})
}

// withoutCycles replaces each cycle by checkpoints that end and start it (StoryGraph.with_cycles_removed).
func (g *graph) withoutCycles() *graph {
	sources := map[string]string{}
	steps := make([]*step, len(g.steps))
	index := map[string]int{}
	for i, s := range g.steps {
		c := *s
		steps[i] = &c
		index[s.id] = i
	}
	overlapping := map[string]bool{}
	for n, edge := range g.cyclic {
		id := fmt.Sprintf("%05x", n)
		prefix := generatedPrefix + "CYCL_"
		sink, connector, source := prefix+"SINK_"+id, prefix+"CONN_"+id, prefix+"SRC_"+id
		sources[sink] = source
		from, to := steps[index[edge[0].id]], steps[index[edge[1].id]]
		shared := map[string]bool{}
		for _, end := range from.ends {
			if hasName(*to.starts, end.name) {
				shared[end.name] = true
				overlapping[end.name] = true
			}
		}
		from.ends = append(without(from.ends, shared), checkpoint{name: sink})
		if redirect(steps, to, shared, source, connector) {
			from.ends = append(from.ends, checkpoint{name: connector})
		}
	}
	return newGraph(removeUnused(steps, overlapping, sources), sources)
}

// redirect gives every step that starts at a shared checkpoint a start of its own: source for the step to, connector for
// the others. It reports whether there are others.
func redirect(steps []*step, to *step, shared map[string]bool, source, connector string) (others bool) {
	for _, s := range steps {
		var more []checkpoint
		for _, c := range *s.starts {
			if !shared[c.name] {
				continue
			}
			name := source
			if s != to {
				name, others = connector, true
			}
			if !slices.ContainsFunc(*s.starts, func(have checkpoint) bool { return have.name == name && sameConditions(have, c) }) {
				more = append(more, checkpoint{name, c.conditions})
			}
		}
		*s.starts = append(*s.starts, more...)
	}
	return others
}

func sameConditions(a, b checkpoint) bool {
	return fmt.Sprint(a.conditions) == fmt.Sprint(b.conditions)
}

func without(list []checkpoint, names map[string]bool) []checkpoint {
	var out []checkpoint
	for _, c := range list {
		if !names[c.name] {
			out = append(out, c)
		}
	}
	return out
}

// removeUnused removes checkpoints that cutting cycles left without counterpart, and steps that had no others.
func removeUnused(steps []*step, overlapping map[string]bool, sources map[string]string) []*step {
	starts, ends := map[string]bool{storyStart: true}, map[string]bool{storyStart: true}
	for _, s := range steps {
		for _, c := range *s.starts {
			starts[c.name] = true
		}
		for _, c := range s.ends {
			ends[startOf(sources, c.name)] = true
		}
	}
	unusedStarts, unusedEnds := map[string]bool{}, map[string]bool{}
	note := func(name string) {
		if overlapping[name] {
			unusedStarts[name] = true
		}
		if strings.HasPrefix(name, generatedPrefix) {
			unusedEnds[name] = true
		}
	}
	for name := range starts {
		if !ends[name] {
			note(name)
		}
	}
	for name := range ends {
		if !starts[name] {
			note(name)
		}
	}
	var kept []*step
	for _, s := range steps {
		hadStarts, hadEnds := len(*s.starts) > 0, len(s.ends) > 0
		starts := without(*s.starts, unusedStarts)
		s.starts, s.ends = &starts, without(s.ends, unusedEnds)
		if hadStarts && len(starts) == 0 || hadEnds && len(s.ends) == 0 {
			continue
		}
		kept = append(kept, s)
	}
	return kept
}

func startOf(sources map[string]string, end string) string {
	if start, ok := sources[end]; ok {
		return start
	}
	return end
}
