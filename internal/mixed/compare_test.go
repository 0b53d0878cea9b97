//go:build mixed

package mixed

import (
	"encoding/json"
	"fmt"
	"reflect"
)

// variable are the keys whose values differ from run to run: times and ids.
var variable = map[string]bool{"timestamp": true, "latest_event_time": true, "message_id": true, "date_time": true}

// settled returns v without what differs from run to run.
func settled(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, value := range v {
			if !variable[key] && (key != "name" || v["event"] != "reminder") {
				out[key] = settled(value)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = settled(v[i])
		}
		return out
	}
	return v
}

// difference says where two values begin to differ; "" is nowhere.
func difference(want, got any, path string) string {
	if reflect.DeepEqual(want, got) {
		return ""
	}
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			break
		}
		for _, m := range []map[string]any{w, g} {
			for key := range m {
				if d := difference(w[key], g[key], path+"."+key); d != "" {
					return d
				}
			}
		}
	case []any:
		g, ok := got.([]any)
		if !ok {
			break
		}
		for i := range min(len(w), len(g)) {
			if d := difference(w[i], g[i], fmt.Sprintf("%s[%d]", path, i)); d != "" {
				return d
			}
		}
		return fmt.Sprintf("%s: %d instead of %d; the first beyond: %s", path, len(g), len(w), short(append(w[min(len(w), len(g)):], g[min(len(w), len(g)):]...)[0]))
	}
	return fmt.Sprintf("%s: %s instead of %s", path, short(got), short(want))
}

func short(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	if len(text) > 300 {
		return string(text[:300]) + "..."
	}
	return string(text)
}

// userTexts counts the messages of a tracker.
func userTexts(tracker map[string]any) map[string]int {
	count := map[string]int{}
	events, _ := tracker["events"].([]any)
	for _, e := range events {
		if e, ok := e.(map[string]any); ok && e["event"] == "user" {
			text, _ := e["text"].(string)
			count[text]++
		}
	}
	return count
}
