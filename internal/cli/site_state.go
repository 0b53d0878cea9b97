package cli

import (
	"path/filepath"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/project"
	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/failsafe"
	"github.com/parleybot/parley/stores/spool"
)

// stateFolder is where a node keeps what it must not forget, below the folder it is started in.
const stateFolder = ".parley"

// states has one part: the options of section state.
var states = component.NewRegistry[stateOptions]("state")

func init() {
	states.Register(component.Spec{
		Name:    "state",
		Summary: "What a node does when its tracker store fails, and how long conversations are kept.",
		Fields: []component.Field{
			{Name: "folder", Kind: component.String, Default: stateFolder, Doc: "Folder of turns that wait for the tracker store."},
			{Name: "spool", Kind: component.Bool, Default: true,
				Doc: "Keep turns on disk that the tracker store cannot take, until it can. Without, such a message fails."},
			{Name: "spool_after", Kind: component.Float, Default: spool.DefaultAfter.Seconds(),
				Doc: "Seconds for which a turn is tried to be stored before it waits on disk and the user is answered."},
			{Name: "outbox_lease", Kind: component.Float, Default: 30.0,
				Doc: "Seconds after which other nodes publish the events of a node that died."},
			{Name: "fail_safe", Kind: component.Bool, Default: false,
				Doc: "Rasa's behaviour: a conversation that cannot be read begins anew, one that cannot be written is kept in memory."},
			{Name: "retention_days", Kind: component.Float, Default: 0.0, Doc: "Days after its last event a conversation is deleted; 0 is never."},
		},
	}, func(cfg component.Config) (stateOptions, error) {
		var o stateOptions
		if err := cfg.Decode(&o); err != nil {
			return o, err
		}
		for key, v := range map[string]float64{"retention_days": o.RetentionDays, "spool_after": o.SpoolAfter, "outbox_lease": o.OutboxLease} {
			if v < 0 {
				return o, cfg.OptionError(key, "must not be negative")
			}
		}
		return o, nil
	})
}

type stateOptions struct {
	Folder        string  `option:"folder"`
	Spool         bool    `option:"spool"`
	FailSafe      bool    `option:"fail_safe"`
	RetentionDays float64 `option:"retention_days"`
	SpoolAfter    float64 `option:"spool_after"`
	OutboxLease   float64 `option:"outbox_lease"`
}

// StateSpecs are the specs of section state, for the reference pages.
func StateSpecs() []component.Spec { return states.Specs() }

func (s *site) stateOptions(endpoints *project.Endpoints) (stateOptions, error) {
	section, _ := endpoints.Section("state")
	return states.Build(partConfig(section, "state", s.app.env()))
}

// guard puts in front of a store what happens when it fails.
func (s *site) guard(store stores.TrackerStore, o stateOptions) (stores.TrackerStore, error) {
	if o.FailSafe {
		fallback, err := openPart(s, project.Entry{}, inMemory, stores.Trackers)
		return failsafe.New(store, fallback, s.app.log), err
	}
	if !o.Spool {
		return store, nil
	}
	folder, err := spool.Claim(filepath.Join(o.Folder, "spool"))
	if err == nil {
		return s.openSpool(store, folder, o)
	}
	s.app.warn(err.Error() + "; a message fails when the tracker store cannot take it")
	return store, nil
}

func (s *site) openSpool(store stores.TrackerStore, folder *spool.Folder, o stateOptions) (stores.TrackerStore, error) {
	s.closers = append(s.closers, folder.Release)
	guarded, err := spool.Open(spool.Config{
		Store: store, Dir: folder.Path, Logger: s.app.log, Factory: s.factory, Rerun: s.rerun, Stored: s.deliver,
		After: max(duration(o.SpoolAfter), 1),
	})
	if err != nil {
		return nil, err
	}
	s.spool = guarded
	s.closers = append(s.closers, guarded.Close)
	return guarded, nil
}

// factory returns the factory of trackers of the model in use, nil before there is one.
func (s *site) factory() *tracker.Factory {
	select {
	case <-s.ready:
	default:
		return nil
	}
	m := s.processor.Model()
	if m == nil {
		return nil
	}
	return m.Trackers
}
