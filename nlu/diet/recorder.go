package diet

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"

	"github.com/parleybot/parley/component"
)

// recorder keeps how training goes for the folder of tensorboard_log_directory: a table, and a picture of it. A nil recorder
// does nothing.
type recorder struct {
	folder, name, unit string
	columns            []string
	rows               [][]string
	curves             map[string]plotter.XYs
}

// newRecorder returns nil when nothing is to be recorded. names are those of the figures, name that of the files.
func newRecorder(o *Options, name string, names []string, held bool) *recorder {
	if o.TensorboardDir == "" {
		return nil
	}
	r := &recorder{folder: o.TensorboardDir, name: name, unit: "epoch", columns: names, curves: map[string]plotter.XYs{}}
	if o.TensorboardLevel == "batch" {
		r.unit = "batch"
	}
	if held {
		for _, n := range names {
			r.columns = append(r.columns[:len(r.columns):len(r.columns)], "val_"+n)
		}
	}
	return r
}

// row adds a row for epoch or step number n.
func (r *recorder) row(n int, trained, held []component.Metric) {
	if r == nil {
		return
	}
	cells := make([]string, 1+len(r.columns))
	cells[0] = strconv.Itoa(n)
	note := func(at int, metrics []component.Metric) {
		for i, m := range metrics {
			cells[1+at+i] = strconv.FormatFloat(m.Value, 'g', 6, 64)
			name := r.columns[at+i]
			r.curves[name] = append(r.curves[name], plotter.XY{X: float64(n), Y: m.Value})
		}
	}
	note(0, trained)
	if len(held) > 0 {
		note(len(r.columns)-len(held), held)
	}
	r.rows = append(r.rows, cells)
}

// finish writes the files.
func (r *recorder) finish() error {
	if r == nil || len(r.rows) == 0 {
		return nil
	}
	if err := os.MkdirAll(r.folder, 0o755); err != nil {
		return fmt.Errorf("making the folder of tensorboard_log_directory: %w", err)
	}
	if err := r.table(filepath.Join(r.folder, r.name+".csv")); err != nil {
		return fmt.Errorf("writing the table of a training: %w", err)
	}
	if err := r.picture(filepath.Join(r.folder, r.name+".png")); err != nil {
		return fmt.Errorf("drawing the course of a training: %w", err)
	}
	return nil
}

func (r *recorder) table(file string) (err error) {
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
	if err := w.Write(append([]string{r.unit}, r.columns...)); err != nil {
		return err
	}
	return w.WriteAll(r.rows)
}

// picture draws a curve for each figure.
func (r *recorder) picture(file string) error {
	p := plot.New()
	p.Title.Text = r.name
	p.X.Label.Text = r.unit
	p.Legend.Top = true
	for i, name := range r.columns {
		points := r.curves[name]
		if len(points) == 0 {
			continue
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return err
		}
		line.Color, line.Dashes = plotutil.Color(i), plotutil.Dashes(i)
		p.Add(line)
		p.Legend.Add(name, line)
	}
	return p.Save(8*vg.Inch, 5*vg.Inch, file)
}
