package cli

import (
	"cmp"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/model"
)

// trainingDisplay shows how far a training is: a bar for the parts on a terminal, with loss and accuracy of the part in
// work, and a log line for each part that ended. Its methods are called by one goroutine.
type trainingDisplay struct {
	bar     *progress
	log     *slog.Logger
	total   int
	began   time.Time
	cpu     time.Duration
	metrics []component.Metric
}

// watchTraining makes o tell a new display.
func (a *app) watchTraining(o *model.Options) *trainingDisplay {
	d := &trainingDisplay{bar: a.progress("training"), log: a.log}
	o.OnPart, o.Env.Progress = d.part, d.epoch
	return d
}

func (d *trainingDisplay) part(p model.Part) {
	d.bar.step(p.Name, p.Total, p.Done)
	d.total = p.Total
	if !p.Done {
		d.began, d.cpu, d.metrics = time.Now(), cpuTime(), nil
		return
	}
	if p.Reused {
		d.log.Info("part taken over from an earlier model", "component", p.Name)
		return
	}
	args := []any{"component", p.Name}
	if !d.began.IsZero() {
		args = append(args, "duration", time.Since(d.began).Round(time.Millisecond), "cpu", (cpuTime() - d.cpu).Round(time.Millisecond))
	}
	for _, m := range d.metrics {
		args = append(args, m.Name, fmt.Sprintf("%.3g", m.Value))
	}
	d.log.Info("part trained", args...)
	d.began = time.Time{}
}

func (d *trainingDisplay) epoch(p component.Progress) {
	d.metrics = p.Metrics
	d.bar.detail(describeEpoch(p))
}

// describeEpoch shows an epoch as Rasa's progress bar does.
func describeEpoch(p component.Progress) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d/%d", p.Done, p.Total)
	for _, m := range p.Metrics {
		fmt.Fprintf(&b, " %s=%.3g", m.Name, m.Value)
	}
	return b.String()
}

// close takes the display away and returns a sentence about what the process has used.
func (d *trainingDisplay) close() string {
	d.bar.close()
	cpu, memory := cpuTime(), peakMemory()
	if cmp.Or(int64(cpu), memory) == 0 {
		return ""
	}
	return fmt.Sprintf("Training used %.2f s of CPU time and at most %d MB of memory.", cpu.Seconds(), memory>>20)
}
