//go:build !unix

package cli

import "time"

// cpuTime and peakMemory are 0 where the system does not tell.
func cpuTime() time.Duration { return 0 }

func peakMemory() int64 { return 0 }
