package model

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue/policy"
	"github.com/parleybot/parley/internal/archive"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/nlu"
	"github.com/parleybot/parley/project"
)

// labelsFile holds the labels of the NLU data: a model can be finetuned only while they stay the same.
const labelsFile = "labels.json"

// ErrNotFinetunable is wrapped by the error of Train when the earlier model does not fit the project.
var ErrNotFinetunable = errors.New("the model cannot be finetuned")

// checkFinetunable refuses to go on from a model that was trained for something else (FinetuningValidator of
// rasa/graph_components/validators/finetuning_validator.py, 3.6.21).
func (t *trainer) checkFinetunable(previous *archive.Archive) error {
	if previous.Manifest.Origin == archive.OriginRasa {
		return fmt.Errorf("%w: it was trained by Rasa; train the project once with parley", ErrNotFinetunable)
	}
	config, domain, err := read(previous)
	if err != nil {
		return fmt.Errorf("%w: %w", archive.ErrCorrupt, err)
	}
	var errs []error
	if name := firstChanged(config, t.p.Config); name != "" {
		errs = append(errs, fmt.Errorf("more than the epochs changed in the configuration: see %s", name))
	}
	if t.o.Core && !value.Equal(prunedDomain(domain), prunedDomain(t.p.Domain)) {
		errs = append(errs, errors.New("the domain changed in what policies learn from (intents, entities, slots, actions or names of responses and forms)"))
	}
	if t.o.NLU {
		errs = append(errs, t.checkLabels(previous))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%w: %w", ErrNotFinetunable, err)
	}
	return nil
}

func (t *trainer) checkLabels(previous *archive.Archive) error {
	data, err := previous.File(labelsFile)
	if err != nil {
		return errors.New("it does not tell the labels it was trained with; train once without --finetune")
	}
	before, err := value.DecodeObject(data)
	if err != nil {
		return fmt.Errorf("reading %s: %w", labelsFile, err)
	}
	now := labelsOf(t.p.NLU)
	for kind, names := range now.All() {
		if !value.Equal(names, before.Value(kind)) {
			return fmt.Errorf("the %s of the NLU data changed: finetuning needs an example of each label the model knows, and no new one", kind)
		}
	}
	return nil
}

// firstChanged names the first component or policy that was added, removed or configured differently, epochs aside.
func firstChanged(before, now *project.Config) string {
	if name := firstChangedEntry(before.Pipeline, now.Pipeline); name != "" {
		return name
	}
	return firstChangedEntry(before.Policies, now.Policies)
}

func firstChangedEntry(before, now []project.Entry) string {
	for i, e := range now {
		if i >= len(before) || before[i].Name != e.Name || !value.Equal(withoutEpochs(before[i]), withoutEpochs(e)) {
			return fmt.Sprintf("%s: %s", e.Pos, e.Name)
		}
	}
	if len(before) > len(now) {
		return before[len(now)].Name
	}
	return ""
}

// withoutEpochs returns the options that must not change. One that has its default value counts as absent.
func withoutEpochs(e project.Entry) *value.Map {
	options := e.Options.Clone()
	if options == nil {
		options = &value.Map{}
	}
	options.Delete("epochs")
	spec, ok := nlu.Components.Lookup(e.Name)
	if !ok {
		spec, ok = policy.Policies.Lookup(e.Name)
	}
	if ok {
		for _, f := range spec.Fields {
			if v, given := options.Get(f.Name); given && value.Equal(v, f.Default) {
				options.Delete(f.Name)
			}
		}
	}
	return options
}

// prunedDomain is the domain without what training does not see (DomainForCoreTrainingProvider).
func prunedDomain(d *project.Domain) *value.Map {
	m := dialogueDomain(d)
	m.Delete("config")
	forms := make([]string, len(d.Forms))
	for i := range d.Forms {
		forms[i] = d.Forms[i].Name
	}
	return m.Set("forms", value.Strings(forms))
}

func encodeLabels(data *project.NLUData) []byte { return value.Encode(labelsOf(data), value.Unicode) }

// labelsOf are the labels of the NLU data, sorted (TrainingData.label_fingerprint).
func labelsOf(data *project.NLUData) *value.Map {
	intents, entities, roles, groups := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	for i := range data.Examples {
		ex := &data.Examples[i]
		intents[ex.Intent] = true
		for _, e := range ex.Entities {
			entities[e.Entity], roles[e.Role], groups[e.Group] = true, true, true
		}
	}
	out := value.NewMap()
	for _, l := range []struct {
		kind  string
		names map[string]bool
	}{{"intents", intents}, {"entities", entities}, {"roles", roles}, {"groups", groups}} {
		delete(l.names, "")
		out.Set(l.kind, value.Strings(slices.Sorted(maps.Keys(l.names))))
	}
	return out
}

// partOf returns the resource of a part that must be there.
func partOf(a *archive.Archive, name string) (component.Resource, error) {
	if _, ok := a.Part(name); !ok {
		return nil, fmt.Errorf("%w: part %q is missing", archive.ErrCorrupt, name)
	}
	return a.Resource(name), nil
}
