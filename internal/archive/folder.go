package archive

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Extension is the end of the name of every model file.
const Extension = ".tar.gz"

// Newest returns the model file that was changed last in folder. The error wraps fs.ErrNotExist when the folder has
// none (rasa/model.py, get_latest_model).
func Newest(folder string) (string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return "", fmt.Errorf("looking for a model: %w", err)
	}
	var newest string
	var best fs.FileInfo
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || e.IsDir() || strings.HasPrefix(e.Name(), ".") || !strings.HasSuffix(e.Name(), Extension) {
			continue
		}
		if best == nil || info.ModTime().After(best.ModTime()) {
			newest, best = filepath.Join(folder, e.Name()), info
		}
	}
	if best == nil {
		return "", fmt.Errorf("looking for a model in %s: %w", folder, fs.ErrNotExist)
	}
	return newest, nil
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
