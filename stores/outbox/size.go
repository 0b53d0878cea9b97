package outbox

import (
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
)

// size estimates the bytes that a commit takes in memory. What users and bots say counts in full, the rest by a mean.
func size(events []tracker.Event) int {
	n := 256
	for _, e := range events {
		n += 160
		switch e := e.(type) {
		case *tracker.UserUttered:
			n += len(e.Text) + valueSize(e.ParseData)
		case *tracker.BotUttered:
			n += len(e.Text) + valueSize(e.Data)
		case *tracker.SlotSet:
			n += valueSize(e.Value)
		}
	}
	return n
}

func valueSize(v any) int {
	const word = 16
	switch v := v.(type) {
	case string:
		return word + len(v)
	case []any:
		n := 2 * word
		for _, item := range v {
			n += valueSize(item)
		}
		return n
	case *value.Map:
		n := 2 * word
		for key, item := range v.All() {
			n += word + len(key) + valueSize(item)
		}
		return n
	}
	return word
}
