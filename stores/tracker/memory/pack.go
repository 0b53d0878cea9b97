package memory

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
)

// Conversations that nobody has spoken in for a while are packed: their events become one piece of bytes that is a sixth
// as large and that the garbage collector need not look into. Strings that recur in all conversations (keys, names of
// actions, intents and policies, what the bot says) are kept once in a dictionary.

const (
	// maxWord is the longest string kept in the dictionary, maxWords how many it takes. A dictionary that is full of
	// strings that do not recur costs a few megabytes; what comes later is packed as it is.
	maxWord  = 128
	maxWords = 1 << 15
)

var errPacked = errors.New("packed conversation is damaged")

// dictionary numbers strings. pack and unpack may be called by several goroutines.
type dictionary struct {
	mu      sync.RWMutex // held by pack and unpack, for all below
	numbers map[string]uint64
	words   []string
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

// pack returns the packed form of events.
func (d *dictionary) pack(events []tracker.Event) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	var buffer [4096]byte
	w := writer{d: d, out: binary.AppendUvarint(buffer[:0], uint64(len(events)))}
	for _, e := range events {
		w.event(e)
	}
	return append(make([]byte, 0, len(w.out)), w.out...)
}

// unpack is the inverse of pack.
func (d *dictionary) unpack(data []byte) ([]tracker.Event, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	r := reader{d: d, data: data}
	n := r.length()
	events := make([]tracker.Event, 0, n+16)
	for range n {
		e, err := r.event()
		if err == nil && r.failed {
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
	}
	return nil, errPacked
}

func (r *reader) user(b tracker.Base) *tracker.UserUttered {
	text, none, channel, id := r.text(), r.truth(), r.text(), r.text()
	u := tracker.NewUserUttered(text, r.dictOrNil(), channel, id, b.Metadata)
	u.Timestamp, u.NoText = b.Timestamp, none
	return u
}
