package languagemodel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/parleybot/parley/internal/ml/bert"
)

// find returns the folder of a model: weights itself, or where Hugging Face's tools keep a model of that name.
func find(weights, cacheDir string) (string, error) {
	if info, err := os.Stat(weights); err == nil && info.IsDir() {
		return weights, nil
	}
	caches := []string{cacheDir}
	if cacheDir == "" {
		caches = standardCaches()
	}
	for _, cache := range caches {
		if folder, ok := snapshot(filepath.Join(cache, "models--"+strings.ReplaceAll(weights, "/", "--"))); ok {
			return folder, nil
		}
	}
	return "", fmt.Errorf("is %q, which is neither a folder nor a model in %s; nothing is downloaded at run time. %s",
		weights, strings.Join(caches, " or "), advice(weights))
}

// advice says how to get a model.
func advice(weights string) string {
	hub := weights
	if weights == defaultWeights["bert"] {
		// Rasa's copy has weights for TensorFlow only.
		hub = "sentence-transformers/LaBSE"
	}
	folder := filepath.Join("models", filepath.Base(hub))
	return fmt.Sprintf("Run `hf download %s --include \"*.json\" vocab.txt model.safetensors --local-dir %s` (pip install huggingface_hub) "+
		"and set model_weights to %s", hub, folder, folder)
}

// explain adds to an error what can be done.
func explain(err error, weights string) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, bert.ErrNoWeights) {
		return fmt.Errorf("%w. %s", err, advice(weights))
	}
	return err
}

// standardCaches are the folders in which Hugging Face's tools keep models, by their environment variables.
func standardCaches() []string {
	for _, variable := range []struct{ name, below string }{
		{"HF_HUB_CACHE", ""}, {"HUGGINGFACE_HUB_CACHE", ""}, {"TRANSFORMERS_CACHE", ""}, {"HF_HOME", "hub"}, {"XDG_CACHE_HOME", "huggingface/hub"},
	} {
		if v := os.Getenv(variable.name); v != "" {
			return []string{filepath.Join(v, filepath.FromSlash(variable.below))}
		}
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return nil
	}
	return []string{filepath.Join(home, ".cache", "huggingface", "hub")}
}

// snapshot returns the folder with the files of a model in a cache: of the branch main, or else the latest there is.
func snapshot(folder string) (string, bool) {
	if revision, err := os.ReadFile(filepath.Join(folder, "refs", "main")); err == nil {
		at := filepath.Join(folder, "snapshots", filepath.Base(strings.TrimSpace(string(revision))))
		if info, err := os.Stat(at); err == nil && info.IsDir() {
			return at, true
		}
	}
	entries, err := os.ReadDir(filepath.Join(folder, "snapshots"))
	if err != nil {
		return "", false
	}
	latest, when := "", time.Time{}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && e.IsDir() && info.ModTime().After(when) {
			latest, when = filepath.Join(folder, "snapshots", e.Name()), info.ModTime()
		}
	}
	return latest, latest != ""
}

// loaded keeps encoders, because their files stay mapped: a bot that is trained or loaded again uses the same memory.
var loaded struct {
	sync.Mutex
	encoders map[string]*bert.Encoder
}

// load returns the encoder in a folder. One whose files have changed since is read again.
func load(folder string) (*bert.Encoder, error) {
	key, err := identity(folder)
	if err != nil {
		return nil, err
	}
	loaded.Lock()
	defer loaded.Unlock()
	if e := loaded.encoders[key]; e != nil {
		return e, nil
	}
	e, err := bert.Load(folder)
	if err != nil {
		return nil, err
	}
	if loaded.encoders == nil {
		loaded.encoders = make(map[string]*bert.Encoder)
	}
	loaded.encoders[key] = e
	return e, nil
}

// identity tells apart what is in folders.
func identity(folder string) (string, error) {
	path, err := filepath.Abs(folder)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString(path)
	for _, file := range []string{bert.ConfigFile, bert.VocabularyFile, bert.TokenizerConfigFile, bert.SafetensorsFile, bert.ONNXFile} {
		if info, err := os.Stat(filepath.Join(path, file)); err == nil {
			fmt.Fprintf(&b, "\x00%s %d %d", file, info.Size(), info.ModTime().UnixNano())
		}
	}
	return b.String(), nil
}
