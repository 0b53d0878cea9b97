package main

import (
	"debug/elf"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestBinary builds the program as `make build` does and looks at what a user would get.
func TestBinary(t *testing.T) {
	path := filepath.Join(t.TempDir(), "parley")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w -X main.version=v9.8.7", "-o", path, ".")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)

	t.Run("tells the linked-in version", func(t *testing.T) {
		out, err := exec.Command(path, "--version").CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Contains(t, string(out), "v9.8.7")
	})
	t.Run("exits non-zero on an unknown command and names it", func(t *testing.T) {
		out, err := exec.Command(path, "trian").CombinedOutput()
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit)
		require.NotZero(t, exit.ExitCode())
		require.Contains(t, string(out), "trian")
	})
	if runtime.GOOS == "linux" {
		t.Run("needs no dynamic linker", func(t *testing.T) {
			file, err := elf.Open(path)
			require.NoError(t, err)
			defer file.Close()
			for _, header := range file.Progs {
				require.NotEqual(t, elf.PT_INTERP, header.Type)
			}
			libraries, err := file.ImportedLibraries()
			require.NoError(t, err)
			require.Empty(t, strings.Join(libraries, " "))
		})
	}
}
