package validate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/parleybot/parley/project"
)

// Finding is one thing that is wrong in a project.
type Finding struct {
	// Pos is where it was written; an empty File means the project as a whole.
	Pos project.Pos
	// Severity is project.Error when the finding makes the check fail.
	Severity project.Severity
	Code     Code
	// What names the culprit and, where one is near, the name that was probably meant.
	What string
}

// String returns "file:line:col: severity: what [code]".
func (f Finding) String() string {
	severity := "warning"
	if f.Severity == project.Error {
		severity = "error"
	}
	at := ""
	if f.Pos.File != "" {
		at = f.Pos.String() + ": "
	}
	return fmt.Sprintf("%s%s: %s [%s]", at, severity, f.What, f.Code)
}

// Findings are all that is wrong, sorted by file, line and column; what belongs to no file comes last.
type Findings []Finding

// ExitCode is that of the process: 1 when any finding is an error, otherwise 0.
func (fs Findings) ExitCode() int {
	if slices.ContainsFunc(fs, func(f Finding) bool { return f.Severity == project.Error }) {
		return 1
	}
	return 0
}

// String lists the findings, one a line, each with a line break.
func (fs Findings) String() string {
	var out strings.Builder
	for _, f := range fs {
		out.WriteString(f.String())
		out.WriteByte('\n')
	}
	return out.String()
}

// sorted sorts fs in place and leaves out what is said twice.
func (fs Findings) sorted() Findings {
	slices.SortStableFunc(fs, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(b2i(a.Pos.File == ""), b2i(b.Pos.File == "")), cmp.Compare(a.Pos.File, b.Pos.File),
			cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Col, b.Pos.Col),
		)
	})
	seen := make(map[Finding]bool, len(fs))
	return slices.DeleteFunc(fs, func(f Finding) bool {
		had := seen[f]
		seen[f] = true
		return had
	})
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
