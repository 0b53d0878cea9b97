package neural

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/parleybot/parley/component"
)

// trainingLog is a table of how a training went, a row an epoch or a batch (options tensorboard_log_directory and
// tensorboard_log_level).
type trainingLog struct {
	dir     string
	byBatch bool
	rows    int
	text    bytes.Buffer
	columns int
}

func newLog(dir, level string) (*trainingLog, error) {
	if dir != "" {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, fmt.Errorf("making the folder of tensorboard_log_directory: %w", err)
		}
	}
	return &trainingLog{dir: dir, byBatch: level == "batch"}, nil
}

func (l *trainingLog) epoch(_ int, list []component.Metric) {
	if !l.byBatch {
		l.add("epoch", list)
	}
}

func (l *trainingLog) batch(list []component.Metric) {
	if l.byBatch {
		l.add("batch", list)
	}
}

func (l *trainingLog) add(unit string, list []component.Metric) {
	if l.dir == "" {
		return
	}
	if len(list) > l.columns {
		l.columns = len(list)
		l.text.WriteString(unit)
		for _, m := range list {
			l.text.WriteString("," + m.Name)
		}
		l.text.WriteByte('\n')
	}
	l.rows++
	l.text.WriteString(strconv.Itoa(l.rows))
	for _, m := range list {
		l.text.WriteString("," + strconv.FormatFloat(m.Value, 'g', 6, 64))
	}
	l.text.WriteByte('\n')
}

// close writes the table to metrics.csv.
func (l *trainingLog) close() error {
	if l.dir == "" {
		return nil
	}
	if err := os.WriteFile(filepath.Join(l.dir, "metrics.csv"), l.text.Bytes(), 0o644); err != nil {
		return fmt.Errorf("writing the table of metrics: %w", err)
	}
	return nil
}
