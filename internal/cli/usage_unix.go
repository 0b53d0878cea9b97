//go:build unix

package cli

import (
	"runtime"
	"syscall"
	"time"
)

// cpuTime is the time this process has spent on all cores, in user and kernel mode.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peakMemory is the largest resident size this process has had, in bytes.
func peakMemory() int64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return int64(u.Maxrss) //nolint:unconvert // bytes there, kilobytes elsewhere; 32 bits on some machines
	}
	return int64(u.Maxrss) << 10 //nolint:unconvert // as above
}
