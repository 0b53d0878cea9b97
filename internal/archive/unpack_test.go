package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type member struct {
	tar.Header
	text string
}

// tarball packs members as they are; finish tells whether the tar file is ended.
func tarball(t testing.TB, finish bool, members ...member) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, m := range members {
		if m.Size == 0 {
			m.Size = int64(len(m.text))
		}
		if m.Typeflag == 0 {
			m.Typeflag = tar.TypeReg
		}
		if err := w.WriteHeader(&m.Header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, m.text); err != nil {
			t.Fatal(err)
		}
	}
	if finish {
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return zipped(t, out.Bytes())
}

func zipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, err := z.Write(data)
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func file(name, text string) member { return member{tar.Header{Name: name}, text} }

func TestUnpack(t *testing.T) {
	folder := member{Header: tar.Header{Name: "/", Typeflag: tar.TypeDir}}
	data := tarball(t, true, folder, file("a/b", "1"), file("./c", "2"), file("/d", "3"), file("empty", ""))
	files, err := unpack(bytes.NewReader(data), defaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]byte{"a/b": []byte("1"), "c": []byte("2"), "d": []byte("3"), "empty": {}}
	if d := cmp.Diff(want, files); d != "" {
		t.Error(d)
	}
}

func TestUnpackRefuses(t *testing.T) {
	small := limits{fileSize: 1 << 20, totalSize: 3 << 19, files: 3, freeSize: 1 << 16, ratio: 10}
	special := func(kind byte) []byte {
		return tarball(t, true, member{Header: tar.Header{Name: "x", Typeflag: kind, Linkname: "/etc/passwd"}})
	}
	noise := strings.Builder{}
	for i := range 1 << 17 {
		noise.WriteByte(byte(i * i * 7919 >> 8))
	}
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"path above":      {tarball(t, true, file("components/../../x", "")), `entry "components/../../x": invalid`},
		"twice absolute":  {tarball(t, true, file("//etc/passwd", "")), `entry "//etc/passwd": invalid`},
		"backslash":       {tarball(t, true, file(`a\..\b`, "")), "invalid"},
		"symbolic link":   {special(tar.TypeSymlink), `entry "x": it is neither a file nor a folder`},
		"hard link":       {special(tar.TypeLink), `entry "x": it is neither a file nor a folder`},
		"device":          {special(tar.TypeChar), `entry "x": it is neither a file nor a folder`},
		"pipe":            {special(tar.TypeFifo), `entry "x": it is neither a file nor a folder`},
		"twice":           {tarball(t, true, file("a", "1"), file("/a", "2")), `entry "/a": it occurs twice`},
		"many":            {tarball(t, true, file("a", ""), file("b", ""), file("c", ""), file("d", "")), `entry "d": there are more than 3 files`},
		"large":           {tarball(t, false, member{tar.Header{Name: "a", Size: 2 << 20}, ""}), `entry "a": 2097152 bytes are too much`},
		"large together":  {tarball(t, true, file("a", noise.String()), member{tar.Header{Name: "b", Size: 1 << 20}, strings.Repeat(noise.String(), 8)}), `entry "b"`},
		"bomb":            {tarball(t, true, file("a", strings.Repeat("x", 1<<20))), `entry "a": 1048576 bytes out of`},
		"cut off":         {tarball(t, false, member{tar.Header{Name: "a", Size: 1 << 16}, "only this"}), `entry "a": unexpected EOF`},
		"no tar":          {zipped(t, []byte(strings.Repeat("hello", 1000))), "tar"},
		"endless padding": {zipped(t, make([]byte, 17<<20)), "goes on behind its last entry"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := unpack(bytes.NewReader(c.data), small); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// FuzzRead states that reading never panics and gives no names that lead out of the archive. The input is a tar file,
// because nothing that is changed in a gzip file comes through its checksum.
func FuzzRead(f *testing.F) {
	plain := func(data []byte) []byte {
		z, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			f.Fatal(err)
		}
		out, err := io.ReadAll(z)
		if err != nil {
			f.Fatal(err)
		}
		return out
	}
	f.Add(plain(tarball(f, true, file(rasaMetadata, rasaModel(f)), file("components/train_A0/x.json", "{}"))))
	f.Add(plain(tarball(f, true, file(manifestName, `{"format":1,"files":{}}`))))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := Read(bytes.NewReader(zipped(t, data)))
		if err != nil {
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrIncompatible) {
				t.Fatalf("the error has no kind: %v", err)
			}
			return
		}
		for name := range a.files {
			if strings.HasPrefix(name, "/") || strings.Contains(fmt.Sprintf("/%s/", name), "/../") {
				t.Fatalf("file %q", name)
			}
		}
	})
}
