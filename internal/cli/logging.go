package cli

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
)

// openLog makes the logger of this run. Flags win over LOG_LEVEL, as in Rasa (rasa/utils/common.py).
func (a *app) openLog() error {
	level := slog.LevelInfo
	if name := os.Getenv("LOG_LEVEL"); name != "" {
		if err := level.UnmarshalText([]byte(goLevel(name))); err != nil {
			return usageError{fmt.Errorf("environment variable LOG_LEVEL: %q is no level; use DEBUG, INFO, WARNING or ERROR", name)}
		}
	}
	switch {
	case a.quiet:
		level = slog.LevelWarn
	case a.verbose > 1:
		level = slog.LevelDebug
	case a.verbose == 1:
		level = slog.LevelInfo
	}
	var w io.Writer = a.err
	if a.logFile != "" {
		f, err := os.OpenFile(a.logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			return fmt.Errorf("opening the log file: %w", err)
		}
		// It stays open as long as the process: there is no moment after which nothing is logged.
		w = io.MultiWriter(a.err, f)
	}
	a.log = slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
	return nil
}

// goLevel turns Python's names of levels into slog's.
func goLevel(name string) string {
	switch name = strings.ToUpper(name); name {
	case "WARNING":
		return "WARN"
	case "CRITICAL", "FATAL":
		return "ERROR"
	}
	return name
}
