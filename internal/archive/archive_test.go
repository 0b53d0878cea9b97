package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func sample(t *testing.T) *Archive {
	t.Helper()
	a := New()
	a.Manifest.ModelID = "0123456789abcdef0123456789abcdef"
	a.Manifest.TrainedAt = time.Unix(1700000000, 0).UTC()
	a.AddPart(Part{Name: "policies/0-RulePolicy", Component: "RulePolicy", Fingerprint: "f1"})
	a.AddPart(Part{Name: "policies/1-MemoizationPolicy", Component: "MemoizationPolicy", Fingerprint: "f2"})
	for part, text := range map[string]string{"policies/0-RulePolicy": "rules", "policies/1-MemoizationPolicy": "turns"} {
		if err := a.Resource(part).Put("lookup.json", []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

func TestSaveAndLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "models", "m.tar.gz")
	a := sample(t)
	if err := a.Save(path); err != nil {
		t.Fatal(err)
	}
	b, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(a.Manifest, b.Manifest); d != "" {
		t.Error(d)
	}
	got, err := b.Resource("policies/0-RulePolicy").Get("lookup.json")
	if err != nil || string(got) != "rules" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := b.Resource("policies/0-RulePolicy").Get("nope"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file gives %v", err)
	}
	first, _ := a.Bytes()
	second, _ := b.Bytes()
	if !bytes.Equal(first, second) {
		t.Error("a loaded archive does not pack to the same bytes")
	}
}

func TestTakePart(t *testing.T) {
	a, b := sample(t), New()
	p, ok := a.Part("policies/1-MemoizationPolicy")
	if !ok {
		t.Fatal("the part is missing")
	}
	b.TakePart(a, p)
	if d := cmp.Diff([]string{"lookup.json"}, b.Resource(p.Name).Names()); d != "" {
		t.Error(d)
	}
	if names := b.Resource("policies/0-RulePolicy").Names(); len(names) != 0 {
		t.Errorf("files of another part came along: %v", names)
	}
}

func pack(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	w := tar.NewWriter(zip)
	for name, text := range files {
		if err := writeEntry(w, name, []byte(text), time.Unix(0, 0)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), zip.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestReadRefuses(t *testing.T) {
	whole, err := sample(t).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		data []byte
		want error
	}{
		"nothing":        {nil, ErrCorrupt},
		"no gzip":        {[]byte("hello"), ErrCorrupt},
		"cut off":        {whole[:len(whole)/2], ErrCorrupt},
		"no manifest":    {pack(t, map[string]string{"a": "b"}), ErrCorrupt},
		"bad manifest":   {pack(t, map[string]string{manifestName: "{"}), ErrCorrupt},
		"missing file":   {pack(t, map[string]string{manifestName: `{"format":1,"files":{"a":"b"}}`}), ErrCorrupt},
		"changed file":   {pack(t, map[string]string{manifestName: `{"format":1,"files":{"a":"b"}}`, "a": "x"}), ErrCorrupt},
		"unlisted file":  {pack(t, map[string]string{manifestName: `{"format":1}`, "a": "x"}), ErrCorrupt},
		"path outside":   {pack(t, map[string]string{manifestName: `{"format":1}`, "../a": "x"}), ErrCorrupt},
		"a later format": {pack(t, map[string]string{manifestName: `{"format":99}`}), ErrIncompatible},
		"Rasa 2":         {pack(t, map[string]string{rasa2Marker: `{"version":"2.8.1"}`}), ErrIncompatible},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Read(bytes.NewReader(c.data)); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestEveryFlippedByteIsNoticed(t *testing.T) {
	a := sample(t)
	want := a.files["policies/0-RulePolicy/lookup.json"]
	whole, err := a.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		damaged := bytes.Clone(whole)
		damaged[i] ^= 0x10
		b, err := Read(bytes.NewReader(damaged))
		if err == nil && (!bytes.Equal(b.files["policies/0-RulePolicy/lookup.json"], want) || b.Manifest.ModelID != a.Manifest.ModelID) {
			t.Fatalf("byte %d changed the data unnoticed", i)
		}
	}
}

func TestResolve(t *testing.T) {
	dir := t.TempDir()
	if _, err := Resolve(filepath.Join(dir, "nope")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing path gives %v", err)
	}
	if _, err := Resolve(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty folder gives %v", err)
	}
	old, fresh := filepath.Join(dir, "z.tar.gz"), filepath.Join(dir, "a.tar.gz")
	for i, path := range []string{old, fresh, filepath.Join(dir, "notes.txt")} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Unix(1700000000+int64(i), 0)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := Resolve(dir); err != nil || got != fresh {
		t.Errorf("got %s, %v; want %s", got, err, fresh)
	}
	if got, err := Resolve(old); err != nil || got != old {
		t.Errorf("got %s, %v; want %s", got, err, old)
	}
}

func TestName(t *testing.T) {
	at := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	if got, want := Name(at, func() float64 { return 0 }), "20240102-030405-amber-anchor"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := Name(at, func() float64 { return 0.9999999 }), "20240102-030405-witty-willow"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
