package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/parleybot/parley/internal/archive"
	"github.com/parleybot/parley/internal/model"
)

// settle is how long the watcher waits for further changes: editors write a file in several steps.
const settle = 20 * time.Millisecond

// watcher trains the project again whenever one of its files changes, as far as the change reaches, and exchanges the
// model in use. It is used by one goroutine.
type watcher struct {
	site  *site
	flags *trainFlags
	files *fsnotify.Watcher
	// last is the model in use; what did not change is taken over from it.
	last *archive.Archive
	// served are the halves of the model in use.
	served halves
}

// errHalfGone keeps a bot alive while somebody moves its files.
var errHalfGone = errors.New("the files of a whole half of the model are gone; start again to serve the project without them")

// newWatcher watches the files that flags name. Models are kept in memory only: what is saved is what `train` saves.
func (a *app) newWatcher(s *site, flags *trainFlags) (*watcher, error) {
	files, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watching the project: %w", err)
	}
	flags.skip = true
	w := &watcher{site: s, flags: flags, files: files}
	for _, path := range slices.Concat(flags.config, []string{flags.domain}, flags.data) {
		w.add(path)
	}
	return w, nil
}

// add watches the folder of a file, or a folder with those below it. What does not exist is not watched.
func (w *watcher) add(path string) {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
			if err != nil || !d.IsDir() {
				return err
			}
			return w.files.Add(p)
		})
	} else {
		// Editors replace files: only the folder sees that.
		err = w.files.Add(filepath.Dir(path))
	}
	if err != nil {
		w.site.app.warn(fmt.Sprintf("changes of %s are not seen: %v", path, err))
	}
}

// run rebuilds after changes until ctx ends.
func (w *watcher) run(ctx context.Context) {
	defer func() {
		if err := w.files.Close(); err != nil {
			w.site.app.log.Error("ending the watch of the project", "err", err)
		}
	}()
	timer := time.NewTimer(settle)
	timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case event := <-w.files.Events:
			if w.concerns(event) {
				timer.Reset(settle)
			}
		case err := <-w.files.Errors:
			// Changes may have been missed, so that there may be something to do.
			w.site.app.log.Warn("watching the project", "err", err)
			timer.Reset(settle)
		case <-timer.C:
			w.rebuild(ctx)
		}
	}
}

// concerns reports whether an event is about a file that may belong to the project, and watches new folders.
func (w *watcher) concerns(event fsnotify.Event) bool {
	if !event.Has(fsnotify.Write | fsnotify.Create | fsnotify.Rename | fsnotify.Remove) {
		return false
	}
	if info, err := os.Stat(event.Name); err == nil && info.IsDir() {
		if slices.ContainsFunc(w.flags.data, func(d string) bool { return within(d, event.Name) }) || within(w.flags.domain, event.Name) {
			w.add(event.Name)
			return true
		}
		return false
	}
	switch filepath.Ext(event.Name) {
	case ".yml", ".yaml", ".json", ".txt":
		return true
	}
	return false
}

// within reports whether path lies in folder.
func within(folder, path string) bool {
	rel, err := filepath.Rel(folder, path)
	return err == nil && filepath.IsLocal(rel)
}

// rebuild trains what changed and serves it from now on. Errors are printed, and the model in use stays.
func (w *watcher) rebuild(ctx context.Context) {
	a := w.site.app
	began := time.Now()
	a.warned = nil // the files changed: what is still wrong is worth saying again
	report, err := w.train(ctx)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		fmt.Fprintln(a.err, err)
		a.log.Error("the project cannot be trained; the previous model stays", "model", w.site.modelName())
	case report != nil:
		a.reportTraining(report)
		a.log.Info("project trained and served", "model", w.site.modelName(), "duration", time.Since(began))
	}
}

func (w *watcher) train(ctx context.Context) (*model.Report, error) {
	a := w.site.app
	p, err := a.loadForTraining(ctx, w.flags)
	if err != nil || p == nil {
		return nil, err
	}
	if h := wholeModel(p); w.served.nlu && !h.nlu || w.served.core && !h.core {
		return nil, errHalfGone
	}
	h, err := a.chooseHalves(p, w.flags)
	if err != nil || h.none() {
		return nil, err
	}
	o := a.trainOptions(w.flags, h)
	if w.last != nil {
		o.Previous = archive.Of(w.last)
	}
	trained, report, err := model.Train(ctx, p, o)
	if err != nil {
		return nil, err
	}
	name := h.prefix() + archive.Name(trained.Manifest.TrainedAt.Local(), a.env().Random) + archive.Extension
	m, err := model.Load(trained, name, a.env())
	if err != nil {
		return nil, err
	}
	w.site.processor.SetModel(m)
	w.last, w.served = trained, h
	return report, nil
}
