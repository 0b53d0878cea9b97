package component

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/parleybot/parley/internal/value"
)

// What callers branch on when a part cannot be built.
var (
	// ErrUnknown is wrapped by the error for a name nobody registered.
	ErrUnknown = errors.New("unknown component")
	// ErrUnsupported is wrapped by the error for a name Rasa has and this version does not.
	ErrUnsupported = errors.New("unsupported component")
)

// NameError says that a name in the configuration stands for nothing that can be built. It wraps ErrUnknown or
// ErrUnsupported.
type NameError struct {
	// Pos is where the name was written, Text the rest of the message.
	Pos, Text string
	Kind      error
}

// Error returns "file:line:col: what".
func (e *NameError) Error() string { return prefixed(e.Pos, e.Text) }

// Unwrap returns ErrUnknown or ErrUnsupported.
func (e *NameError) Unwrap() error { return e.Kind }

// Config is one named item of a configuration file.
type Config struct {
	Name    string
	Options *value.Map
	// ID tells the item from others of the same name in its list ("CountVectorsFeaturizer3").
	ID string
	// Pos is where the item was written ("config.yml:12:5"), "" when unknown.
	Pos string
	// At returns where an option was written; nil means Pos.
	At func(key string) string
	// Env is handed to the part.
	Env Env

	spec *Spec
}

func (c *Config) at(key string) string {
	if c.At != nil {
		if p := c.At(key); p != "" {
			return p
		}
	}
	return c.Pos
}

// Builder makes a part from its configuration, without side effects.
type Builder[T any] func(cfg Config) (T, error)

// Registry maps names to parts of one kind. Registration happens at start-up (in init); afterwards it may be read by
// several goroutines.
type Registry[T any] struct {
	kind        string
	parts       map[string]part[T]
	unsupported map[string]string
}

type part[T any] struct {
	spec  *Spec
	build Builder[T]
}

// NewRegistry returns an empty registry; kind is the word for one item in messages ("component", "policy").
func NewRegistry[T any](kind string) *Registry[T] {
	return &Registry[T]{kind: kind, parts: make(map[string]part[T]), unsupported: make(map[string]string)}
}

// Register adds a part. An empty or repeated name panics: it is a mistake in the program.
func (r *Registry[T]) Register(spec Spec, build Builder[T]) {
	r.claim(spec.Name)
	r.parts[spec.Name] = part[T]{spec: &spec, build: build}
}

// Unsupported makes name known as something Rasa has and this version does not; hint says what to use instead.
func (r *Registry[T]) Unsupported(name, hint string) {
	r.claim(name)
	r.unsupported[name] = hint
}

func (r *Registry[T]) claim(name string) {
	if name == "" {
		panic(fmt.Sprintf("registering a %s without a name", r.kind))
	}
	_, known := r.parts[name]
	_, unsupported := r.unsupported[name]
	if known || unsupported {
		panic(fmt.Sprintf("registering %s %q twice", r.kind, name))
	}
}

// Specs returns the specs of all parts, sorted by name.
func (r *Registry[T]) Specs() []Spec {
	specs := make([]Spec, 0, len(r.parts))
	for _, name := range slices.Sorted(maps.Keys(r.parts)) {
		specs = append(specs, *r.parts[name].spec)
	}
	return specs
}

// Lookup returns the spec of the part called name. Like Rasa it also takes the path of one of Rasa's own classes
// ("rasa.nlu.tokenizers.whitespace_tokenizer.WhitespaceTokenizer").
func (r *Registry[T]) Lookup(name string) (*Spec, bool) {
	p, ok := r.parts[className(name)]
	return p.spec, ok
}

// Build makes the part cfg names. The error is a *NameError when there is no such part.
func (r *Registry[T]) Build(cfg Config) (T, error) {
	p, ok := r.parts[className(cfg.Name)]
	if !ok {
		var zero T
		return zero, r.nameError(cfg)
	}
	cfg.spec = p.spec
	cfg.Env = cfg.Env.With(r.kind, p.spec.Name)
	return p.build(cfg)
}

// Check tells what is wrong with cfg without building it: err is what Build would refuse because of the name;
// warnings are options Rasa ignores silently, most likely misspelt, and values outside an option's choices.
func (r *Registry[T]) Check(cfg Config) (warnings []Warning, err error) {
	p, ok := r.parts[className(cfg.Name)]
	if !ok {
		return nil, r.nameError(cfg)
	}
	cfg.spec = p.spec
	return checkOptions(&cfg, r.kind), nil
}

// Warning is something suspicious in the options of an item.
type Warning struct {
	// Pos is "file:line:col", "" when unknown; Key is the option it is about.
	Pos, Key, Text string
}

// String returns "file:line:col: what".
func (w Warning) String() string { return prefixed(w.Pos, w.Text) }

func (r *Registry[T]) nameError(cfg Config) error {
	name := className(cfg.Name)
	if hint, ok := r.unsupported[name]; ok {
		text := fmt.Sprintf("%s %q is not available in this version of parley", r.kind, cfg.Name)
		if hint != "" {
			text += "; " + hint
		}
		return &NameError{Pos: cfg.Pos, Text: text, Kind: ErrUnsupported}
	}
	if strings.Contains(name, ".") {
		text := fmt.Sprintf("%s %q is a Python class of the project, which parley cannot run", r.kind, cfg.Name)
		return &NameError{Pos: cfg.Pos, Text: text, Kind: ErrUnsupported}
	}
	text := fmt.Sprintf("%s %q is not known", r.kind, cfg.Name)
	known := slices.Concat(slices.Collect(maps.Keys(r.parts)), slices.Collect(maps.Keys(r.unsupported)))
	if near := Nearest(name, known); near != "" {
		text += fmt.Sprintf("; did you mean %q?", near)
	}
	return &NameError{Pos: cfg.Pos, Text: text, Kind: ErrUnknown}
}

// className reduces the path of one of Rasa's own classes to the class's name.
func className(name string) string {
	if strings.HasPrefix(name, "rasa.") {
		return name[strings.LastIndexByte(name, '.')+1:]
	}
	return name
}

func prefixed(pos, text string) string {
	if pos == "" {
		return text
	}
	return pos + ": " + text
}
