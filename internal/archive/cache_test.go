package archive

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// large returns an archive that is worth packing, and the folder it was saved in.
func large(t *testing.T, fill byte) (dir, path string) {
	t.Helper()
	dir = t.TempDir()
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "home"))
	t.Setenv("HOME", filepath.Join(dir, "home"))
	path = filepath.Join(dir, "models", "m.tar.gz")
	saveLarge(t, path, fill)
	return dir, path
}

func saveLarge(t *testing.T, path string, fill byte) {
	t.Helper()
	a := sample(t)
	if err := a.Resource("policies/0-RulePolicy").Put("weights.st", bytes.Repeat([]byte{fill}, packFrom)); err != nil {
		t.Fatal(err)
	}
	if err := a.Save(path); err != nil {
		t.Fatal(err)
	}
}

func mustLoad(t *testing.T, path string) *Archive {
	t.Helper()
	a, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func checkLarge(t *testing.T, a *Archive, fill byte) {
	t.Helper()
	r := a.Resource("policies/0-RulePolicy")
	if data, err := r.Get("weights.st"); err != nil || !bytes.Equal(data, bytes.Repeat([]byte{fill}, packFrom)) {
		t.Errorf("the weights are %.20x..., %v", data, err)
	}
	if data, err := r.Get("lookup.json"); err != nil || string(data) != "rules" {
		t.Errorf("the lookup is %q, %v", data, err)
	}
}

func packedFiles(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*", packedName))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestLoadPacks(t *testing.T) {
	dir, path := large(t, 'a')
	first := mustLoad(t, path)
	checkLarge(t, first, 'a')
	files := packedFiles(t, filepath.Join(dir, "models", cacheFolder))
	if first.OnDisk() == nil || len(files) != 1 {
		t.Fatalf("it was not packed: %q", files)
	}
	before, err := os.Stat(files[0])
	if err != nil {
		t.Fatal(err)
	}
	second := mustLoad(t, path)
	checkLarge(t, second, 'a')
	if d := cmp.Diff(first.Manifest, second.Manifest); d != "" {
		t.Error(d)
	}
	if after, err := os.Stat(files[0]); err != nil || !os.SameFile(before, after) {
		t.Errorf("it was packed again: %v", err)
	}
	second.OnDisk()()
	checkLarge(t, second, 'a')
	if names, err := newestFirst(filepath.Dir(path)); err != nil || len(names) != 1 {
		t.Errorf("the cache counts as a model: %q, %v", names, err)
	}
}

func TestHistoryPacksNothing(t *testing.T) {
	dir, path := large(t, 'k')
	h := NewHistory(filepath.Dir(path), slog.New(slog.DiscardHandler))
	if _, ok := h.Find("policies/0-RulePolicy", "f1"); !ok {
		t.Error("the part was not found")
	}
	if files := packedFiles(t, filepath.Join(dir, "models", cacheFolder)); len(files) > 0 {
		t.Errorf("packed %q", files)
	}
}

func TestDamagedPack(t *testing.T) {
	dir, path := large(t, 'b')
	mustLoad(t, path)
	file := packedFiles(t, filepath.Join(dir, "models", cacheFolder))[0]
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func([]byte) []byte{
		"empty":   func([]byte) []byte { return nil },
		"cut off": func(b []byte) []byte { return b[:len(b)/2] },
		"magic":   func(b []byte) []byte { b[0] ^= 1; return b },
		"length":  func(b []byte) []byte { b[len(packedMagic)+6] ^= 1; return b },
		"index":   func(b []byte) []byte { b[packedHead+20] ^= 1; return b },
		"weights": func(b []byte) []byte { b[len(b)-9] ^= 1; return b },
	} {
		t.Run(name, func(t *testing.T) {
			// A new file, because the old one is mapped.
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, change(bytes.Clone(whole)), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := openPacked(file); err == nil {
				t.Error("it was opened")
			}
			checkLarge(t, mustLoad(t, path), 'b')
			if _, err := openPacked(file); err != nil {
				t.Errorf("it was not written again: %v", err)
			}
		})
	}
}

// block puts a file where a folder is needed, which keeps root out, too.
func block(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestOtherPlaces(t *testing.T) {
	dir, path := large(t, 'c')
	block(t, filepath.Join(dir, "models", cacheFolder))
	user, err := os.UserCacheDir()
	if err != nil || !strings.HasPrefix(user, dir) {
		t.Fatalf("the user's cache folder is %s, %v", user, err)
	}
	a := mustLoad(t, path)
	checkLarge(t, a, 'c')
	if files := packedFiles(t, filepath.Join(user, "parley", "models")); len(files) != 1 || a.OnDisk() == nil {
		t.Errorf("it is not in the user's cache folder: %q", files)
	}
	if err := os.RemoveAll(filepath.Join(user, "parley")); err != nil {
		t.Fatal(err)
	}
	block(t, filepath.Join(user, "parley"))
	a = mustLoad(t, path)
	checkLarge(t, a, 'c')
	if a.OnDisk() != nil {
		t.Error("it lies on disk")
	}
	r := a.Resource("policies/0-RulePolicy").Cache()
	if err := r.Put("x", []byte("1")); err == nil {
		t.Error("something was kept nowhere")
	}
	if _, err := r.Get("x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file gives %v", err)
	}
}

func TestReadOnlyFolder(t *testing.T) {
	_, path := large(t, 'l')
	models := filepath.Dir(path)
	if err := os.Chmod(models, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(models, 0o755) })
	checkLarge(t, mustLoad(t, path), 'l')
	if _, err := os.Stat(filepath.Join(models, cacheFolder)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something was written: %v", err)
	}
}

