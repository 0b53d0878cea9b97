package archive

import (
	"log/slog"
)

// historyDepth is how many earlier models are looked at. More than one, because `train nlu` and `train core` leave
// models with one half each.
const historyDepth = 8

// History is where training looks for parts it need not train again: the newest models of a folder, or models in
// memory. Archives are read when they are first needed. The zero value is empty; it is used by one goroutine.
type History struct {
	files  []string
	loaded []*Archive
	log    *slog.Logger
}

// NewHistory returns the history of a folder; one that does not exist is empty. Models that cannot be read are passed
// over and logged at debug level.
func NewHistory(folder string, log *slog.Logger) *History {
	files, err := newestFirst(folder)
	if err != nil {
		log.Debug("there are no earlier models", "model", folder, "err", err)
	}
	return &History{files: files[:min(len(files), historyDepth)], log: log}
}

// Of returns a history of models in memory, the newest first.
func Of(archives ...*Archive) *History { return &History{loaded: archives} }

// Find returns the newest archive whose part called name has this fingerprint.
func (h *History) Find(name, fingerprint string) (*Archive, bool) {
	if h == nil || fingerprint == "" {
		return nil, false
	}
	for i := 0; ; i++ {
		if i == len(h.loaded) && !h.load() {
			return nil, false
		}
		if part, ok := h.loaded[i].Part(name); ok && part.Fingerprint == fingerprint {
			return h.loaded[i], true
		}
	}
}

// load reads the next archive that can be read.
func (h *History) load() bool {
	for len(h.files) > 0 {
		file := h.files[0]
		h.files = h.files[1:]
		a, err := load(file, false) // most are not served any more
		if err == nil {
			h.loaded = append(h.loaded, a)
			return true
		}
		h.log.Debug("an earlier model cannot be taken over from", "model", file, "err", err)
	}
	return false
}
