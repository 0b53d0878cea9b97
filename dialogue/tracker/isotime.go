package tracker

import (
	"strings"
	"time"
)

// timeLayouts are the ways to write a time that are understood. Rasa's parser knows more, which nobody sends.
var timeLayouts = []string{
	"2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999", "2006-01-02T15:04Z07:00", "2006-01-02T15:04",
	"2006-01-02", "20060102T150405Z07:00", "20060102T150405", "20060102", time.RFC1123, time.RFC1123Z,
}

// ISOTime returns a time as Python's datetime.isoformat() prints it, without zone when it was given without, and whether
// text is a time at all.
func ISOTime(text string) (string, bool) {
	text = strings.TrimSpace(text)
	if len(text) > 10 && text[10] == ' ' && !strings.Contains(text[:10], ",") {
		text = text[:10] + "T" + text[11:]
	}
	for _, layout := range timeLayouts {
		t, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		out := "2006-01-02T15:04:05"
		if t.Nanosecond()/1000 != 0 {
			out += ".000000"
		}
		if strings.ContainsAny(layout, "Z") || strings.Contains(layout, "MST") || strings.Contains(layout, "-0700") {
			out += "-07:00"
		}
		return t.Format(out), true
	}
	return "", false
}
