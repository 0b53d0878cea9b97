package diet

import (
	"log/slog"

	"github.com/parleybot/parley/component"
)

// recorder writes how training goes to the folder of tensorboard_log_directory.
type recorder struct{}

func newRecorder(*Options, *slog.Logger) *recorder { return &recorder{} }

func (r *recorder) row(int, []component.Metric, []component.Metric) {}

func (r *recorder) finish() error { return nil }
