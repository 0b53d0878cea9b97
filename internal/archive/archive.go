// Package archive reads and writes trained models: one `models/<name>.tar.gz` with a manifest, the data of every
// trained part and a checksum of each file. A part is kept with the fingerprint of what it was trained from, so that
// the next training takes over what did not change.
//
// The layout of the archive is parley's own. Archives trained by Rasa Open Source 3.6.21 or higher are turned into it when
// they are read. Large archives are unpacked once into a cache folder beside them and mapped into memory from there.
package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"
)

// FormatVersion is written into every manifest. It grows when older binaries could not read the archive.
const FormatVersion = 1

// OriginRasa is the origin of models that Rasa trained.
const OriginRasa = "rasa"

const manifestName = "parley.json"

// The errors callers tell apart.
var (
	// ErrCorrupt is returned for an archive that is damaged or incomplete.
	ErrCorrupt = errors.New("model archive is corrupt")
	// ErrIncompatible is returned for an intact archive that this binary cannot serve.
	ErrIncompatible = errors.New("model archive is not compatible")
)

// Manifest describes a model.
type Manifest struct {
	Format int `json:"format"`
	// Origin is OriginRasa for a model that Rasa trained, "" for one of parley.
	Origin string `json:"origin,omitempty"`
	// ModelID is 32 hex digits; every event of a conversation carries it.
	ModelID     string    `json:"model_id"`
	AssistantID string    `json:"assistant_id"`
	Language    string    `json:"language"`
	TrainedAt   time.Time `json:"trained_at"`
	// Core and NLU tell which halves the model has.
	Core bool `json:"core"`
	NLU  bool `json:"nlu"`
	// Parts are the trained parts in the order they run.
	Parts []Part `json:"parts"`
	// Files maps the name of each file to its SHA-256.
	Files map[string]string `json:"files"`
}

// Part is one trained component or policy, or one piece of the project (domain, responses, config).
type Part struct {
	// Name is unique in the archive: "nlu/2-KeywordIntentClassifier", "policies/0-RulePolicy", "domain".
	Name string `json:"name"`
	// Component is the name in config.yml, "" for pieces of the project.
	Component string `json:"component,omitempty"`
	// Options are the component's options as JSON.
	Options json.RawMessage `json:"options,omitempty"`
	// Fingerprint covers everything the part was trained from.
	Fingerprint string `json:"fingerprint"`
}

// Archive is a model: the manifest and the files, which may be mapped from disk. It is built by one goroutine and read by
// any number.
type Archive struct {
	Manifest Manifest
	files    map[string][]byte
	// mapping holds the files if they lie in the cache; cache is where the archive is kept. Both may be nil.
	mapping *mapping
	cache   *cache
}

// New returns an empty archive.
func New() *Archive {
	return &Archive{Manifest: Manifest{Format: FormatVersion}, files: map[string][]byte{}}
}

// File returns a file of the archive. The error wraps fs.ErrNotExist when there is none.
func (a *Archive) File(name string) ([]byte, error) {
	data, ok := a.files[name]
	if !ok {
		return nil, fmt.Errorf("archive file %q: %w", name, fs.ErrNotExist)
	}
	return data, nil
}

// SetFile stores a file.
func (a *Archive) SetFile(name string, data []byte) { a.files[name] = data }

// OnDisk returns the function that gives the memory of files mapped from disk back to the system, nil if there are
// none. It may be called while they are used: what is touched afterwards is read from disk again.
func (a *Archive) OnDisk() (evict func()) {
	if a.mapping == nil {
		return nil
	}
	return a.mapping.evict
}

// Part returns the part called name.
func (a *Archive) Part(name string) (Part, bool) {
	for _, p := range a.Manifest.Parts {
		if p.Name == name {
			return p, true
		}
	}
	return Part{}, false
}

// AddPart appends a part; its files are written through Resource(p.Name).
func (a *Archive) AddPart(p Part) { a.Manifest.Parts = append(a.Manifest.Parts, p) }

// TakePart copies part p with its files from another archive.
func (a *Archive) TakePart(from *Archive, p Part) {
	a.AddPart(p)
	for name, data := range from.files {
		if strings.HasPrefix(name, p.Name+"/") {
			a.files[name] = data
		}
	}
}

// Resource returns the place where the part called name keeps its files.
func (a *Archive) Resource(name string) *Resource { return &Resource{a, name + "/"} }

// Resource is the part of an archive that belongs to one trained part. It implements component.Resource.
type Resource struct {
	archive *Archive
	prefix  string
}

// Put stores data under name.
func (r *Resource) Put(name string, data []byte) error {
	if !fs.ValidPath(r.prefix + name) {
		return fmt.Errorf("archive file %q: %w", r.prefix+name, fs.ErrInvalid)
	}
	r.archive.files[r.prefix+name] = slices.Clone(data)
	return nil
}

// Get returns what was stored under name; the error wraps fs.ErrNotExist when there is nothing.
func (r *Resource) Get(name string) ([]byte, error) { return r.archive.File(r.prefix + name) }

// Names lists what is stored, sorted.
func (r *Resource) Names() []string {
	var names []string
	for name := range maps.Keys(r.archive.files) {
		if rest, ok := strings.CutPrefix(name, r.prefix); ok {
			names = append(names, rest)
		}
	}
	slices.Sort(names)
	return names
}

// Fingerprint returns a short hash of the given pieces; their number and order matter.
func Fingerprint(pieces ...string) string {
	h := sha256.New()
	for _, p := range pieces {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func checksum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
