package compat

import (
	"os"
	"path/filepath"
	"testing"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestPrepare(t *testing.T) {
	bot, dir := t.TempDir(), t.TempDir()
	write(t, filepath.Join(bot, "endpoints.yml"), "nlg:\n  url: http://localhost:5055/nlg\n")
	write(t, filepath.Join(bot, "domain.yml"), "version: \"3.1\"\n")
	if err := prepare(dir, bot, "http://127.0.0.1:9"); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "endpoints.yml"))
	if err != nil {
		t.Fatal(err)
	}
	want := "nlg:\n  url: http://127.0.0.1:9/nlg\n\naction_endpoint:\n  url: \"http://127.0.0.1:9/webhook\"\n"
	if string(got) != want {
		t.Errorf("got %q", got)
	}
	for _, name := range []string{"domain.yml", "credentials.yml"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}
