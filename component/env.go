package component

import (
	"log/slog"
	"math/rand/v2"
	"time"
)

// Env is what a part gets from the process it runs in. The zero Env is usable: no log, the system's clock, the
// process-wide random source, nobody who watches.
type Env struct {
	// Logger is labelled with the part by whoever wires it.
	Logger *slog.Logger
	// Now is the clock.
	Now func() time.Time
	// Random returns a number in [0, 1). It may be called by several goroutines.
	Random func() float64
	// Progress is told how far the training of one part is. It is called by one goroutine at a time and must be quick.
	Progress func(Progress)
}

// Progress is how far the training of one part is.
type Progress struct {
	// Done of Total epochs, or steps, are over.
	Done, Total int
	// Metrics are in the order in which they are to be shown.
	Metrics []Metric
}

// Metric is a figure of a training, under the name that Rasa's progress bar shows ("t_loss", "i_acc").
type Metric struct {
	Name  string
	Value float64
}

// WithDefaults returns e with everything absent filled in.
func (e Env) WithDefaults() Env {
	if e.Logger == nil {
		e.Logger = slog.New(slog.DiscardHandler)
	}
	if e.Now == nil {
		e.Now = time.Now
	}
	if e.Random == nil {
		e.Random = rand.Float64
	}
	if e.Progress == nil {
		e.Progress = func(Progress) {}
	}
	return e
}

// With returns e with the logger labelled by name under key "component" (or "policy").
func (e Env) With(key, name string) Env {
	e = e.WithDefaults()
	e.Logger = e.Logger.With(key, name)
	return e
}
