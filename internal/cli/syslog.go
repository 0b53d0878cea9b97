//go:build !windows && !plan9

package cli

import (
	"io"
	"log/syslog"
	"strings"
)

// openSyslog connects to a syslog server (rasa/core/utils.py, configure_file_logging).
func openSyslog(protocol, address string) (io.Writer, error) {
	return syslog.Dial(strings.ToLower(protocol), address, syslog.LOG_INFO|syslog.LOG_USER, "parley")
}
