package nlu

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/pyre"
)

// Pattern is a named regular expression made from the training data. Its JSON is Rasa's.
type Pattern struct {
	Name    string `json:"name"`
	Pattern string `json:"pattern"`

	re *pyre.Regexp
}

// Regexp returns the compiled pattern.
func (p *Pattern) Regexp() *pyre.Regexp { return p.re }

// PatternOptions says which patterns to make.
type PatternOptions struct {
	UseLookupTables, UseRegexes bool
	// OnlyEntities leaves out what is not named as an annotated entity.
	OnlyEntities bool
	// WordBoundaries puts \b around the elements of lookup tables.
	WordBoundaries bool
	CaseSensitive  bool
}

// Patterns returns the compiled patterns of the regexes and lookup tables of the data
// (rasa/nlu/utils/pattern_utils.py). An invalid regex is an error that says where it was written.
func (t *TrainingData) Patterns(o PatternOptions) ([]Pattern, error) {
	var entities map[string]bool
	if o.OnlyEntities {
		entities = t.EntityTypes()
	}
	var patterns []Pattern
	if o.UseRegexes {
		for _, r := range t.Regexes {
			if o.OnlyEntities && !entities[r.Name] {
				continue
			}
			if _, err := pyre.Compile(r.Pattern, 0); err != nil {
				return nil, fmt.Errorf("%s: regex %q of %q is not valid: %w", r.Pos, r.Pattern, r.Name, err)
			}
			patterns = append(patterns, Pattern{Name: r.Name, Pattern: r.Pattern})
		}
	}
	if o.UseLookupTables {
		for _, l := range t.Lookups {
			if !o.OnlyEntities || entities[l.Name] {
				patterns = append(patterns, Pattern{Name: l.Name, Pattern: lookupPattern(l.Elements, o.WordBoundaries)})
			}
		}
	}
	return patterns, compilePatterns(patterns, o.CaseSensitive)
}

func lookupPattern(elements []string, bounded bool) string {
	escaped := make([]string, len(elements))
	for i, e := range elements {
		escaped[i] = pyre.Escape(e)
	}
	if bounded {
		return `(\b` + strings.Join(escaped, `\b|\b`) + `\b)`
	}
	return "(" + strings.Join(escaped, "|") + ")"
}

// compilePatterns compiles patterns in place.
func compilePatterns(patterns []Pattern, caseSensitive bool) error {
	var flags pyre.Flags
	if !caseSensitive {
		flags = pyre.IgnoreCase
	}
	for i := range patterns {
		re, err := pyre.Compile(patterns[i].Pattern, flags)
		if err != nil {
			return fmt.Errorf("pattern %q: %w", patterns[i].Name, err)
		}
		patterns[i].re = re
	}
	return nil
}

// PersistPatterns stores patterns under name in Rasa's format.
func PersistPatterns(to component.Resource, name string, patterns []Pattern) error {
	if patterns == nil {
		patterns = []Pattern{}
	}
	data, err := json.Marshal(patterns)
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return to.Put(name, data)
}

// LoadPatterns reads what PersistPatterns or Rasa stored under name, and compiles it. Where nothing is stored there are
// no patterns.
func LoadPatterns(from component.Resource, name string, caseSensitive bool) ([]Pattern, error) {
	data, err := from.Get(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var patterns []Pattern
	if err := json.Unmarshal(data, &patterns); err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if err := compilePatterns(patterns, caseSensitive); err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return patterns, nil
}
