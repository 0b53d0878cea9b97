package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// maxFileSize bounds one file of an archive, so that a damaged header cannot ask for all memory.
const maxFileSize = 4 << 30

// rasaMarker is the file that tells an archive trained by Rasa.
const rasaMarker = "metadata.json"

// Save writes the archive to path. The file appears complete or not at all.
func (a *Archive) Save(path string) error {
	data, err := a.Bytes()
	if err != nil {
		return fmt.Errorf("packing model %s: %w", path, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("saving model: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".model-*")
	if err != nil {
		return fmt.Errorf("saving model: %w", err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // fails after the rename, as it should
	_, err = tmp.Write(data)
	err = errors.Join(err, tmp.Chmod(0o644), tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("saving model %s: %w", path, err)
	}
	return nil
}

// Bytes returns the archive as a gzipped tar file. Equal archives give equal bytes.
func (a *Archive) Bytes() ([]byte, error) {
	names := make([]string, 0, len(a.files))
	a.Manifest.Files = make(map[string]string, len(a.files))
	for name, data := range a.files {
		names = append(names, name)
		a.Manifest.Files[name] = checksum(data)
	}
	slices.Sort(names)
	manifest, err := json.MarshalIndent(a.Manifest, "", " ")
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	// Models are read far more often than written, but they are small: the fastest level keeps training short.
	zip, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	tarball := tar.NewWriter(zip)
	// The manifest comes first, so that a model can be told from its first block.
	if err := writeEntry(tarball, manifestName, manifest, a.Manifest.TrainedAt); err != nil {
		return nil, err
	}
	for _, name := range names {
		if err := writeEntry(tarball, name, a.files[name], a.Manifest.TrainedAt); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(tarball.Close(), zip.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func writeEntry(w *tar.Writer, name string, data []byte, at time.Time) error {
	h := &tar.Header{Name: name, Mode: 0o644, Size: int64(len(data)), ModTime: at, Format: tar.FormatPAX}
	if err := w.WriteHeader(h); err != nil {
		return err
	}
	_, err := w.Write(data)
	return err
}

// Load reads and verifies the archive at path. The error wraps ErrCorrupt, ErrIncompatible or the file system's error.
func Load(path string) (*Archive, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("loading model: %w", err)
	}
	defer f.Close()
	a, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("loading model %s: %w", path, err)
	}
	return a, nil
}

// Read reads and verifies an archive. The error wraps ErrCorrupt or ErrIncompatible.
func Read(r io.Reader) (*Archive, error) {
	files, err := untar(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	manifest, ok := files[manifestName]
	if !ok {
		if _, rasa := files[rasaMarker]; rasa {
			return nil, fmt.Errorf("%w: it was trained by Rasa; train the project with parley instead", ErrIncompatible)
		}
		return nil, fmt.Errorf("%w: %s is missing", ErrCorrupt, manifestName)
	}
	delete(files, manifestName)
	a := &Archive{files: files}
	if err := json.Unmarshal(manifest, &a.Manifest); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrCorrupt, manifestName, err)
	}
	if a.Manifest.Format != FormatVersion {
		return nil, fmt.Errorf("%w: it has format %d, this parley reads format %d", ErrIncompatible, a.Manifest.Format, FormatVersion)
	}
	return a, a.verify()
}

func (a *Archive) verify() error {
	for name, want := range a.Manifest.Files {
		data, ok := a.files[name]
		if !ok {
			return fmt.Errorf("%w: %s is missing", ErrCorrupt, name)
		}
		if checksum(data) != want {
			return fmt.Errorf("%w: %s does not have the recorded checksum", ErrCorrupt, name)
		}
	}
	for name := range a.files {
		if _, ok := a.Manifest.Files[name]; !ok {
			return fmt.Errorf("%w: %s is not in the manifest", ErrCorrupt, name)
		}
	}
	return nil
}

func untar(r io.Reader) (map[string][]byte, error) {
	zip, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	tarball := tar.NewReader(zip)
	for {
		h, err := tarball.Next()
		if errors.Is(err, io.EOF) {
			// gzip compares its checksum only when it is read to the end.
			_, err := io.Copy(io.Discard, zip)
			return files, err
		}
		if err != nil {
			return nil, err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		name := strings.TrimPrefix(h.Name, "./")
		if !fs.ValidPath(name) || h.Size > maxFileSize {
			return nil, fmt.Errorf("entry %q: %w", h.Name, fs.ErrInvalid)
		}
		data, err := io.ReadAll(tarball)
		if err != nil {
			return nil, fmt.Errorf("entry %q: %w", h.Name, err)
		}
		files[name] = data
	}
}
