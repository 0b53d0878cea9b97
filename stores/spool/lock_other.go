//go:build !unix

package spool

import "os"

// lockFile does not lock: here, processes must not share a folder.
func lockFile(*os.File) (bool, error) { return true, nil }
