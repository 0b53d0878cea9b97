// Package metrics writes numbers in the text format that Prometheus reads (version 0.0.4). It is no registry: whoever has
// numbers writes them when they are asked for. The usual library would bring a dozen modules and a registry for what is a
// line of text a number here.
package metrics

import (
	"math"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// ContentType is that of the text.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// Kind is what a number is.
type Kind string

// The kinds of numbers. A summary here is a sum and a count, without quantiles.
const (
	Counter Kind = "counter"
	Gauge   Kind = "gauge"
	Summary Kind = "summary"
)

// Writer collects the text. The samples of a name have to come one after the other.
type Writer struct {
	text strings.Builder
	last string
}

// Add writes a sample. labels are names and values in turn.
func (w *Writer) Add(kind Kind, name, help string, v float64, labels ...string) {
	w.head(kind, name, help)
	w.sample(name, v, labels)
}

// AddDuration writes how often something took place and how long it took altogether, in seconds.
func (w *Writer) AddDuration(name, help string, d *Durations, labels ...string) {
	w.head(Summary, name, help)
	w.sample(name+"_sum", time.Duration(d.total.Load()).Seconds(), labels)
	w.sample(name+"_count", float64(d.count.Load()), labels)
}

var helpText = strings.NewReplacer(`\`, `\\`, "\n", `\n`)

func (w *Writer) head(kind Kind, name, help string) {
	if name != w.last {
		w.text.WriteString("# HELP " + name + " " + helpText.Replace(help) + "\n# TYPE " + name + " " + string(kind) + "\n")
		w.last = name
	}
}

var labelText = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

func (w *Writer) sample(name string, v float64, labels []string) {
	w.text.WriteString(name)
	for i := 0; i+1 < len(labels); i += 2 {
		separator := ","
		if i == 0 {
			separator = "{"
		}
		w.text.WriteString(separator + labels[i] + `="` + labelText.Replace(labels[i+1]) + `"`)
	}
	if len(labels) > 1 {
		w.text.WriteByte('}')
	}
	w.text.WriteString(" " + number(v) + "\n")
}

func number(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "+Inf"
	case math.IsInf(v, -1):
		return "-Inf"
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// String returns the text so far.
func (w *Writer) String() string { return w.text.String() }

// Durations counts something and adds up how long it took. It is safe for concurrent use.
type Durations struct{ count, total atomic.Int64 }

// Add counts one more.
func (d *Durations) Add(took time.Duration) {
	d.count.Add(1)
	d.total.Add(int64(took))
}

// Count returns how many were counted.
func (d *Durations) Count() int64 { return d.count.Load() }
