package arch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/parleybot/parley"

// listed is what `go list -deps -json` says of a package.
type listed struct {
	ImportPath string
	Imports    []string
	Standard   bool
}

func TestArrows(t *testing.T) {
	packages := list(t, "go", "list", "-deps", "-json=ImportPath,Imports,Standard", module+"/...")
	standard := map[string]bool{"C": true, "unsafe": true}
	for _, p := range packages {
		standard[p.ImportPath] = standard[p.ImportPath] || p.Standard
	}
	for _, p := range packages {
		if !inModule(p.ImportPath) {
			continue
		}
		for _, problem := range check(p.ImportPath, p.Imports, standard) {
			t.Error(problem)
		}
	}
}

// TestSevenFolders keeps the folders that people and tools look for.
func TestSevenFolders(t *testing.T) {
	for _, folder := range []string{"cmd", "nlu", "dialogue", "actions", "stores", "lb", "deploy"} {
		info, err := os.Stat(filepath.Join("..", "..", folder))
		require.NoError(t, err)
		require.True(t, info.IsDir(), folder)
	}
}

func TestCheck(t *testing.T) {
	std := map[string]bool{"fmt": true}
	tests := []struct {
		name, from, to, want string
	}{
		{"the processor uses a root", "dialogue", module + "/stores", ""},
		{"the processor uses the standard library", "dialogue", "fmt", ""},
		{"the processor reaches for a backend", "dialogue", module + "/stores/tracker/memory", "dialogue imports stores/tracker/memory"},
		{"a policy reaches for the processor", "dialogue/policy/rule", module + "/dialogue", "dialogue/policy/rule imports dialogue"},
		{"a policy uses a sibling", "dialogue/policy/rule", module + "/dialogue/policy/memoization", "imports dialogue/policy/memoization"},
		{"a policy uses what all policies see", "dialogue/policy/rule", module + "/dialogue/policy/state", ""},
		{"a policy uses its root", "dialogue/policy/rule", module + "/dialogue/policy", ""},
		{"a component uses the numeric kernel", "nlu/classifier/diet", module + "/internal/ml", ""},
		{"a component uses a sibling", "nlu/classifier/diet", module + "/nlu/classifier/fallback", "imports nlu/classifier/fallback"},
		{"a root links an implementation", "nlu", module + "/standard", "nlu imports standard"},
		{"the command line links the standard list", "internal/cli", module + "/standard", ""},
		{"the list links what it lists", "standard", module + "/channels/rest", ""},
		{"the server reaches for the command line", "server", module + "/internal/cli", "server imports internal/cli"},
		{"a leaf looks up", "project", module + "/dialogue/tracker", "project imports dialogue/tracker"},
		{"the pools stay within the standard library", "lb", "github.com/google/uuid", "only the standard library"},
		{"HTTP framework below the edge", "dialogue", "github.com/labstack/echo/v4/middleware", "dialogue imports github.com/labstack/echo/v4"},
		{"HTTP framework at the edge", "server", "github.com/labstack/echo/v4/middleware", ""},
		{"a package nobody placed", "util", "fmt", "util has no place"},
		{"a package below a placed one", "lb/health/tcp", "fmt", "lb/health/tcp has no place"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			problems := check(module+"/"+tt.from, []string{tt.to}, std)
			if tt.want == "" {
				require.Empty(t, problems)
				return
			}
			require.Len(t, problems, 1)
			require.Contains(t, problems[0], tt.want)
		})
	}
}

// TestRulesAreNeeded finds lines of the table that match no package, which misspelt ones would not.
func TestRulesAreNeeded(t *testing.T) {
	planned := map[string]bool{"console": true}
	packages := list(t, "go", "list", "-json=ImportPath", module+"/...")
	for _, r := range rules {
		require.NotEmpty(t, r.why, "rule for %s gives no reason", r.packages)
		used := planned[r.packages]
		for _, p := range packages {
			used = used || matches(r.packages, below(p.ImportPath))
		}
		if !used {
			t.Errorf("the rule for %s matches no package", r.packages)
		}
	}
}

// check returns what is wrong with the imports of one package of the module; standard holds the import paths of the
// standard library.
func check(importPath string, imports []string, standard map[string]bool) []string {
	from := below(importPath)
	place, ok := find(rules, from)
	if !ok {
		return []string{from + " has no place in rules_test.go: say what it may import and why"}
	}
	var problems []string
	for _, to := range imports {
		switch {
		case standard[to]:
		case inModule(to):
			if !anyMatches(place.may, below(to)) {
				problems = append(problems, fmt.Sprintf("%s imports %s; it may not: %s", from, below(to), place.why))
			}
		case place.standardLibrary:
			problems = append(problems, fmt.Sprintf("%s imports %s; it may use only the standard library: %s", from, to, place.why))
		default:
			if library, ok := find(libraries, to); ok && !anyMatches(library.may, from) {
				problems = append(problems, fmt.Sprintf("%s imports %s; only %s may: %s", from, to, strings.Join(library.may, ", "), library.why))
			}
		}
	}
	return problems
}

// find returns the first rule for p.
func find(rules []rule, p string) (rule, bool) {
	for _, r := range rules {
		if matches(r.packages, p) {
			return r, true
		}
	}
	return rule{}, false
}

func anyMatches(patterns []string, p string) bool {
	for _, pattern := range patterns {
		if matches(pattern, p) {
			return true
		}
	}
	return false
}

func matches(pattern, p string) bool {
	if top, ok := strings.CutSuffix(pattern, "/..."); ok {
		return p == top || strings.HasPrefix(p, top+"/")
	}
	if stem, names, ok := strings.Cut(pattern, "{"); ok {
		last, ok := strings.CutPrefix(p, stem)
		return ok && slices.Contains(strings.Split(strings.TrimSuffix(names, "}"), ","), last)
	}
	ok, err := path.Match(pattern, p)
	return err == nil && ok
}

func inModule(importPath string) bool {
	return importPath == module || strings.HasPrefix(importPath, module+"/")
}

func below(importPath string) string { return strings.TrimPrefix(importPath, module+"/") }

func list(t *testing.T, command ...string) []listed {
	t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "%s", stderr.String())
	var packages []listed
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else {
			require.NoError(t, err)
		}
		packages = append(packages, p)
	}
}
