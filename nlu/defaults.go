package nlu

import (
	"errors"
	"slices"
	"strings"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// The classifiers that take the place of a learned one; keywords do where there is only one intent to choose.
const (
	standIn      = "LogisticRegressionClassifier"
	loneIntentIn = "KeywordIntentClassifier"
)

// AvailableDefaults returns the pipeline that stands in for Rasa's default one when the project names none: what
// Components lacks is left out, and where no intent classifier remains LogisticRegressionClassifier takes its place
// (KeywordIntentClassifier when data has fewer than two intents). note is one sentence about that, "" when all of
// entries is available.
func AvailableDefaults(entries []project.Entry, data *project.NLUData) (available []project.Entry, note string) {
	var missing []string
	place, classified := -1, false
	for _, entry := range entries {
		cfg := ComponentConfig(entry, 0, component.Env{})
		if _, err := Components.Check(cfg); errors.Is(err, component.ErrUnsupported) {
			if place < 0 {
				place = len(available)
			}
			missing = append(missing, entry.Name)
			continue
		}
		spec, ok := Components.Lookup(entry.Name)
		// A classifier that needs another one (FallbackClassifier) does not find intents itself.
		classified = classified || ok && spec.Has(RoleClassifier) && !slices.Contains(spec.Requires, RoleClassifier)
		available = append(available, entry)
	}
	if len(missing) == 0 {
		return entries, ""
	}
	note = "no pipeline is configured, and Rasa's default one is taken without " + strings.Join(missing, " and ") +
		", which this version does not have"
	if !classified {
		name := classifierFor(data)
		entry := project.Entry{Name: name, Options: &value.Map{}, Pos: entries[0].Pos}
		available = slices.Insert(available, place, entry)
		note += "; " + name + " classifies intents instead, and entities are not learnt"
	}
	return available, note
}

func classifierFor(data *project.NLUData) string {
	first := ""
	for _, ex := range data.Examples {
		if ex.Intent == "" || ex.Text == "" {
			continue
		}
		if first != "" && ex.Intent != first {
			return standIn
		}
		first = ex.Intent
	}
	return loneIntentIn
}
