//go:build !linux

package f32

import "time"

var started = time.Now()

// clock returns the time since the start; processor time is not read here.
func clock() time.Duration { return time.Since(started) }
