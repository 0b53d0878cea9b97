// Package course writes down how a training went: a table of its figures and a picture of them. It is what parts do with
// Rasa's tensorboard_log_directory and tensorboard_log_level.
package course

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"

	"github.com/parleybot/parley/component"
)

// Recorder collects the figures of one training. A nil Recorder does nothing. It is used by one goroutine.
type Recorder struct {
	folder, name string
	byBatch      bool
	columns      []string
	rows         []row
}

type row struct {
	n       int
	figures []component.Metric
}

// New returns a Recorder that writes NAME.csv and NAME.png into folder, nil when folder is "". With level "batch" the
// rows are those of Batch, otherwise those of Epoch.
func New(folder, name, level string) *Recorder {
	if folder == "" {
		return nil
	}
	return &Recorder{folder: folder, name: name, byBatch: level == "batch"}
}

// Epoch adds the figures of epoch n, counted from 1. They are copied.
func (r *Recorder) Epoch(n int, figures []component.Metric) {
	if r != nil && !r.byBatch {
		r.add(n, figures)
	}
}

// Batch adds the figures of batch n of the whole training, counted from 1. They are copied.
func (r *Recorder) Batch(n int, figures []component.Metric) {
	if r != nil && r.byBatch {
		r.add(n, figures)
	}
}

func (r *Recorder) add(n int, figures []component.Metric) {
	for _, f := range figures {
		if !slices.Contains(r.columns, f.Name) {
			r.columns = append(r.columns, f.Name)
		}
	}
	r.rows = append(r.rows, row{n, slices.Clone(figures)})
}

// Write writes the files. Without rows there are none.
func (r *Recorder) Write() error {
	if r == nil || len(r.rows) == 0 {
		return nil
	}
	if err := os.MkdirAll(r.folder, 0o755); err != nil {
		return fmt.Errorf("making the folder of tensorboard_log_directory: %w", err)
	}
	file := filepath.Join(r.folder, r.name)
	if err := r.table(file + ".csv"); err != nil {
		return fmt.Errorf("writing the table of a training: %w", err)
	}
	if err := r.picture(file + ".png"); err != nil {
		return fmt.Errorf("drawing the course of a training: %w", err)
	}
	return nil
}

func (r *Recorder) unit() string {
	if r.byBatch {
		return "batch"
	}
	return "epoch"
}

// table writes a row an epoch or batch. A figure that a row does not have is an empty cell.
func (r *Recorder) table(file string) (err error) {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	w := csv.NewWriter(f)
	if err := w.Write(append([]string{r.unit()}, r.columns...)); err != nil {
		return err
	}
	for _, row := range r.rows {
		cells := make([]string, 1+len(r.columns))
		cells[0] = strconv.Itoa(row.n)
		for _, m := range row.figures {
			cells[1+slices.Index(r.columns, m.Name)] = strconv.FormatFloat(m.Value, 'g', 6, 64)
		}
		if err := w.Write(cells); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// picture draws a curve for each figure.
func (r *Recorder) picture(file string) error {
	p := plot.New()
	p.Title.Text = r.name
	p.X.Label.Text = r.unit()
	p.Legend.Top = true
	for i, name := range r.columns {
		line, err := plotter.NewLine(r.points(name))
		if err != nil {
			return err
		}
		line.Color, line.Dashes = plotutil.Color(i), plotutil.Dashes(i)
		p.Add(line)
		p.Legend.Add(name, line)
	}
	return p.Save(8*vg.Inch, 5*vg.Inch, file)
}

func (r *Recorder) points(name string) plotter.XYs {
	var out plotter.XYs
	for _, row := range r.rows {
		for _, m := range row.figures {
			if m.Name == name {
				out = append(out, plotter.XY{X: float64(row.n), Y: m.Value})
			}
		}
	}
	return out
}
