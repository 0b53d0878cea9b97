//go:build !linux

package testservers

import "syscall"

// attributes returns those of a server's process: a group of its own, so that all of it can be signalled.
func attributes(user *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: user}
}
