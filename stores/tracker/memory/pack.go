package memory

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
)

// A conversation is packed as it goes on: its events are one piece of bytes as well, which is a sixth as large and
// which the garbage collector need not look into. That piece alone is kept when nobody has spoken for a while. Packing the
// events of a turn while they are at hand takes a fifth of the time that packing them later does. Strings that recur in
// all conversations (keys, names of actions, intents and policies, what the bot says) are kept once in a dictionary.

const (
	// maxWord is the longest string kept in the dictionary, maxWords how many it takes. A dictionary that is full of
	// strings that do not recur costs a few megabytes; what comes later is packed as it is.
	maxWord  = 128
	maxWords = 1 << 15
	// firstRecord is the space for the first events of a conversation, maxScratch what is kept for packing, in bytes.
	firstRecord = 1 << 10
	maxScratch  = 1 << 16
)

var errPacked = errors.New("packed conversation is damaged")

// dictionary numbers strings. extend and unpack may be called by several goroutines.
type dictionary struct {
	mu      sync.RWMutex // held by extend and unpack, for all below
	numbers map[string]uint64
	words   []string
	writer  writer // used again
}

func newDictionary() *dictionary { return &dictionary{numbers: map[string]uint64{}} }

// number returns the number of s, and false when s is not in the dictionary and finds no place.
func (d *dictionary) number(s string) (uint64, bool) {
	if n, ok := d.numbers[s]; ok {
		return n, true
	}
	if len(s) > maxWord || len(d.words) == maxWords {
		return 0, false
	}
	s = strings.Clone(s) // it may be part of a large document
	n := uint64(len(d.words))
	d.numbers[s], d.words = n, append(d.words, s)
	return n, true
}

func (d *dictionary) word(n uint64) (string, bool) {
	if n >= uint64(len(d.words)) {
		return "", false
	}
	return d.words[n], true
}

// record is the packed form of a conversation.
type record struct {
	data []byte
	// events is how many events data holds, metadata that of the last one that says what its metadata is.
	events   int
	metadata *value.Map
	// count is that of the conversation: how many events were ever saved.
	count int
}

// same reports whether two records are the same one.
func (r record) same(o record) bool {
	return len(r.data) == len(o.data) && (len(r.data) == 0 || &r.data[0] == &o.data[0])
}

// extend returns r with events, the first r.events of which it holds already. r shares its bytes.
func (d *dictionary) extend(r record, events []tracker.Event) record {
	d.mu.Lock()
	defer d.mu.Unlock()
	w := &d.writer
	w.d, w.out, w.metadata = d, w.out[:0], r.metadata
	for _, e := range events[r.events:] {
		w.event(e)
	}
	if need := len(r.data) + len(w.out); need > cap(r.data) {
		r.data = append(make([]byte, 0, max(need+need/4, firstRecord)), r.data...)
	}
	r.data, r.events, r.metadata = append(r.data, w.out...), len(events), w.metadata
	if cap(w.out) > maxScratch {
		w.out = nil
	}
	w.metadata = nil
	return r
}

// unpack returns the events of a record.
func (d *dictionary) unpack(r record) ([]tracker.Event, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	in := reader{d: d, data: r.data}
	events := make([]tracker.Event, 0, r.events+16)
	for len(in.data) > 0 {
		e, err := in.event()
		if err == nil && in.failed {
			err = errPacked
		}
		if err != nil {
			return nil, fmt.Errorf("unpacking a conversation: %w", err)
		}
		events = append(events, e)
	}
	return events, nil
}

// The kinds of events in packed form; each event begins with one. Those that come often have a form of their own, the
// others are packed as their JSON form.
const (
	packedAction = iota
	packedSlot
	packedUser
	packedBot
	packedFeaturization
	packedLoop
	packedSession
	packedOther
)

func (w *writer) event(e tracker.Event) {
	switch e := e.(type) {
	case *tracker.ActionExecuted:
		w.base(packedAction, &e.Base)
		w.text(e.Name)
		w.text(e.ActionText)
		w.text(e.Policy)
		w.float(e.Confidence)
		w.truth(e.HideRuleTurn)
	case *tracker.SlotSet:
		w.base(packedSlot, &e.Base)
		w.text(e.Key)
		w.value(e.Value)
	case *tracker.UserUttered:
		w.base(packedUser, &e.Base)
		w.text(e.Text)
		w.truth(e.NoText)
		w.text(e.InputChannel)
		w.text(e.MessageID)
		w.value(e.ParseData)
	case *tracker.BotUttered:
		w.base(packedBot, &e.Base)
		w.text(e.Text)
		w.truth(e.NoText)
		w.dict(e.Data)
	case *tracker.DefinePrevUserUtteredFeaturization:
		w.base(packedFeaturization, &e.Base)
		w.truth(e.UseText)
		w.truth(e.Unknown)
	case *tracker.ActiveLoop:
		w.base(packedLoop, &e.Base)
		w.text(e.Name)
	case *tracker.SessionStarted:
		w.base(packedSession, &e.Base)
	default:
		w.byte(packedOther)
		w.dict(tracker.AsMap(e))
	}
}

// base writes the kind, the time and the metadata of an event. Metadata is mostly that of the event before.
func (w *writer) base(kind byte, b *tracker.Base) {
	w.byte(kind)
	w.float(b.Timestamp)
	same := b.Metadata == w.metadata
	w.truth(same)
	if !same {
		w.metadata = b.Metadata
		w.dict(b.Metadata)
	}
}

func (r *reader) event() (tracker.Event, error) {
	kind := r.byte()
	if kind == packedOther {
		m, ok := r.value().(*value.Map)
		if !ok {
			return nil, errPacked
		}
		return tracker.EventFromMap(m)
	}
	b := tracker.Base{Timestamp: r.float()}
	if !r.truth() {
		r.metadata = r.dictOrNil()
	}
	b.Metadata = r.metadata
	switch kind {
	case packedAction:
		return &tracker.ActionExecuted{Base: b, Name: r.text(), ActionText: r.text(), Policy: r.text(),
			Confidence: r.float(), HideRuleTurn: r.truth()}, nil
	case packedSlot:
		return &tracker.SlotSet{Base: b, Key: r.text(), Value: r.value()}, nil
	case packedUser:
		return r.user(b), nil
	case packedBot:
		return &tracker.BotUttered{Base: b, Text: r.text(), NoText: r.truth(), Data: r.dictOrNil()}, nil
	case packedFeaturization:
		return &tracker.DefinePrevUserUtteredFeaturization{Base: b, UseText: r.truth(), Unknown: r.truth()}, nil
	case packedLoop:
		return &tracker.ActiveLoop{Base: b, Name: r.text()}, nil
	case packedSession:
		return &tracker.SessionStarted{Base: b}, nil
	}
	return nil, errPacked
}

func (r *reader) user(b tracker.Base) *tracker.UserUttered {
	text, none, channel, id := r.text(), r.truth(), r.text(), r.text()
	u := tracker.NewUserUttered(text, r.dictOrNil(), channel, id, b.Metadata)
	u.Timestamp, u.NoText = b.Timestamp, none
	return u
}
