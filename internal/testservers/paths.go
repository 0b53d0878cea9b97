package testservers

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// hint ends errors about programs that are not there.
const hint = "run `make testservers`"

// moduleRoot returns the directory of go.mod, at or above the working directory.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("no go.mod at or above the working directory")
		}
		dir = parent
	}
}

// classPath returns the class path of the servers that run in Java.
func classPath() (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(filepath.Join(root, ".cache", "testservers", "classpath"))
	if err != nil {
		return "", fmt.Errorf("reading the class path of servers in Java: %w: %s", err, hint)
	}
	return strings.TrimSpace(string(text)), nil
}

// program returns the path of an executable: one in PATH or else the last that the patterns match, which is the newest.
func program(name string, patterns ...string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, pattern := range append(patterns, "/usr/sbin/"+name) {
		found, err := filepath.Glob(pattern)
		if err == nil && len(found) > 0 {
			return slices.Max(found), nil
		}
	}
	return "", fmt.Errorf("%s is not installed: %s", name, hint)
}
