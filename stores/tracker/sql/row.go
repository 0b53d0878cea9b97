package sql

import (
	"fmt"
	"hash/maphash"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
)

// row is a row of the table events.
type row struct {
	id        int64
	typeName  string
	timestamp float64
	// intent and action are strings, or nil for NULL.
	intent, action any
	// data is the event as json.dumps writes it.
	data text
}

// rowOf fills the columns as SQLTrackerStore.save does: action_name is the key "name" of any event, so that of a slot is
// there, too.
func rowOf(e tracker.Event) row {
	m := tracker.AsMap(e)
	r := row{typeName: e.Type(), timestamp: e.Meta().Timestamp, data: text(value.Encode(m, value.JSON))}
	if parse, ok := m.Value("parse_data").(*value.Map); ok {
		if intent, ok := parse.Value("intent").(*value.Map); ok {
			r.intent = column(intent.Value("name"))
		}
	}
	r.action = column(m.Value("name"))
	return r
}

// column returns v as a text column takes it.
func column(v any) any {
	switch v := v.(type) {
	case nil, string:
		return v
	default:
		return value.Str(v)
	}
}

// text is a text column that may be NULL, which is "".
type text string

// Scan implements database/sql.Scanner.
func (t *text) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*t = ""
	case string:
		*t = text(v)
	case []byte:
		*t = text(v)
	default:
		return fmt.Errorf("a text column holds %T", v)
	}
	return nil
}

// collectRows reads the columns id and data.
func collectRows(list *[]row) func(scan func(...any) error) error {
	return func(scan func(...any) error) error {
		var r row
		err := scan(&r.id, &r.data)
		*list = append(*list, r)
		return err
	}
}

// eventsOf reads events from rows.
func eventsOf(list []row) ([]tracker.Event, error) {
	events := make([]tracker.Event, 0, len(list))
	for _, r := range list {
		e, err := eventOf(string(r.data))
		if err != nil {
			return nil, fmt.Errorf("row %d of events: %w", r.id, err)
		}
		if e != nil { // an obsolete event
			events = append(events, e)
		}
	}
	return events, nil
}

func eventOf(data string) (tracker.Event, error) {
	v, err := value.DecodeString(data)
	if err != nil {
		return nil, err
	}
	m, ok := v.(*value.Map)
	if !ok {
		return nil, fmt.Errorf("an event is %s", value.TypeName(v))
	}
	return tracker.EventFromMap(m)
}

// mark is the Token of a stores.Position.
type mark struct {
	// last is the id of the last row, sum the hash of its data: SQLite gives ids of deleted rows again.
	last int64
	sum  uint64
	// anchor is the id of an earlier row, and rows how many there are from it on. It is that before the last rows that
	// were written or read, among which rows of a transaction may turn up that was not committed at that time.
	anchor int64
	rows   int
}

// window is how many of the last rows of a session are looked at again by the next reader.
const window = 16

var seed = maphash.MakeSeed()

func sum(data text) uint64 { return maphash.String(seed, string(data)) }

// markOf returns the position behind rows, of which there is at least one.
func markOf(list []row) mark {
	end := list[len(list)-1]
	seen := list[max(0, len(list)-window):]
	return mark{last: end.id, sum: sum(end.data), anchor: seen[0].id, rows: len(seen)}
}

// extended returns the position behind rows that follow m.
func (m mark) extended(tail []row) mark {
	end := tail[len(tail)-1]
	return mark{last: end.id, sum: sum(end.data), anchor: m.last, rows: 1 + len(tail)}
}

// isBegin reports whether rows, which were read from the anchor on, begin as m knows them.
func (m mark) isBegin(list []row) bool {
	if m.rows == 0 || len(list) < m.rows {
		return false
	}
	end := list[m.rows-1]
	return list[0].id == m.anchor && end.id == m.last && sum(end.data) == m.sum
}
