//go:build !purego

package svm

import "golang.org/x/sys/cpu"

var accelerated = cpu.X86.HasAVX2 && cpu.X86.HasFMA

// dot returns the sum of a[i] * b[i].
func dot(a, b []float64) float64 {
	whole := len(a) / 16
	if !accelerated || whole == 0 {
		return dotGo(a, b)
	}
	b = b[:len(a)]
	return dotVectors(&a[0], &b[0], whole) + dotGo(a[whole*16:], b[whole*16:])
}

//go:noescape
func dotVectors(a, b *float64, count int) float64
