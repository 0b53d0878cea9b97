package archive

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/parleybot/parley/internal/value"
)

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

// Load reads and verifies the archive at path. A large one is kept in the cache folder and mapped from there; its files
// are read-only memory. The error wraps ErrCorrupt, ErrIncompatible or the file system's error.
func Load(path string) (*Archive, error) { return load(path, true) }

// load is Load; keep tells whether a large archive is kept in the cache folder when it is not there yet.
func load(path string, keep bool) (*Archive, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("loading model: %w", err)
	}
	defer f.Close()
	c, err := newCache(path)
	if err != nil {
		return nil, fmt.Errorf("loading model: %w", err)
	}
	a, kept, err := c.open(f)
	if err != nil {
		return nil, fmt.Errorf("loading model %s: %w", path, err)
	}
	if keep && !kept {
		a = c.keep(a)
	}
	a.cache = c
	return a, nil
}

// open returns the archive that f holds, as it was kept or else as it is read. When nothing can have been kept its
// content is identified while it is read.
func (c *cache) open(f *os.File) (a *Archive, kept bool, err error) {
	identify := func() error { return c.identify(io.NewSectionReader(f, 0, math.MaxInt64)) }
	if c.known() {
		if err := identify(); err != nil {
			return nil, false, err
		}
		if a := c.load(); a != nil {
			return a, true, nil
		}
		a, err = Read(f)
		return a, false, err
	}
	identified := make(chan error, 1)
	go func() { identified <- identify() }()
	a, err = Read(f)
	return a, false, errors.Join(err, <-identified)
}

// Read reads and verifies an archive; one that Rasa trained is turned into one of ours. The error wraps ErrCorrupt or
// ErrIncompatible and names the member that is to blame.
func Read(r io.Reader) (*Archive, error) {
	files, err := unpack(r, defaultLimits)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	manifest, ok := files[manifestName]
	if !ok {
		return readRasa(files)
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

func readRasa(files map[string][]byte) (*Archive, error) {
	if _, ok := files[rasaMetadata]; ok {
		a, err := fromRasa(files)
		if err != nil && !errors.Is(err, ErrIncompatible) && !errors.Is(err, ErrCorrupt) {
			err = fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		return a, err
	}
	if data, ok := files[rasa2Marker]; ok {
		fingerprint, err := value.DecodeObject(data)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrCorrupt, rasa2Marker, err)
		}
		return nil, tooOld(cmp.Or(fingerprint.String("version"), "2"))
	}
	return nil, fmt.Errorf("%w: neither %s nor Rasa's %s is there", ErrCorrupt, manifestName, rasaMetadata)
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
