package evaluate

import (
	"maps"
	"slices"

	"github.com/parleybot/parley/internal/value"
)

// Metrics are the numbers for a list of targets and the predictions for them.
type Metrics struct {
	// Report has for each target label, for the averages and for "accuracy" what scikit-learn's classification_report
	// has.
	Report *value.Map
	// Precision and F1 are weighted by the labels' frequency; Accuracy is the share of equal pairs.
	Precision, F1, Accuracy float64
}

// counts are what the scores of one label are made of.
type counts struct{ correct, predicted, support int }

func (c counts) precision() float64 { return ratio(c.correct, c.predicted) }
func (c counts) recall() float64    { return ratio(c.correct, c.support) }

func (c counts) f1() float64 {
	p, r := c.precision(), c.recall()
	if p+r == 0 {
		return 0
	}
	return 2 * p * r / (p + r)
}

func (c counts) row() *value.Map { return row(c.precision(), c.recall(), c.f1(), c.support) }

func row(precision, recall, f1 float64, support int) *value.Map {
	return value.NewMap("precision", precision, "recall", recall, "f1-score", f1, "support", int64(support))
}

func ratio(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// Compare computes the metrics of predictions, which has an item for each of targets. The label exclude, if it is not
// "", does not count as one (get_evaluation_metrics).
func Compare(targets, predictions []string, exclude string) Metrics {
	byLabel := map[string]counts{}
	equal := 0
	for i, t := range targets {
		c := byLabel[t]
		c.support++
		if predictions[i] == t {
			c.correct++
			equal++
		}
		byLabel[t] = c
		p := byLabel[predictions[i]]
		p.predicted++
		byLabel[predictions[i]] = p
	}
	all := slices.Sorted(maps.Keys(byLabel))
	labels := slices.DeleteFunc(slices.Clone(all), func(l string) bool {
		return byLabel[l].support == 0 || exclude != "" && l == exclude
	})
	if len(labels) == 0 {
		return Metrics{Report: &value.Map{}}
	}
	m := Metrics{Report: &value.Map{}, Accuracy: ratio(equal, len(targets))}
	rows := make([]counts, len(labels))
	for i, l := range labels {
		rows[i] = byLabel[l]
		m.Report.Set(l, rows[i].row())
	}
	weighted := weightedAverage(rows)
	m.Precision, m.F1 = weighted.precision, weighted.f1
	m.addAverages(rows, weighted, len(labels) == len(all))
	return m
}

// addAverages adds what stands below the labels. When every label counts, micro average and accuracy are the same.
func (m *Metrics) addAverages(rows []counts, weighted average, complete bool) {
	sum := total(rows)
	macro := macroAverage(rows)
	m.Report.Set("micro avg", sum.row())
	if complete {
		m.Report.Set("micro avg", row(m.Accuracy, m.Accuracy, m.Accuracy, sum.support))
	}
	m.Report.Set("macro avg", row(macro.precision, macro.recall, macro.f1, sum.support)).
		Set("weighted avg", row(weighted.precision, weighted.recall, weighted.f1, sum.support)).
		Set("accuracy", m.Accuracy)
}

func total(rows []counts) counts {
	var sum counts
	for _, c := range rows {
		sum.correct += c.correct
		sum.predicted += c.predicted
		sum.support += c.support
	}
	return sum
}

type average struct{ precision, recall, f1 float64 }

func macroAverage(rows []counts) average {
	var a average
	for _, c := range rows {
		a.precision += c.precision()
		a.recall += c.recall()
		a.f1 += c.f1()
	}
	n := float64(len(rows))
	return average{a.precision / n, a.recall / n, a.f1 / n}
}

func weightedAverage(rows []counts) average {
	var a average
	n := 0.0
	for _, c := range rows {
		w := float64(c.support)
		a.precision += c.precision() * w
		a.recall += c.recall() * w
		a.f1 += c.f1() * w
		n += w
	}
	return average{a.precision / n, a.recall / n, a.f1 / n}
}

// addConfusions adds to each label which other labels were predicted for it: those among the three most frequent
// predictions (_add_confused_labels_to_report).
func (m *Metrics) addConfusions(matrix Matrix, exclude string) {
	excluded := func(l string) bool { return exclude != "" && l == exclude }
	for i, target := range matrix.Labels {
		entry := m.Report.Map(target)
		if excluded(target) || entry == nil {
			continue
		}
		confused := &value.Map{}
		ranked := argsort(matrix.Counts[i])
		slices.Reverse(ranked)
		for _, j := range ranked[:min(3, len(ranked))] {
			l, n := matrix.Labels[j], matrix.Counts[i][j]
			if l != target && !excluded(l) && n > 0 {
				confused.Set(l, int64(n))
			}
		}
		entry.Set("confused_with", confused)
	}
}
