package eventlog

import "sync"

// maxEmpties bounds how many empty conversations are remembered; beyond, any is forgotten.
const maxEmpties = 1 << 14

// empties is a set of ids of conversations. The zero value is empty and ready.
type empties struct {
	mu  sync.Mutex
	ids map[string]struct{}
}

func (e *empties) add(id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ids == nil {
		e.ids = make(map[string]struct{})
	}
	if len(e.ids) == maxEmpties {
		for other := range e.ids {
			delete(e.ids, other)
			break
		}
	}
	e.ids[id] = struct{}{}
}

func (e *empties) has(id string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, ok := e.ids[id]
	return ok
}

func (e *empties) remove(id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.ids, id)
}
