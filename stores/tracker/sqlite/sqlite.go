// Package sqlite is the tracker store of a project that names none: conversations in a file of the project's state folder, so
// that a restart forgets nothing. It is package sql's store with a path instead of a connection.
package sqlite

import (
	"path/filepath"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/eventlog"
	"github.com/parleybot/parley/stores/tracker/sql"
)

// DefaultPath is where conversations are kept, under the working directory.
var DefaultPath = filepath.Join(".parley", "conversations.db")

func init() {
	stores.Trackers.Register(component.Spec{
		Name:    "sqlite",
		Summary: "Keeps conversations in a file: the default when endpoints.yml names no tracker store.",
		Fields: []component.Field{
			{Name: "path", Kind: component.String, Default: DefaultPath, Doc: "The file. Its folder is made, for the user alone. The table in it is that of Rasa's SQLTrackerStore."},
			{Name: "synchronous", Kind: component.String, Default: "full", Choices: []string{"full", "normal"},
				Doc: sql.SynchronousDoc},
			{Name: "sessions", Kind: component.String, Default: "last", Choices: []string{"last", "all"},
				Doc: "Which sessions the API shows: those that Rasa's store in memory would have kept, or all. All are in the file."},
		},
	}, build)
}

func build(cfg component.Config) (stores.TrackerStore, error) {
	var o struct {
		Path        string `option:"path"`
		Synchronous string `option:"synchronous"`
		Sessions    string `option:"sessions"`
	}
	if err := cfg.Decode(&o); err != nil {
		return nil, err
	}
	full, err := sql.IsFull(&cfg, o.Synchronous)
	if err != nil {
		return nil, err
	}
	if o.Path == "" {
		return nil, cfg.OptionError("path", "must name a file")
	}
	if o.Sessions != "last" && o.Sessions != "all" {
		return nil, cfg.OptionError("sessions", "must be last or all")
	}
	s, err := sql.OpenFile(o.Path, full, eventlog.Config{LikeMemory: o.Sessions == "last"}, cfg.Env)
	if err != nil {
		return nil, err
	}
	return s, nil
}
