package testservers

import "syscall"

// attributes returns those of a server's process: a group of its own, so that all of it can be signalled, and death with
// the parent even if the reaper is killed, too.
func attributes(user *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Credential: user}
}
