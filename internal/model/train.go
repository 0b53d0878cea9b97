package model

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue/policy"
	"github.com/parleybot/parley/dialogue/policy/training"
	"github.com/parleybot/parley/internal/archive"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/nlu"
	"github.com/parleybot/parley/project"
)

// The files of an archive that belong to no trained part.
const (
	domainFile = "domain.json"
	dataFile   = "nlu_training_data.yml"
)

// DefaultAugmentation is --augmentation of Rasa's command line.
const DefaultAugmentation = 50

// Options say what to train.
type Options struct {
	// NLU and Core choose the halves.
	NLU, Core bool
	// Augmentation is training.Options.Augmentation.
	Augmentation int
	// Previous is an earlier model whose parts are taken over where nothing they depend on changed; nil trains all.
	Previous *archive.Archive
	// PersistNLUData keeps the NLU training data in the archive.
	PersistNLUData bool
	Env            component.Env
	// OnPart, if set, is called when a part begins (Done false) and when it ended.
	OnPart func(Part)
}

// Part tells of one trained part.
type Part struct {
	// Name is the component's name in config.yml.
	Name string
	// Reused is true when it was taken over from the earlier model.
	Reused bool
	Done   bool
}

// Report tells what training did.
type Report struct {
	Trained, Reused []string
	// Warnings are the problems that did not stop it.
	Warnings []string
}

// trainer holds what the steps of one training share.
type trainer struct {
	p      *project.Project
	o      Options
	out    *archive.Archive
	report Report
}

// Train trains the halves of p that o asks for. The error names the component, file and line that are to blame.
func Train(ctx context.Context, p *project.Project, o Options) (*archive.Archive, *Report, error) {
	o.Env = o.Env.WithDefaults()
	t := &trainer{p: p, o: o, out: archive.New()}
	m := &t.out.Manifest
	m.ModelID, m.AssistantID, m.Language = newID(o.Env), p.Config.AssistantID, p.Config.Language
	m.TrainedAt, m.NLU, m.Core = o.Env.Now().UTC().Truncate(time.Microsecond), o.NLU, o.Core
	t.out.SetFile(domainFile, value.Encode(p.Domain.AsMap(), value.Unicode))
	t.out.SetFile(configFile, encodeConfig(p.Config))
	if o.PersistNLUData {
		data, err := project.WriteNLU(p.NLU)
		if err != nil {
			return nil, nil, fmt.Errorf("keeping the NLU data: %w", err)
		}
		t.out.SetFile(dataFile, data)
	}
	// The policies come first: they find contradictions in milliseconds, before NLU takes its time.
	if o.Core {
		if err := t.core(ctx); err != nil {
			return nil, nil, err
		}
	}
	if o.NLU {
		if err := t.nlu(ctx); err != nil {
			return nil, nil, err
		}
	}
	return t.out, &t.report, nil
}

// newID returns 32 hexadecimal digits.
func newID(env component.Env) string {
	var b [16]byte
	for i := range b {
		b[i] = byte(env.Random() * 256)
	}
	return hex.EncodeToString(b[:])
}

// pipeline builds the untrained pipeline.
func (t *trainer) pipeline() (*nlu.Pipeline, error) {
	return nlu.NewPipeline(nlu.Config{
		Entries: t.p.Config.Pipeline, Language: t.p.Config.Language, Domain: nluDomain(t.p.Domain, t.o.Core), Env: t.o.Env,
	})
}

func (t *trainer) nlu(ctx context.Context) error {
	pipeline, err := t.pipeline()
	if err != nil {
		return err
	}
	for _, w := range pipeline.Warnings() {
		t.report.Warnings = append(t.report.Warnings, w.String())
	}
	data := nlu.NewTrainingData(t.p.NLU, t.p.Stories)
	prints := pipeline.Fingerprints(data)
	reused := map[string]bool{}
	err = pipeline.Train(ctx, data, func(id, fingerprint string) component.Resource {
		name := nluPart(nlu.ResourceID(id))
		if _, reused[name] = t.previous(name, fingerprint); !reused[name] {
			return nil
		}
		return t.o.Previous.Resource(name)
	})
	if err != nil {
		return err
	}
	for i, e := range t.p.Config.Pipeline {
		if !pipeline.Trainable(i) {
			continue
		}
		name := nluPart(nlu.ResourceID(nlu.ComponentConfig(e, i, t.o.Env).ID))
		t.out.AddPart(archive.Part{Name: name, Component: e.Name, Fingerprint: prints[i]})
		t.done(e.Name, reused[name])
	}
	return pipeline.Persist(func(resource string) (component.Resource, error) {
		return t.out.Resource(nluPart(resource)), nil
	})
}

func nluPart(resource string) string { return "nlu/" + resource }

// nluDomain is what intent messages may name: everything when there is no dialogue.
func nluDomain(d *project.Domain, core bool) nlu.Domain {
	if !core {
		return nil
	}
	return d
}

func (t *trainer) core(ctx context.Context) error {
	ensemble, err := policy.NewEnsemble(t.p.Config, t.o.Env)
	if err != nil {
		return err
	}
	var data *training.Data
	for i := range ensemble.Len() {
		name := ensemble.Name(i)
		part := archive.Part{Name: policyPart(i, name), Component: name}
		part.Fingerprint = t.policyFingerprint(ensemble, i)
		if old, ok := t.previous(part.Name, part.Fingerprint); ok {
			t.out.TakePart(t.o.Previous, old)
			t.done(name, true)
			continue
		}
		t.tell(Part{Name: name})
		if data == nil {
			data = training.Generate(t.p.Domain, t.p.Stories, training.Options{Augmentation: t.o.Augmentation})
			for _, w := range data.Warnings {
				t.report.Warnings = append(t.report.Warnings, w.String())
			}
		}
		if err := ensemble.TrainPolicy(ctx, i, data); err != nil {
			return err
		}
		t.out.AddPart(part)
		if err := ensemble.PersistPolicy(i, t.out.Resource(part.Name)); err != nil {
			return err
		}
		t.done(name, false)
	}
	return nil
}

func policyPart(i int, name string) string { return fmt.Sprintf("policies/%d-%s", i, name) }

// previous returns the part of the earlier model that has this name and fingerprint.
func (t *trainer) previous(name, fingerprint string) (archive.Part, bool) {
	if t.o.Previous == nil || fingerprint == "" {
		return archive.Part{}, false
	}
	part, ok := t.o.Previous.Part(name)
	return part, ok && part.Fingerprint == fingerprint
}

func (t *trainer) done(name string, reused bool) {
	if reused {
		t.report.Reused = append(t.report.Reused, name)
	} else {
		t.report.Trained = append(t.report.Trained, name)
	}
	t.tell(Part{Name: name, Reused: reused, Done: true})
}

func (t *trainer) tell(p Part) {
	if t.o.OnPart != nil {
		t.o.OnPart(p)
	}
}
