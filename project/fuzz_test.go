package project

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parleybot/parley/internal/value"
)

// FuzzProject reads any text as a project of one file. Nothing may panic; a domain that loads can be written and
// read again; whatever is refused says why.
func FuzzProject(f *testing.F) {
	files, err := filepath.Glob("../conformance/bots/*/*.yml")
	if err != nil {
		f.Fatal(err)
	}
	data, err := filepath.Glob("../conformance/bots/*/data/*.yml")
	if err != nil {
		f.Fatal(err)
	}
	bad, err := filepath.Glob("testdata/*/*.bad.yml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range append(append(files, data...), bad...) {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 1<<16 {
			return
		}
		if p, err := Parse(text, "f.yml"); err == nil && (p.Domain == nil || p.NLU == nil || p.Config == nil) {
			t.Fatalf("half a project: %+v", p)
		}
		d, ps := ParseDomain(text, "f.yml")
		if d == nil {
			if !ps.HasErrors() {
				t.Fatal("refused without an error")
			}
			return
		}
		again, ps := DomainFromMap(d.AsMap())
		if again == nil {
			t.Fatalf("as_dict is refused: %v\n%s", ps, value.Encode(d.AsMap(), 0))
		}
		if diff := cmp.Diff(string(value.Encode(d.AsMap(), 0)), string(value.Encode(again.AsMap(), 0))); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(d.ActionNames(), again.ActionNames()); diff != "" {
			t.Error(diff)
		}
	})
}
