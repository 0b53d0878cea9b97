package countvectors

import (
	"maps"
	"slices"

	"github.com/parleybot/parley/internal/ml"
)

// vocabulary maps a term to its column.
type vocabulary map[string]int

// limits says which terms are kept.
type limits struct {
	// minDF and maxDF are numbers of documents (int64) or parts of all documents (float64).
	minDF, maxDF any
	// features is the number of most frequent terms to keep, nil for all.
	features *int
}

func validFrequency(v any) bool {
	switch n := v.(type) {
	case int64:
		return n >= 0
	case float64:
		return 0 <= n && n <= 1
	}
	return false
}

func documents(v any, all int) float64 {
	if n, ok := v.(int64); ok {
		return float64(n)
	}
	return v.(float64) * float64(all)
}

type statistics struct {
	// texts is in how many documents the term occurs, total how often in all of them.
	texts, total int
	last         int
}

// fit collects the terms of documents, columns in alphabetical order. It returns nil when no term remains.
func fit(docs []string, a *analyzer, l limits) vocabulary {
	terms := make(map[string]*statistics)
	for i, doc := range docs {
		a.each(doc, func(term string) {
			s := terms[term]
			if s == nil {
				s = &statistics{last: -1}
				terms[term] = s
			}
			s.total++
			if s.last != i {
				s.texts++
				s.last = i
			}
		})
	}
	low, high := documents(l.minDF, len(docs)), documents(l.maxDF, len(docs))
	if high < low {
		return nil
	}
	var kept []string
	for _, term := range slices.Sorted(maps.Keys(terms)) {
		if n := float64(terms[term].texts); low <= n && n <= high {
			kept = append(kept, term)
		}
	}
	if l.features != nil && len(kept) > *l.features {
		kept = mostFrequent(kept, terms, *l.features)
	}
	if len(kept) == 0 {
		return nil
	}
	v := make(vocabulary, len(kept))
	for i, term := range kept {
		v[term] = i
	}
	return v
}

// mostFrequent keeps the n terms with the highest counts. Which of equals are kept depends on the sort algorithm, so it
// is numpy's.
func mostFrequent(terms []string, s map[string]*statistics, n int) []string {
	keys := make([]int, len(terms))
	for i, term := range terms {
		keys[i] = -s[term].total
	}
	order := ml.Argsort(keys)[:n]
	slices.Sort(order)
	out := make([]string, n)
	for i, k := range order {
		out[i] = terms[k]
	}
	return out
}

// counter counts the terms of texts.
type counter struct {
	analyze    *analyzer
	vocabulary vocabulary
	// weights are those of the columns, nil for plain counts.
	weights []float64
	columns []int
}

// row appends the counts of a text to out, weighed if there are weights.
func (c *counter) row(text string, out *ml.Sparse) {
	c.columns = c.columns[:0]
	c.analyze.each(text, func(term string) {
		if column, ok := c.vocabulary[term]; ok {
			c.columns = append(c.columns, column)
		}
	})
	slices.Sort(c.columns)
	from := len(out.Val)
	for i := 0; i < len(c.columns); {
		j := i
		for j < len(c.columns) && c.columns[j] == c.columns[i] {
			j++
		}
		out.Add(c.columns[i], float64(j-i))
		i = j
	}
	if c.weights != nil {
		weigh(out.Col[from:], out.Val[from:], c.weights)
	}
	out.EndRow()
}
