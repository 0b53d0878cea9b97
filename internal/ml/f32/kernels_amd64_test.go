//go:build amd64 && !purego

package f32

import "testing"

// onEveryKernel runs a test on every set of instructions this processor has, and without.
func onEveryKernel(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	avx2, avx512 := haveAVX2, haveAVX512
	defer func() { haveAVX2, haveAVX512 = avx2, avx512 }()
	for _, k := range []struct {
		name         string
		avx2, avx512 bool
	}{{"avx512", true, true}, {"avx2", true, false}, {"go", false, false}} {
		if k.avx2 && !avx2 || k.avx512 && !avx512 {
			continue
		}
		haveAVX2, haveAVX512 = k.avx2, k.avx512
		t.Run(k.name, f)
	}
}
