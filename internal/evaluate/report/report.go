// Package report writes what an evaluation found: the files of `rasa test` with Rasa's names and contents
// (rasa/nlu/test.py, rasa/core/test.py, 3.6.21), and beside them parley's own: parley_summary.json, which has every figure
// in one place, parley_entity_spans.json, and report.html, a page that shows the errors first.
package report

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/parleybot/parley/internal/evaluate"
	"github.com/parleybot/parley/internal/evaluate/chart"
	"github.com/parleybot/parley/internal/value"
)

// The names of parley's own files.
const (
	SummaryFile = "parley_summary.json"
	SpansFile   = "parley_entity_spans.json"
	PageFile    = "report.html"
)

// Options say what is written.
type Options struct {
	// Dir is the folder for the files.
	Dir string
	// Successes and Errors write right and wrong predictions, Warnings the stories with warnings, Plots pictures.
	Successes, Errors, Warnings, Plots bool
	// Title is the heading of the page, Model the name of the model on it.
	Title, Model string
	// Log is told of every file.
	Log *slog.Logger
}

// Report writes the files of one evaluation.
type Report struct {
	Options
	intents, responses *evaluate.Evaluation
	entities           []*evaluate.EntityEvaluation
	results            evaluate.Results
	spans              *evaluate.SpanScores
	stories            []evaluate.Story
	storyMetrics       *evaluate.Metrics
	pictures           []picture
	finished           bool
}

// New makes the folder.
func New(o Options) (*Report, error) {
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("creating the folder for the results: %w", err)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Report{Options: o}, nil
}

// NLU evaluates results and writes the files about intents, responses and entities. The error may wrap
// evaluate.ErrOverlap.
func (r *Report) NLU(found evaluate.Results) error {
	r.results = found
	r.intents, r.responses = evaluate.Labels(found.Intents), evaluate.Labels(found.Responses)
	if r.intents != nil {
		if err := r.labels(r.intents, "intent", "Intent Confusion matrix", "Intent", evaluate.IntentItem); err != nil {
			return err
		}
	}
	if r.responses != nil {
		if err := r.labels(r.responses, "response_selection", "Response Selection Confusion Matrix", "Response Selection", evaluate.ResponseItem); err != nil {
			return err
		}
	}
	if len(found.Entities) == 0 {
		return nil
	}
	spans := evaluate.Spans(found.Entities)
	r.spans = &spans
	if err := r.json(SpansFile, spans.AsMap()); err != nil {
		return err
	}
	var err error
	r.entities, err = r.extractors(found.Entities, evaluate.Extractors(found.Entities))
	return err
}

// labels writes the files of intents or responses.
func (r *Report) labels(e *evaluate.Evaluation, prefix, title, what string, item func(evaluate.Prediction) *value.Map) error {
	err := r.json(prefix+"_report.json", e.Report)
	if r.Successes {
		err = errors.Join(err, r.list(prefix+"_successes.json", e.Items(true, item)))
	}
	if r.Errors {
		err = errors.Join(err, r.list(prefix+"_errors.json", e.Items(false, item)))
	}
	if err != nil || !r.Plots {
		return err
	}
	if err := r.matrix(prefix+"_confusion_matrix.png", title, e.Matrix); err != nil {
		return err
	}
	var right, wrong []float64
	for _, p := range e.Predictions {
		c, ok := p.Confidence.(float64)
		switch {
		case !ok:
		case p.Target == p.Label:
			right = append(right, c)
		default:
			wrong = append(wrong, c)
		}
	}
	return r.histogram(prefix+"_histogram.png", what+" Prediction Confidence Distribution", right, wrong)
}

// extractors writes the files of entity extractors.
func (r *Report) extractors(list []evaluate.EntityResult, names []string) ([]*evaluate.EntityEvaluation, error) {
	all, err := evaluate.Entities(list, names)
	if err != nil {
		return nil, err
	}
	for _, e := range all {
		err := r.json(e.Extractor+"_report.json", e.Report)
		if r.Successes {
			err = errors.Join(err, r.list(e.Extractor+"_successes.json", e.Successes()))
		}
		if r.Errors {
			err = errors.Join(err, r.list(e.Extractor+"_errors.json", e.Errors()))
		}
		if r.Plots {
			err = errors.Join(err, r.matrix(e.Extractor+"_confusion_matrix.png", "Entity Confusion matrix", e.Matrix))
		}
		if r.Plots && e.HasConfidences() {
			err = errors.Join(err, r.histogram(e.Extractor+"_histogram.png", "Entity Prediction Confidence Distribution", e.Right, e.Wrong))
		}
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (r *Report) path(name string) string { return filepath.Join(r.Dir, name) }

// json writes v as Rasa writes JSON files.
func (r *Report) json(name string, v any) error {
	return r.write(name, value.Encode(v, value.Indent2|value.Unicode))
}

// list writes a list unless it is empty.
func (r *Report) list(name string, items []any) error {
	if len(items) == 0 {
		return nil
	}
	return r.json(name, items)
}

func (r *Report) write(name string, data []byte) error {
	if err := os.WriteFile(r.path(name), data, 0o644); err != nil {
		return fmt.Errorf("writing the results: %w", err)
	}
	r.Log.Debug("file written", "file", r.path(name))
	return nil
}

func (r *Report) matrix(name, title string, m evaluate.Matrix) error {
	if err := chart.Confusion(r.path(name), title, m.Labels, m.Counts); err != nil {
		return err
	}
	r.pictures = append(r.pictures, picture{Title: title, Name: name})
	return nil
}

func (r *Report) histogram(name, title string, right, wrong []float64) error {
	err := chart.Confidences(r.path(name), title, right, wrong)
	if errors.Is(err, chart.ErrNoData) {
		r.Log.Warn("no confidences to draw", "file", r.path(name))
		return nil
	}
	if err == nil {
		r.pictures = append(r.pictures, picture{Title: title, Name: name})
	}
	return err
}
