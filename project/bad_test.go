package project

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite golden files")

// TestBadFiles reads every testdata/KIND/*.bad.yml and compares all that is found wrong with the .txt beside it.
// Every file has at least one error, which real Rasa 3.6.21 refuses too.
func TestBadFiles(t *testing.T) {
	t.Setenv("PARLEY_SET", "value")
	loaders := map[string]func(string) Problems{
		"domain":      func(path string) Problems { _, ps := LoadDomain(path); return ps },
		"config":      func(path string) Problems { _, ps := LoadConfig(path); return ps },
		"endpoints":   func(path string) Problems { _, ps := LoadEndpoints(path); return ps },
		"credentials": func(path string) Problems { _, ps := LoadCredentials(path); return ps },
		"stories": func(path string) Problems {
			_, ps := ParseStories(mustRead(t, path), path)
			return ps
		},
		"nlu": func(path string) Problems {
			_, ps := ParseNLU(mustRead(t, path), path)
			return ps
		},
	}
	for kind, load := range loaders {
		files, err := filepath.Glob(filepath.Join("testdata", kind, "*.bad.yml"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no bad files of kind %s: %v", kind, err)
		}
		for _, file := range files {
			t.Run(kind+"/"+strings.TrimSuffix(filepath.Base(file), ".bad.yml"), func(t *testing.T) {
				ps := load(file)
				if !ps.HasErrors() {
					t.Error("the file is accepted")
				}
				compareGolden(t, strings.TrimSuffix(file, ".yml")+".txt", listProblems(ps, filepath.Dir(file)))
			})
		}
	}
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// listProblems writes one problem a line, without the folder of the files.
func listProblems(ps Problems, dir string) string {
	var out strings.Builder
	for _, p := range ps {
		severity := "error"
		if p.Severity == Warning {
			severity = "warning"
		}
		out.WriteString(severity + " " + strings.ReplaceAll(p.String(), dir+string(filepath.Separator), "") + "\n")
	}
	return out.String()
}

func compareGolden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}
