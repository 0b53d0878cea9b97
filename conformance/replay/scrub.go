package replay

import (
	"time"

	"github.com/parleybot/parley/internal/value"
)

// volatile are the keys whose values differ from run to run.
var volatile = map[string]bool{
	"timestamp": true, "message_id": true, "model_id": true, "latest_event_time": true, "date_time": true,
}

// dateTimeIn holds a reminder's date_time as seconds from the answer it was in.
const dateTimeIn = "date_time_in"

// scrub returns v without the volatile keys, at every depth.
func scrub(v any) any {
	return rebuild(v, func(m *value.Map) *value.Map {
		for _, key := range m.Keys() {
			if volatile[key] {
				m.Delete(key)
			}
		}
		return m
	})
}

// rebuild copies v, passing every map through change after its values were rebuilt.
func rebuild(v any, change func(*value.Map) *value.Map) any {
	switch v := v.(type) {
	case *value.Map:
		if v == nil {
			return nil
		}
		out := &value.Map{}
		for key, inner := range v.All() {
			out.Set(key, rebuild(inner, change))
		}
		return change(out)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = rebuild(v[i], change)
		}
		return out
	default:
		return v
	}
}

// isoLayouts are the forms in which Python's isoformat writes a time.
var isoLayouts = []string{"2006-01-02T15:04:05.999999-07:00", "2006-01-02T15:04:05.999999Z07:00", "2006-01-02T15:04:05.999999"}

// relativeTimes adds date_time_in to every map with a date_time.
func relativeTimes(v any, now time.Time) any {
	return rebuild(v, func(m *value.Map) *value.Map {
		if at, ok := parseTime(m.String("date_time"), now.Location()); ok {
			tenths := int64(at.Sub(now).Round(100*time.Millisecond) / (100 * time.Millisecond))
			m.Set(dateTimeIn, float64(tenths)/10)
		}
		return m
	})
}

func parseTime(text string, zone *time.Location) (time.Time, bool) {
	for _, layout := range isoLayouts {
		if at, err := time.ParseInLocation(layout, text, zone); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// absoluteTimes is the inverse of relativeTimes.
func absoluteTimes(v any, now time.Time) any {
	return rebuild(v, func(m *value.Map) *value.Map {
		seconds, ok := value.ToFloat(m.Value(dateTimeIn))
		if m.Has(dateTimeIn) && ok {
			m.Delete(dateTimeIn)
			m.Set("date_time", now.Add(time.Duration(seconds*float64(time.Second))).UTC().Format("2006-01-02T15:04:05.000000-07:00"))
		}
		return m
	})
}

// newEvents returns what now shows beyond before, or all of now and true where it does not continue before.
func newEvents(before, now []any) (reset bool, events []any) {
	if len(now) >= len(before) && value.Equal(before, now[:len(before)]) {
		return false, now[len(before):]
	}
	return true, now
}
