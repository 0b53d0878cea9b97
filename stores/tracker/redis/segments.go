package redis

import (
	"bytes"
	"strings"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// A value that has become long is cut when a turn is written: its first events move to the next field of the hash
// parley:segments:{tracker:ID}, within the server. Those of closed sessions are nothing that Rasa would load. If old parts
// of the running session move (`segments: always`), events take their place that lead a Rasa node to the same slots and the
// same active loop. They are marked in their metadata; nodes of parley read what they stand for instead.

// markSummary is the key in the metadata of events that only repeat what is in segments.
const markSummary = "parley_summary"

var markText = []byte(`"` + markSummary + `": true`)

func isSummaryText(event []byte) bool { return bytes.Contains(event, markText) }

func isSummary(e tracker.Event) bool { return e.Meta().Metadata.Value(markSummary) == true }

// cutting is where a value is cut when a turn is written.
type cutting struct {
	// at is the offset of the first event that stays, 0 if all stay, counted in the value with the turn's events.
	at int
	// events stand before it, of which moved are to go to a segment; the others repeat what is there already.
	events, moved int
	// summary takes the place of the events; it is repeated many.
	summary  []byte
	repeated int
}

// cut decides whether a value that is to become next is cut.
func (l *Log) cut(turn *stores.Turn, next *place) cutting {
	if l.cfg.SegmentEvents == 0 || next.events-next.summary <= l.cfg.SegmentEvents {
		return cutting{}
	}
	b := next.session
	var repeats []tracker.Event
	if b.at == 0 && l.cfg.SplitSessions && next.middle.at > 0 {
		b = next.middle
		events := turn.Tracker.Events()
		if before := len(events) - (next.events - b.events); before > 0 {
			f := turn.Tracker.Factory()
			repeats = summarize(f.FromEvents(turn.Tracker.SenderID, events[:before]).Reload())
		} else {
			b = boundary{} // the turn knows less than the value has
		}
	}
	c := cutting{at: b.at, events: b.events, moved: b.events - next.summary, repeated: len(repeats)}
	c.summary, _ = encode(repeats)
	return c
}

// apply changes the place of a value to that after the cut.
func (c *cutting) apply(p *place) {
	start := len(head) + len(c.summary)
	if c.repeated > 0 {
		start += len(separator)
	}
	p.length += start - c.at
	p.events += c.repeated - c.events
	p.summary = c.repeated
	if p.listen.at >= c.at {
		p.listen.at += start - c.at
		p.listen.events += c.repeated - c.events
	} else {
		p.listen = boundary{}
	}
	p.session, p.middle = boundary{}, boundary{}
}

// summarize returns events that lead to the slots and the loop of a session so far.
func summarize(t *tracker.Tracker) []tracker.Event {
	events := t.Events()
	last, s := events[len(events)-1].Meta(), t.State()
	base := tracker.Base{Timestamp: last.Timestamp, Metadata: value.NewMap(markSummary, true)}
	for _, key := range []string{"model_id", "assistant_id"} {
		if v, ok := last.Metadata.Get(key); ok {
			base.Metadata.Set(key, v)
		}
	}
	list := []tracker.Event{
		&tracker.ActionExecuted{Base: base, Name: tracker.ActionSessionStart, Confidence: 1},
		&tracker.SessionStarted{Base: base},
	}
	slots := t.Domain().Slots
	for i := range s.Slots {
		if s.Slots[i].Set {
			list = append(list, &tracker.SlotSet{Base: base, Key: slots[i].Name, Value: s.Slots[i].Value})
		}
	}
	if s.Loop != nil {
		list = append(list, &tracker.ActionExecuted{Base: base, Name: s.Loop.Name, Confidence: 1}, &tracker.ActiveLoop{Base: base, Name: s.Loop.Name})
		if s.Loop.Interrupted {
			list = append(list, &tracker.LoopInterrupted{Base: base, IsInterrupted: true})
		}
	}
	if s.Paused {
		list = append(list, &tracker.ConversationPaused{Base: base})
	}
	return list
}

// withSegments returns the events of segments and, behind them, those of the value, of which the first summary ones only
// repeat what is in segments.
func withSegments(segments []any, stored string, events []tracker.Event, summary int) ([]tracker.Event, error) {
	if len(segments) == 0 {
		return events, nil
	}
	var all []tracker.Event
	var lastHas int
	for _, s := range segments {
		list, err := decodeList([]byte(text(s)))
		if err != nil {
			return nil, err
		}
		lastHas = len(list)
		for _, e := range list {
			if !isSummary(e) {
				all = append(all, e)
			}
		}
	}
	// A Rasa node that had read the value before it was cut may have written all of it again.
	if last := text(segments[len(segments)-1]); last != "" && strings.HasPrefix(stored, head+last) {
		summary = lastHas
	}
	return append(all, events[min(summary, len(events)):]...), nil
}
