package report

import (
	"fmt"
	"strings"

	"github.com/parleybot/parley/internal/evaluate"
	"github.com/parleybot/parley/internal/value"
)

// Finish writes parley_summary.json and report.html.
func (r *Report) Finish() error {
	if err := r.json(SummaryFile, r.summary()); err != nil {
		return err
	}
	r.finished = true
	return r.page()
}

// summary has the figures that are looked at first.
func (r *Report) summary() *value.Map {
	out := &value.Map{}
	if r.storyMetrics != nil {
		right, warned := r.counts()
		out.Set("stories", value.NewMap("total", int64(len(r.stories)), "correct", int64(right), "with_warnings", int64(warned)))
		out.Set("actions", figures(*r.storyMetrics))
	}
	if r.intents != nil {
		out.Set("intent", figures(r.intents.Metrics).Set("messages", int64(len(r.intents.Predictions))))
	}
	if r.responses != nil {
		out.Set("response_selection", figures(r.responses.Metrics).Set("messages", int64(len(r.responses.Predictions))))
	}
	if r.spans != nil {
		extractors := &value.Map{}
		for _, e := range r.entities {
			extractors.Set(e.Extractor, figures(e.Metrics))
		}
		out.Set("entities", value.NewMap("spans", r.spans.All.AsMap(), "spans with roles and groups", r.spans.Labels.AsMap(), "tokens", extractors))
	}
	return out
}

// counts are the stories that went right, and those among them with warnings.
func (r *Report) counts() (right, warned int) {
	for _, s := range r.stories {
		if !s.Failed {
			right++
		}
		if s.Warned {
			warned++
		}
	}
	return right, warned
}

func figures(m evaluate.Metrics) *value.Map {
	f1 := func(name string) any { return m.Report.Map(name).Value("f1-score") }
	return value.NewMap("accuracy", m.Accuracy, "weighted precision", m.Precision, "weighted f1-score", m.F1, "micro f1-score", f1("micro avg"),
		"macro f1-score", f1("macro avg"))
}

// Text is the summary for a terminal, "" before Finish.
func (r *Report) Text() string {
	if !r.finished {
		return ""
	}
	var b strings.Builder
	line := func(what, format string, args ...any) {
		fmt.Fprintf(&b, "%-10s %s\n", what, fmt.Sprintf(format, args...))
	}
	if r.storyMetrics != nil {
		right, warned := r.counts()
		line("stories", "%d of %d correct, %d with warnings", right, len(r.stories), warned)
	}
	for _, e := range []struct {
		what string
		*evaluate.Evaluation
	}{{"intents", r.intents}, {"responses", r.responses}} {
		if e.Evaluation != nil {
			line(e.what, "accuracy %.3f, weighted F1 %.3f (%d messages, %d wrong)", e.Accuracy, e.F1, len(e.Predictions),
				len(e.Items(false, evaluate.IntentItem)))
		}
	}
	if r.spans != nil {
		line("entities", "F1 %.3f (exact spans: %d expected, %d predicted, %d right)", r.spans.All.F1(), r.spans.All.Expected,
			r.spans.All.Predicted, r.spans.All.Correct)
	}
	for _, e := range r.entities {
		micro, _ := e.Report.Map("micro avg").Value("f1-score").(float64)
		line("", "%s: token micro F1 %.3f, weighted F1 %.3f", e.Extractor, micro, e.F1)
	}
	line("report", "%s", r.path(PageFile))
	return b.String()
}
