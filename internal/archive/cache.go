package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"
)

// What is unpacked once is kept in a folder beside the models, or in the user's cache folder when that cannot be
// written: `.parley-cache/<model>.<hash of its content>/` with
//
//	model     the archive in packed form, if it is large
//	derived/  what parts worked out from it, one folder a part
//	origin    where the archive lies
//
// Everything in it is verified when it is read, appears complete or not at all, and may be deleted at any time.
const (
	cacheFolder = ".parley-cache"
	packedName  = "model"
	derivedName = "derived"
	originName  = "origin"
	tempPrefix  = ".tmp-"
	// cacheVersion goes into the hash. It grows when archives of Rasa are turned into ours in another way.
	cacheVersion = "1"
	// packFrom is the size of archives that are packed; smaller ones are read as quickly from the tar file.
	packFrom = 1 << 20
	// abandoned is the age of temporary files nobody writes any more.
	abandoned = time.Hour
)

// cache is the place for one archive in each of the folders that can be tried.
type cache struct {
	// archive is the absolute path of the archive, name that of its folder.
	archive, name string
	folders       []string
}

// newCache returns the cache of the archive at path, whose content is not known yet.
func newCache(path string) (*cache, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	c := &cache{archive: abs, folders: []string{filepath.Join(filepath.Dir(abs), cacheFolder)}}
	c.name = strings.TrimSuffix(filepath.Base(abs), Extension) + "."
	if dir, err := os.UserCacheDir(); err == nil {
		c.folders = append(c.folders, filepath.Join(dir, "parley", "models"))
	}
	return c, nil
}

// known reports whether anything of an archive of this name was kept, whatever its content.
func (c *cache) known() bool {
	for _, folder := range c.folders {
		entries, err := os.ReadDir(folder)
		if err != nil {
			continue
		}
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), c.name) {
				return true
			}
		}
	}
	return false
}

// identify makes the content of the archive part of the name.
func (c *cache) identify(content io.Reader) error {
	h := sha256.New()
	h.Write([]byte(cacheVersion + "\n"))
	if _, err := io.Copy(h, content); err != nil {
		return err
	}
	c.name += hex.EncodeToString(h.Sum(nil)[:16])
	return nil
}

// load returns the archive as it was kept, nil when it was not or was damaged since.
func (c *cache) load() *Archive {
	for _, folder := range c.folders {
		if a, err := openPacked(filepath.Join(folder, c.name, packedName)); err == nil {
			return a
		}
	}
	return nil
}

// keep stores a large archive and returns it as it is loaded from there. An archive that is small or cannot be stored
// is returned as it is.
func (c *cache) keep(a *Archive) *Archive {
	size := 0
	for _, data := range a.files {
		size += len(data)
	}
	if size < packFrom {
		return a
	}
	for _, folder := range c.folders {
		dir, err := c.make(folder)
		if err != nil {
			continue
		}
		path := filepath.Join(dir, packedName)
		if err := writeFile(path, a.writePacked); err != nil {
			continue
		}
		if kept, err := openPacked(path); err == nil {
			c.prune(folder)
			// Unpacking took several times the size of the weights; they are on disk now.
			*a = Archive{}
			debug.FreeOSMemory()
			return kept
		}
	}
	return a
}

// make creates the folder of the archive.
func (c *cache) make(folder string) (string, error) {
	dir := filepath.Join(folder, c.name)
	if info, err := os.Stat(filepath.Dir(folder)); err == nil && info.Mode().Perm()&0o222 == 0 {
		// Who may write everywhere leaves alone, too, what nobody is to write.
		return "", &fs.PathError{Op: "create", Path: folder, Err: fs.ErrPermission}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	origin := c.archive
	if filepath.Dir(folder) == filepath.Dir(c.archive) {
		origin = filepath.Base(c.archive) // so that folders can be moved
	}
	return dir, writeFile(filepath.Join(dir, originName), func(w io.Writer) error {
		_, err := io.WriteString(w, origin)
		return err
	})
}

// writeFile writes a file that appears complete or not at all.
func writeFile(path string, write func(io.Writer) error) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), tempPrefix+"*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // fails after the rename, as it should
	err = write(tmp)
	if err = errors.Join(err, tmp.Chmod(0o644), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

// prune removes what belongs to archives that are gone, to earlier content of this one, or to nobody. Errors don't
// matter: who comes next tries again.
func (c *cache) prune(folder string) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return
	}
	for _, e := range entries {
		dir := filepath.Join(folder, e.Name())
		if e.Name() != c.name && c.stale(folder, dir) {
			_ = os.RemoveAll(dir)
		} else {
			removeAbandoned(dir)
		}
	}
}

func (c *cache) stale(folder, dir string) bool {
	data, err := os.ReadFile(filepath.Join(dir, originName))
	if err != nil {
		// Another process may be about to write the file.
		info, err := os.Stat(dir)
		return err == nil && time.Since(info.ModTime()) > abandoned
	}
	origin := string(data)
	if !filepath.IsAbs(origin) {
		origin = filepath.Join(filepath.Dir(folder), origin)
	}
	if origin == c.archive {
		return true
	}
	_, err = os.Stat(origin)
	return errors.Is(err, os.ErrNotExist)
}

func removeAbandoned(dir string) {
	files, err := filepath.Glob(filepath.Join(dir, tempPrefix+"*"))
	if err != nil {
		return
	}
	for _, file := range files {
		if info, err := os.Stat(file); err == nil && time.Since(info.ModTime()) > abandoned {
			_ = os.Remove(file)
		}
	}
}
