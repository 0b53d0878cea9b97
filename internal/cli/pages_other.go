//go:build !linux

package cli

// dropStartPages does nothing here.
func dropStartPages() {}
