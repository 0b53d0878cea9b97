package cli

import (
	"io"
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows how far long work has come, on a terminal only. Its methods are called by one goroutine.
type progress struct {
	w      io.Writer
	title  string
	name   string
	hidden bool
	bar    *progressbar.ProgressBar
}

// progress begins a display on standard error.
func (a *app) progress(title string) *progress {
	return &progress{w: a.err, title: title, hidden: a.logs.quiet || !isTerminal(a.err)}
}

// step tells that the part called name begins, or that it is done, of total parts.
func (p *progress) step(name string, total int, done bool) {
	if p.hidden {
		return
	}
	if p.bar == nil {
		p.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(p.w), progressbar.OptionShowCount(),
			progressbar.OptionClearOnFinish(), progressbar.OptionSetWidth(30))
	}
	p.name = p.title + " " + name
	p.bar.Describe(p.name)
	if done {
		_ = p.bar.Add(1) // a bar that cannot be drawn is no reason to stop
	}
}

// detail shows how far the part in work is.
func (p *progress) detail(text string) {
	if p.bar != nil {
		p.bar.Describe(p.name + " " + text)
	}
}

// close takes the display away.
func (p *progress) close() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}

// isTerminal reports whether v is a file that somebody looks at or types into.
func isTerminal(v any) bool {
	f, ok := v.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
