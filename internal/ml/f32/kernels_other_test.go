//go:build !amd64 || purego

package f32

import "testing"

// onEveryKernel runs a test; here is one kernel.
func onEveryKernel(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	t.Run("go", f)
}
