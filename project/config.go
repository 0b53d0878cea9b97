package project

import "github.com/parleybot/parley/internal/value"

// Config is config.yml (rasa/engine/recipes/default_recipe.py and rasa/shared/importers, 3.6.21).
type Config struct {
	Recipe      string
	AssistantID string
	Language    string
	Pipeline    []Entry
	Policies    []Entry
	// Importers are the `importers` entries; empty means RasaFileImporter.
	Importers []Entry
	// Filled tells which of "pipeline", "policies", "assistant_id" were absent or null and got Rasa's default.
	Filled []string
	File   string
	// Raw is the document as it was written.
	Raw *value.Map
}

// Entry is one named item of a pipeline, policy or importer list, or one named section of endpoints.yml or
// credentials.yml, with its options.
type Entry struct {
	Name    string
	Options *value.Map
	Pos     Pos
	// At holds the position of each option.
	At map[string]Pos
}

// OptionPos returns where option key was written, or where the entry itself was.
func (e Entry) OptionPos(key string) Pos {
	if p, ok := e.At[key]; ok {
		return p
	}
	return e.Pos
}

// Endpoints is endpoints.yml: sections action_endpoint, nlg, nlu, models, tracker_store, lock_store, event_broker
// by name, and those of parley, inbox and state. ${ENV} is replaced.
type Endpoints struct {
	Sections map[string]Entry
	// Brokers are the items of event_broker when that is a list, which Rasa does not have.
	Brokers []Entry
	File    string
}

// Section returns the section called name.
func (e *Endpoints) Section(name string) (Entry, bool) {
	if e == nil {
		return Entry{}, false
	}
	s, ok := e.Sections[name]
	return s, ok
}

// Credentials is credentials.yml: one entry a channel, in the order of the file. ${ENV} is replaced.
type Credentials struct {
	Channels []Entry
	File     string
}
