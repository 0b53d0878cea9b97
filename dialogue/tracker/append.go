package tracker

import "github.com/parleybot/parley/internal/value"

// AppendState appends CurrentState(EventsAll) as JSON to dst. It holds one event at a time in memory, so that a request
// about a long conversation costs little more than its bytes.
func (t *Tracker) AppendState(dst []byte, f value.Format) []byte {
	dst = append(dst, '{')
	for key, v := range t.CurrentState(EventsNone).All() {
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(value.Append(dst, key, f), ':')
		if key != "events" {
			dst = value.Append(dst, v, f)
			continue
		}
		dst = append(dst, '[')
		for i, e := range t.events {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = value.Append(dst, AsMap(e), f)
		}
		dst = append(dst, ']')
	}
	return append(dst, '}')
}
