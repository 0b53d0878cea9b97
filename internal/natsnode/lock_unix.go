//go:build unix

package natsnode

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// lockFile opens a file that no other process has locked. The lock ends with the file, or with the process.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, ErrOwned
		}
		return nil, os.NewSyscallError("flock", err)
	}
	return f, nil
}
