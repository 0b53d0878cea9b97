package stores

import (
	"strings"
	"time"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
)

// Query says which conversations are meant; what is empty does not count.
type Query struct {
	// Since and Until bound the time of the last event, both inclusive.
	Since, Until time.Time
	// Channel is the input channel of one of the user's messages, Intent the intent of one.
	Channel, Intent string
	// Slot is the name of a slot that is set now; with SlotValue not nil, to that value as Python prints it.
	Slot      string
	SlotValue *string
	// Text is part of a message of the user or the bot, case aside.
	Text string
}

// IsEmpty reports whether every conversation matches.
func (q Query) IsEmpty() bool { return q == Query{} }

// Matches reports whether a whole conversation is meant.
func (q Query) Matches(t *tracker.Tracker) bool {
	return q.matchesTime(t.Events()) && q.matchesSlot(t) && q.matchesMessages(t.Events())
}

func (q Query) matchesTime(events []tracker.Event) bool {
	if q.Since.IsZero() && q.Until.IsZero() {
		return true
	}
	if len(events) == 0 {
		return false
	}
	last := time.UnixMicro(int64(events[len(events)-1].Meta().Timestamp * 1e6))
	return !last.Before(q.Since) && (q.Until.IsZero() || !last.After(q.Until))
}

func (q Query) matchesSlot(t *tracker.Tracker) bool {
	if q.Slot == "" {
		return true
	}
	v := t.Slot(q.Slot)
	if q.SlotValue == nil {
		return v != nil
	}
	return value.Str(v) == *q.SlotValue
}

func (q Query) matchesMessages(events []tracker.Event) bool {
	channel, intent, text := q.Channel == "", q.Intent == "", q.Text == ""
	needle := strings.ToLower(q.Text)
	has := func(s string) bool { return strings.Contains(strings.ToLower(s), needle) }
	for _, e := range events {
		switch e := e.(type) {
		case *tracker.UserUttered:
			channel = channel || e.InputChannel == q.Channel
			intent = intent || e.IntentName() == q.Intent
			text = text || has(e.Text)
		case *tracker.BotUttered:
			text = text || has(e.Text)
		}
		if channel && intent && text {
			return true
		}
	}
	return channel && intent && text
}