func TestPrune(t *testing.T) {
	dir, path := large(t, 'd')
	folder := filepath.Join(dir, "models", cacheFolder)
	other := filepath.Join(dir, "models", "other.tar.gz")
	saveLarge(t, other, 'e')
	mustLoad(t, other)
	mustLoad(t, path)
	if n := len(packedFiles(t, folder)); n != 2 {
		t.Fatalf("%d archives are packed", n)
	}
	crashed := filepath.Join(folder, "crashed.0123")
	block(t, filepath.Join(crashed, tempPrefix+"1"))
	long := time.Now().Add(-2 * abandoned)
	if err := os.Chtimes(crashed, long, long); err != nil {
		t.Fatal(err)
	}
	saveLarge(t, path, 'f')
	checkLarge(t, mustLoad(t, path), 'f')
	if n := len(packedFiles(t, folder)); n != 2 {
		t.Errorf("earlier content was not removed: %d archives are packed", n)
	}
	if _, err := os.Stat(crashed); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what a crash left was not removed: %v", err)
	}
	if err := os.Remove(other); err != nil {
		t.Fatal(err)
	}
	saveLarge(t, path, 'g')
	checkLarge(t, mustLoad(t, path), 'g')
	if files := packedFiles(t, folder); len(files) != 1 {
		t.Errorf("a deleted archive was not removed: %q", files)
	}
}

func TestManyLoadAtOnce(t *testing.T) {
	dir, path := large(t, 'h')
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			a, err := Load(path)
			if err != nil {
				t.Error(err)
				return
			}
			checkLarge(t, a, 'h')
		})
	}
	wg.Wait()
	left, err := filepath.Glob(filepath.Join(dir, "models", cacheFolder, "*", tempPrefix+"*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left over: %q, %v", left, err)
	}
}

func TestDerived(t *testing.T) {
	_, path := large(t, 'i')
	part := "policies/0-RulePolicy"
	r := mustLoad(t, path).Resource(part).Cache()
	if _, err := r.Get("crf.bin"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file gives %v", err)
	}
	for _, name := range []string{"crf.bin", "deep/er file"} {
		if err := r.Put(name, []byte("of "+name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Put("../x", nil); err == nil {
		t.Error("a path that leads out was accepted")
	}
	again := mustLoad(t, path).Resource(part).Cache()
	if d := cmp.Diff([]string{"crf.bin", "deep/er file"}, again.Names()); d != "" {
		t.Error(d)
	}
	if data, err := again.Get("deep/er file"); err != nil || string(data) != "of deep/er file" {
		t.Errorf("%q, %v", data, err)
	}
	if names := mustLoad(t, path).Resource("policies/1-MemoizationPolicy").Cache().Names(); len(names) != 0 {
		t.Errorf("another part has %q", names)
	}
	d := again.(*derived)
	file := filepath.Join(d.cache.folders[0], d.cache.name, derivedName, d.part, "crf.bin")
	for _, damage := range []string{"", "x", "of crf.bim\x00\x00\x00\x00"} {
		if err := os.WriteFile(file, []byte(damage), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := again.Get("crf.bin"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a damaged file gives %v", err)
		}
	}
	saveLarge(t, path, 'j')
	if names := mustLoad(t, path).Resource(part).Cache().Names(); len(names) != 0 {
		t.Errorf("other content has %q", names)
	}
}

func TestDerivedWithoutAFile(t *testing.T) {
	r := sample(t).Resource("policies/0-RulePolicy").Cache()
	if err := r.Put("a", []byte("1")); err != nil {
		t.Error(err)
	}
}
