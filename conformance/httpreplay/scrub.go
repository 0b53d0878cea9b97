package httpreplay

import (
	"regexp"
	"strings"

	"github.com/parleybot/parley/internal/value"
)

// substitutions put the placeholders of the recordings in place of what is new in every run, in this order.
var substitutions = []struct {
	pattern *regexp.Regexp
	by      string
}{
	{regexp.MustCompile(`\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`), "<uuid>"},
	{regexp.MustCompile(`\b[0-9a-f]{32}\b`), "<uuid>"},
	{regexp.MustCompile(`"sid":"[A-Za-z0-9_-]{20}"`), `"sid":"<new sid>"`},
	{regexp.MustCompile(`\b20\d{6}-\d{6}-[a-z]+-[a-z]+\b`), "<model>"},
	{regexp.MustCompile(`/tmp/[^\s'",:]*`), "<path>"},
	{regexp.MustCompile(`\b1[5-9]\d{8}(\.\d+)?\b`), "<float>"},
	{regexp.MustCompile(`\b202\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?`), "<datetime>"},
}

// Times in seconds between these are those of the run.
const earliest, latest = 1.5e9, 2.5e9

// scrub replaces what is new in every run; known are texts with the names of their placeholders.
func scrub(v any, known map[string]string) any {
	switch v := v.(type) {
	case *value.Map:
		out := &value.Map{}
		for k, item := range v.All() {
			out.Set(k, scrub(item, known))
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = scrub(item, known)
		}
		return out
	case string:
		return scrubText(v, known)
	case bool:
		return v
	}
	if f, ok := value.ToFloat(v); ok && v != nil && earliest < f && f < latest {
		return "<float>"
	}
	return v
}

func scrubText(s string, known map[string]string) string {
	for name, text := range known {
		if text != "" {
			s = strings.ReplaceAll(s, text, "<"+name+">")
		}
	}
	for _, sub := range substitutions {
		s = sub.pattern.ReplaceAllString(s, sub.by)
	}
	return s
}
