package nlg

import (
	"fmt"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
)

// argResponses is an argument that Rasa's utter_ actions give to every generator: the responses of the domain.
const argResponses = "domain_responses"

// values are what placeholders may stand for: slots, and over them the arguments of the call.
type values struct {
	tracker *tracker.Tracker
	// indexed tells that the tracker's slots are those the templates were made for.
	indexed bool
	// args is nil for an utter_ action; then responses are the one argument.
	args      *value.Map
	responses *value.Map
}

// find returns the value of a placeholder; slot is the index of the slot of that name, if there is one.
func (v *values) find(name string, slot int) (any, bool) {
	if v.args != nil {
		if arg, ok := v.args.Get(name); ok {
			return arg, true
		}
	} else if name == argResponses {
		return v.responses, true
	}
	if v.indexed {
		if slot < 0 {
			return nil, false
		}
		return v.tracker.State().Slots[slot].Value, true
	}
	return v.tracker.Slot(name), v.tracker.HasSlot(name)
}

func (v *values) lookup(name string) (any, bool) {
	slot, ok := v.tracker.Domain().SlotIndex(name)
	if !ok {
		slot = -1
	}
	return v.find(name, slot)
}

func (v *values) all() *value.Map {
	m := v.tracker.SlotValues()
	if v.args == nil {
		return m.Set(argResponses, v.responses)
	}
	return m.Update(v.args)
}

// none reports whether there is not a single value: then Rasa does not look at placeholders at all.
func (v *values) none() bool {
	return v.args != nil && v.args.Len() == 0 && len(v.tracker.State().Slots) == 0
}

// checkArgs refuses arguments with the names of a generator's own parameters, over which Python raises a TypeError.
func checkArgs(args *value.Map, own ...string) error {
	for _, name := range own {
		if args.Has(name) {
			return fmt.Errorf("an argument cannot be called %q", name)
		}
	}
	return nil
}
