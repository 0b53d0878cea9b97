package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/parleybot/parley/internal/ml/f32"
)

const modelFile = "models/model.tar.gz"

// multiply prints the speed of matrix products of the shapes that networks for messages have, beside the machine's peak.
func multiply() {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	peak := f32.MeasurePeak(200 * time.Millisecond)
	figure("peak of multiply-adds, one core", fmt.Sprintf("%.0f GFLOP/s", peak), "")
	for _, shape := range [][3]int{{256, 256, 256}, {256, 256, 1024}, {256, 1024, 256}, {64, 128, 256}} {
		speed := f32.MeasureMatMul(200*time.Millisecond, shape[0], shape[1], shape[2])
		figure(fmt.Sprintf("product of %dx%d by %dx%d", shape[0], shape[1], shape[1], shape[2]),
			fmt.Sprintf("%.0f GFLOP/s", speed), "")
	}
}

// usage is what a process used.
type usage struct {
	cpu       time.Duration
	megabytes float64
}

// command runs parley in dir and returns what it used.
func (b *bench) command(ctx context.Context, dir string, args ...string) (usage, error) {
	cmd := exec.CommandContext(ctx, b.parley, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		return usage{}, fmt.Errorf("parley %s: %w: %s", strings.Join(args, " "), err, out)
	}
	u := usage{cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if r, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		u.megabytes = float64(r.Maxrss) / 1024
	}
	return u, nil
}

// dataSets trains and tests the rows of the table.
func (b *bench) dataSets(ctx context.Context) error {
	for _, r := range rows {
		name := fmt.Sprintf("%s/%s, %s", r.data, strings.TrimSuffix(r.train, ".yml"), r.name)
		if !strings.Contains(name, b.only) {
			continue
		}
		mean := outcome{}
		for _, seed := range b.seeds {
			o, err := b.trainAndTest(ctx, r, seed)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			n := float64(len(b.seeds))
			mean.cpu += o.cpu / n
			mean.megabytes = max(mean.megabytes, o.megabytes)
			mean.intents += o.intents / n
			mean.entities += o.entities / n
		}
		report(name, mean, r.rasa)
	}
	return nil
}

func report(name string, o, rasa outcome) {
	known := func(v float64, format string) string {
		if v == 0 {
			return ""
		}
		return fmt.Sprintf(format, v)
	}
	figure(name+": training, CPU", fmt.Sprintf("%.2f s", o.cpu), known(rasa.cpu, "%.0f s"))
	figure(name+": training, peak memory", fmt.Sprintf("%.0f MB", o.megabytes), known(rasa.megabytes, "%.0f MB"))
	figure(name+": intents, weighted F1", fmt.Sprintf("%.3f", o.intents), known(rasa.intents, "%.3f"))
	if o.entities > 0 || rasa.entities > 0 {
		figure(name+": entities, exact F1", fmt.Sprintf("%.3f", o.entities), known(rasa.entities, "%.3f"))
	}
}

func (b *bench) trainAndTest(ctx context.Context, r row, seed int) (outcome, error) {
	dir, err := os.MkdirTemp(b.dir, r.data)
	if err != nil {
		return outcome{}, fmt.Errorf("making a folder: %w", err)
	}
	config := strings.ReplaceAll(r.config, "SEED", strconv.Itoa(seed))
	if err := os.WriteFile(filepath.Join(dir, "config.yml"), []byte(config), 0o600); err != nil {
		return outcome{}, fmt.Errorf("writing the configuration: %w", err)
	}
	data, err := filepath.Abs(filepath.Join(b.data, r.data))
	if err != nil {
		return outcome{}, fmt.Errorf("finding the data: %w", err)
	}
	u, err := b.command(ctx, dir, "train", "nlu", "-u", filepath.Join(data, r.train), "--fixed-model-name", "model")
	if err != nil {
		return outcome{}, err
	}
	if _, err := b.command(ctx, dir, "test", "nlu", "-u", filepath.Join(data, r.test), "-m", modelFile, "--out", "results", "--no-plot"); err != nil {
		return outcome{}, err
	}
	o := outcome{cpu: u.cpu.Seconds(), megabytes: u.megabytes}
	if o.intents, err = score(filepath.Join(dir, "results", "intent_report.json"), "weighted avg"); err != nil {
		return o, err
	}
	spans := filepath.Join(dir, "results", "parley_entity_spans.json")
	if _, err := os.Stat(spans); err == nil {
		o.entities, err = score(spans, "micro avg")
		return o, err
	}
	return o, nil
}

// score reads the F1 of a row of a report.
func score(file, row string) (float64, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return 0, fmt.Errorf("reading a report: %w", err)
	}
	var report map[string]json.RawMessage
	if err := json.Unmarshal(data, &report); err != nil {
		return 0, fmt.Errorf("reading %s: %w", file, err)
	}
	var r struct {
		F1 float64 `json:"f1-score"`
	}
	if err := json.Unmarshal(report[row], &r); err != nil {
		return 0, fmt.Errorf("reading %q of %s: %w", row, file, err)
	}
	return r.F1, nil
}
