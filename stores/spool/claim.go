package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Folder is a folder of waiting turns that belongs to one process until Release.
type Folder struct {
	Path string
	lock *os.File
}

// maxNodes bounds how many processes share a place.
const maxNodes = 1000

// Claim returns a folder below place that no other process has, with the turns of processes that died in it: nodes of one
// machine may be started in one project, and which of them is started again after a failure does not matter.
func Claim(place string) (*Folder, error) {
	if err := os.MkdirAll(place, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of waiting turns: %w", err)
	}
	var own *Folder
	for i := range maxNodes {
		path := filepath.Join(place, strconv.Itoa(i))
		_, err := os.Stat(path)
		if own != nil && errors.Is(err, os.ErrNotExist) {
			break
		}
		f, err := lockFolder(path)
		if err != nil {
			if own == nil {
				return nil, err
			}
			return own, errors.Join(err, own.Release())
		}
		if f == nil {
			continue
		}
		if own == nil {
			own = f
			continue
		}
		if err := errors.Join(f.moveTo(own), f.Release()); err != nil {
			return nil, errors.Join(err, own.Release())
		}
	}
	if own == nil {
		return nil, fmt.Errorf("the folder of waiting turns %s is in use by %d processes", place, maxNodes)
	}
	return own, nil
}

// lockFolder returns the folder, nil when another process has it.
func lockFolder(path string) (*Folder, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of waiting turns: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(path, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the folder of waiting turns: %w", err)
	}
	ok, err := lockFile(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("locking %s: %w", f.Name(), err), f.Close())
	}
	if !ok {
		return nil, f.Close()
	}
	return &Folder{path, f}, nil
}

func (f *Folder) moveTo(other *Folder) error {
	entries, err := os.ReadDir(f.Path)
	if err != nil {
		return fmt.Errorf("taking over waiting turns: %w", err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), suffix) {
			continue
		}
		if err := os.Rename(filepath.Join(f.Path, e.Name()), filepath.Join(other.Path, e.Name())); err != nil {
			return fmt.Errorf("taking over waiting turns: %w", err)
		}
	}
	return nil
}

// Release gives the folder up.
func (f *Folder) Release() error { return f.lock.Close() }
