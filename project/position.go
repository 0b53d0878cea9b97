package project

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Pos is a place in a file of the project. Line and Col count from 1; zero means unknown.
type Pos struct {
	File string
	Line int
	Col  int
}

// String returns file:line:col, leaving out what is unknown.
func (p Pos) String() string {
	switch {
	case p.File == "":
		return "-"
	case p.Line == 0:
		return p.File
	case p.Col == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// Severity tells what a problem does to a project.
type Severity int

const (
	// Warning marks what is suspicious but loads, as in Rasa.
	Warning Severity = iota
	// Error marks what Rasa refuses; the project does not load.
	Error
)

// Problem is one thing that is wrong with a project.
type Problem struct {
	Pos      Pos
	Severity Severity
	// What says what is wrong and, where it can be told, what was meant.
	What string
	// InvalidDomain marks an error for which Rasa raises InvalidDomain: its importer then warns and goes on with an
	// empty domain.
	InvalidDomain bool
}

// String returns "file:line:col: what".
func (p Problem) String() string { return p.Pos.String() + ": " + p.What }

// Problems collects everything that is wrong, so that a user sees all of it at once. It is an error value; a
// function that returns Problems as error returns nil when HasErrors is false.
type Problems []Problem

// Errorf adds a problem of severity Error.
func (ps *Problems) Errorf(at Pos, format string, args ...any) {
	*ps = append(*ps, Problem{Pos: at, Severity: Error, What: fmt.Sprintf(format, args...)})
}

// Warnf adds a problem of severity Warning.
func (ps *Problems) Warnf(at Pos, format string, args ...any) {
	*ps = append(*ps, Problem{Pos: at, Severity: Warning, What: fmt.Sprintf(format, args...)})
}

// invalidf adds an error for which Rasa raises InvalidDomain.
func (ps *Problems) invalidf(at Pos, format string, args ...any) {
	ps.Errorf(at, format, args...)
	(*ps)[len(*ps)-1].InvalidDomain = true
}

// onlyInvalidDomain reports whether there are errors and Rasa's importer would go on in spite of all of them.
func (ps Problems) onlyInvalidDomain() bool {
	for _, p := range ps {
		if p.Severity == Error && !p.InvalidDomain {
			return false
		}
	}
	return ps.HasErrors()
}

// HasErrors reports whether any problem has severity Error.
func (ps Problems) HasErrors() bool {
	for _, p := range ps {
		if p.Severity == Error {
			return true
		}
	}
	return false
}

// Err returns ps as an error when it holds errors, otherwise nil.
func (ps Problems) Err() error {
	if ps.HasErrors() {
		return ps
	}
	return nil
}

// Error lists the problems, one a line. Among errors, warnings are marked as such.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	mixed := ps.HasErrors()
	for i, p := range ps {
		lines[i] = p.String()
		if mixed && p.Severity == Warning {
			lines[i] = "warning: " + lines[i]
		}
	}
	return strings.Join(lines, "\n")
}

// tidy orders problems by their place, files in the order they were read, and drops repetitions and warnings that
// stand at the place of an error.
func (ps Problems) tidy() Problems {
	files := map[string]int{}
	wrong := map[Pos]bool{}
	for _, p := range ps {
		if _, ok := files[p.Pos.File]; !ok {
			files[p.Pos.File] = len(files)
		}
		if p.Severity == Error {
			wrong[p.Pos] = true
		}
	}
	var out Problems
	seen := map[Problem]bool{}
	for _, p := range ps {
		if !seen[p] && (p.Severity == Error || !wrong[p.Pos]) {
			seen[p] = true
			out = append(out, p)
		}
	}
	slices.SortStableFunc(out, func(a, b Problem) int {
		return cmp.Or(files[a.Pos.File]-files[b.Pos.File], a.Pos.Line-b.Pos.Line, a.Pos.Col-b.Pos.Col)
	})
	return out
}
