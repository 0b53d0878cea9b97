package cli

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/lmittmann/tint"
)

// logFlags are the flags that say what is logged and where to.
type logFlags struct {
	verbose        int
	quiet, debug   bool
	level          string
	file           string
	syslog         bool
	syslogAddress  string
	syslogPort     int
	syslogProtocol string
}

// openLog makes the logger of this run. Flags win over LOG_LEVEL, as in Rasa (rasa/utils/common.py).
func (a *app) openLog() error {
	level, err := a.logLevel()
	if err != nil {
		return err
	}
	handlers := []slog.Handler{consoleHandler(a.err, level)}
	if a.logs.file != "" {
		f, err := os.OpenFile(a.logs.file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			return fmt.Errorf("opening the log file: %w", err)
		}
		// It stays open as long as the process: there is no moment after which nothing is logged.
		handlers = append(handlers, slog.NewTextHandler(f, &slog.HandlerOptions{Level: level}))
	}
	if a.logs.syslog {
		w, err := openSyslog(a.logs.syslogProtocol, fmt.Sprintf("%s:%d", a.logs.syslogAddress, a.logs.syslogPort))
		if err != nil {
			return fmt.Errorf("opening the system log: %w", err)
		}
		handlers = append(handlers, slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
	}
	if len(handlers) == 1 {
		a.log = slog.New(handlers[0])
	} else {
		a.log = slog.New(slog.NewMultiHandler(handlers...))
	}
	return nil
}

// consoleHandler writes for people on a terminal, and key=value for everybody else.
func consoleHandler(w io.Writer, level slog.Level) slog.Handler {
	if isTerminal(w) && os.Getenv("NO_COLOR") == "" {
		return tint.NewTextHandler(w, &tint.Options{Level: level, TimeFormat: time.TimeOnly})
	}
	return slog.NewTextHandler(w, &slog.HandlerOptions{Level: level})
}

func (a *app) logLevel() (slog.Level, error) {
	switch {
	case a.logs.quiet:
		return slog.LevelWarn, nil
	case a.logs.debug, a.logs.verbose > 1:
		return slog.LevelDebug, nil
	case a.logs.verbose == 1:
		return slog.LevelInfo, nil
	case a.logs.level != "":
		return parseLevel("--log-level", a.logs.level)
	case os.Getenv("LOG_LEVEL") != "":
		return parseLevel("environment variable LOG_LEVEL", os.Getenv("LOG_LEVEL"))
	}
	return slog.LevelInfo, nil
}

// parseLevel reads Python's names of levels, and slog's.
func parseLevel(where, name string) (slog.Level, error) {
	switch strings.ToUpper(name) {
	case "DEBUG":
		return slog.LevelDebug, nil
	case "INFO":
		return slog.LevelInfo, nil
	case "WARNING", "WARN":
		return slog.LevelWarn, nil
	case "ERROR", "CRITICAL", "FATAL":
		return slog.LevelError, nil
	}
	return 0, usageError{fmt.Errorf("%s: %q is no level; use DEBUG, INFO, WARNING or ERROR", where, name)}
}

// warn prints a warning about the project, once however often it is found.
func (a *app) warn(text string) {
	if a.warned[text] {
		return
	}
	if a.warned == nil {
		a.warned = map[string]bool{}
	}
	a.warned[text] = true
	fmt.Fprintln(a.err, "warning:", text)
}
