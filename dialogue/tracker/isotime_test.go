package tracker

import "testing"

// The wants are dateutil.parser.parse(text).isoformat() in Python.
func TestISOTime(t *testing.T) {
	for text, want := range map[string]string{
		"2030-01-02T03:04:05.678901":      "2030-01-02T03:04:05.678901",
		"2030-01-02T03:04:05":             "2030-01-02T03:04:05",
		" 2030-01-02 03:04 ":              "2030-01-02T03:04:00",
		"2030-01-02T03:04:05Z":            "2030-01-02T03:04:05+00:00",
		"2030-01-02T03:04:05.5+02:00":     "2030-01-02T03:04:05.500000+02:00",
		"2030-01-02":                      "2030-01-02T00:00:00",
		"Wed, 02 Jan 2030 03:04:05 +0100": "2030-01-02T03:04:05+01:00",
	} {
		if got, ok := ISOTime(text); !ok || got != want {
			t.Errorf("%q: got %q, %v; want %q", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "soon", "2030-13-01", "2030-01-02T25:00:00"} {
		if got, ok := ISOTime(text); ok {
			t.Errorf("%q: got %q, want none", text, got)
		}
	}
}
