package project

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parleybot/parley/internal/value"
)

// TestRecordedDomains loads the recorded bots and compares their domains with what real Rasa answered to GET /domain.
func TestRecordedDomains(t *testing.T) {
	files, err := filepath.Glob("../conformance/recorded/*.domain.json")
	if err != nil || len(files) < 14 {
		t.Fatalf("found %d recorded domains: %v", len(files), err)
	}
	for _, file := range files {
		name := filepath.Base(file[:len(file)-len(".domain.json")])
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join("../conformance/bots", name)
			domain := filepath.Join(dir, "domain.yml")
			if _, err := os.Stat(domain); err != nil {
				domain = filepath.Join(dir, "domain")
			}
			p, err := Load(LoadOptions{
				Domain: []string{domain}, Data: []string{filepath.Join(dir, "data")}, Config: filepath.Join(dir, "config.yml"),
			})
			if err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want, err := value.DecodeObject(data)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(sorted(want), sorted(p.Domain.AsMap())); diff != "" {
				t.Error(diff)
			}
			again, ps := DomainFromMap(p.Domain.AsMap())
			if ps.HasErrors() {
				t.Fatal(ps)
			}
			if diff := cmp.Diff(p.Domain.ActionNames(), again.ActionNames()); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(sorted(p.Domain.AsMap()), sorted(again.AsMap())); diff != "" {
				t.Error(diff)
			}
			for _, p := range p.Problems {
				t.Log(p)
			}
		})
	}
}

func sorted(m *value.Map) string { return string(value.Encode(m, value.SortKeys)) }
