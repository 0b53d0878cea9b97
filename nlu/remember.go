package nlu

import (
	"sync"
	"sync/atomic"

	"github.com/parleybot/parley/internal/value"
)

// Unsteady marks a component that may find something else in the same text another time, because it asks a server or
// looks at the clock. Without one a pipeline remembers what it found in short texts.
type Unsteady interface {
	Component
	Unsteady()
}

const (
	// rememberedBytes is the longest text that is remembered, rememberedTexts how many are. People say the same short
	// things over and over; what is longer hardly comes twice.
	rememberedBytes = 64
	rememberedTexts = 1024
)

// remembered holds parse data by text. It may be used by several goroutines; the zero value is ready.
type remembered struct {
	texts sync.Map // string to *value.Map
	count atomic.Int64
}

// get returns a copy of what was found in text, nil when it is not remembered.
func (r *remembered) get(text string) *value.Map {
	if found, ok := r.texts.Load(text); ok {
		return found.(*value.Map).Clone()
	}
	return nil
}

// put keeps a copy of what was found in text. When there are too many, all are forgotten: those that matter are soon
// said again.
func (r *remembered) put(text string, found *value.Map) {
	if len(text) > rememberedBytes {
		return
	}
	if r.count.Add(1) > rememberedTexts {
		r.texts.Clear()
		r.count.Store(1)
	}
	r.texts.Store(text, found.Clone())
}
