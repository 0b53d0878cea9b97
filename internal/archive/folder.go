package archive

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Extension is the end of the name of every model file.
const Extension = ".tar.gz"

// Newest returns the model file that was changed last in folder. The error wraps fs.ErrNotExist when the folder has
// none (rasa/model.py, get_latest_model).
func Newest(folder string) (string, error) {
	files, err := newestFirst(folder)
	if err != nil {
		return "", err
	}
	if len(files) == 0 {
		return "", fmt.Errorf("looking for a model in %s: %w", folder, fs.ErrNotExist)
	}
	return files[0], nil
}

// newestFirst lists the model files of folder by the time of their last change.
func newestFirst(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("looking for a model: %w", err)
	}
	var infos []fs.FileInfo
	for _, e := range entries {
		if e.IsDir() || strings.HasPrefix(e.Name(), ".") || !strings.HasSuffix(e.Name(), Extension) {
			continue
		}
		// Stat follows links, so that a link counts by the age of its model; what is gone by now is left out.
		if info, err := os.Stat(filepath.Join(folder, e.Name())); err == nil {
			infos = append(infos, info)
		}
	}
	slices.SortStableFunc(infos, func(a, b fs.FileInfo) int {
		return b.ModTime().Compare(a.ModTime())
	})
	files := make([]string, len(infos))
	for i, info := range infos {
		files[i] = filepath.Join(folder, info.Name())
	}
	return files, nil
}

// Resolve returns the model file that path means: the file itself, or the newest of a folder.
func Resolve(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("looking for a model: %w", err)
	}
	if info.IsDir() {
		return Newest(path)
	}
	return path, nil
}
