package model

import (
	"context"
	"encoding/hex"
	"errors"
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
	// Previous are earlier models whose parts are taken over where nothing they depend on changed; nil trains all.
	Previous *archive.History
	// PersistNLUData keeps the NLU training data in the archive.
	PersistNLUData bool
	// Finetune is the earlier model to go on from, nil to train anew. Then EpochFraction is the part of the configured
	// epochs that is run, and Previous is not looked at.
	Finetune      *archive.Archive
	EpochFraction float64
	Env           component.Env
	// OnPart, if set, is called when a part begins (Done false) and when it ended.
	OnPart func(Part)
}

// Part tells of one trained part.
type Part struct {
	// Name is the component's name in config.yml.
	Name string
	// Total is the number of parts of the model.
	Total int
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
	// ensemble and pipeline are nil for a half that is not trained; total counts the parts of both.
	ensemble *policy.Ensemble
	pipeline *nlu.Pipeline
	total    int
	// byID are the parts of the pipeline by the IDs of their components.
	byID map[string]archive.Part
}

// newTrainer builds what is to be trained. The error tells everything that is wrong with it.
func newTrainer(p *project.Project, o Options) (*trainer, error) {
	o.Env = o.Env.WithDefaults()
	if o.Finetune != nil {
		o.Previous = nil
	}
	t := &trainer{p: p, o: o, out: archive.New()}
	var policies, components error
	if o.Core {
		if policies = t.checkCore(); policies == nil {
			t.ensemble, policies = policy.NewEnsemble(p.Config, o.Env)
		}
	}
	if o.NLU {
		components = t.buildPipeline()
	}
	if err := errors.Join(policies, components); err != nil {
		return nil, err
	}
	if t.ensemble != nil {
		t.total += t.ensemble.Len()
	}
	for i := range t.p.Config.Pipeline {
		if t.pipeline != nil && t.pipeline.Trainable(i) {
			t.total++
		}
	}
	return t, nil
}

func (t *trainer) buildPipeline() error {
	pipeline, err := nlu.NewPipeline(nlu.Config{
		Entries: t.p.Config.Pipeline, Language: t.p.Config.Language, Domain: nluDomain(t.p.Domain, t.o.Core), Env: t.o.Env,
		OnTrained: func(id string) {
			part := t.byID[id]
			_, reused := t.o.Previous.Find(part.Name, part.Fingerprint)
			t.done(part.Component, reused)
		},
	})
	if err != nil {
		return err
	}
	t.pipeline = pipeline
	for _, w := range pipeline.Warnings() {
		t.report.Warnings = append(t.report.Warnings, w.String())
	}
	return t.note(pipeline.CheckData(t.p.NLU))
}

// Train trains the halves of p that o asks for. The error names the component, file and line that are to blame.
func Train(ctx context.Context, p *project.Project, o Options) (*archive.Archive, *Report, error) {
	t, err := newTrainer(p, o)
	if err != nil {
		return nil, nil, err
	}
	o = t.o
	if o.Finetune != nil {
		if err := t.checkFinetunable(o.Finetune); err != nil {
			return nil, nil, err
		}
	}
	m := &t.out.Manifest
	m.ModelID, m.AssistantID, m.Language = newID(o.Env), p.Config.AssistantID, p.Config.Language
	m.TrainedAt, m.NLU, m.Core = o.Env.Now().UTC().Truncate(time.Microsecond), o.NLU, o.Core
	t.out.SetFile(domainFile, value.Encode(p.Domain.AsMap(), value.Unicode))
	t.out.SetFile(configFile, encodeConfig(t.p.Config))
	t.out.SetFile(labelsFile, encodeLabels(t.p.NLU))
	if o.PersistNLUData {
		data, err := project.WriteNLU(p.NLU)
		if err != nil {
			return nil, nil, fmt.Errorf("keeping the NLU data: %w", err)
		}
		t.out.SetFile(dataFile, data)
	}
	for _, half := range t.halves() {
		if err := half(ctx); err != nil {
			return nil, nil, err
		}
	}
	return t.out, &t.report, nil
}

// halves returns what is to be done, in order: the policies come first, because they find contradictions in milliseconds,
// before NLU takes its time. Policies that learn end to end need the pipeline.
func (t *trainer) halves() []func(context.Context) error {
	switch {
	case t.endToEnd():
		return []func(context.Context) error{t.nlu, t.readTexts, t.core}
	case t.o.Core && t.o.NLU:
		return []func(context.Context) error{t.core, t.nlu}
	case t.o.Core:
		return []func(context.Context) error{t.core}
	}
	return []func(context.Context) error{t.nlu}
}

// newID returns 32 hexadecimal digits.
func newID(env component.Env) string {
	var b [16]byte
	for i := range b {
		b[i] = byte(env.Random() * 256)
	}
	return hex.EncodeToString(b[:])
}

func (t *trainer) nlu(ctx context.Context) error {
	data := nlu.NewTrainingData(t.p.NLU, t.p.Stories)
	parts := t.nluParts(data)
	if t.takeAll(parts) {
		return nil
	}
	if err := t.trainPipeline(ctx, data); err != nil {
		return err
	}
	for _, part := range parts {
		t.out.AddPart(part)
	}
	return t.pipeline.Persist(func(resource string) (component.Resource, error) {
		return t.out.Resource(nluPart(resource)), nil
	})
}

func (t *trainer) trainPipeline(ctx context.Context, data *nlu.TrainingData) error {
	if previous := t.o.Finetune; previous != nil {
		return t.pipeline.Finetune(ctx, data, nlu.Finetuning{
			From:          func(resource string) (component.Resource, error) { return partOf(previous, nluPart(resource)) },
			EpochFraction: t.o.EpochFraction,
			Begin:         func(id string) { t.tell(Part{Name: id}) },
		})
	}
	return t.pipeline.Train(ctx, data, func(id, fingerprint string) component.Resource {
		name := nluPart(nlu.ResourceID(id))
		if from, ok := t.o.Previous.Find(name, fingerprint); ok {
			return from.Resource(name)
		}
		t.tell(Part{Name: id})
		return nil
	})
}

// nluParts are the trained parts of the pipeline, in its order.
func (t *trainer) nluParts(data *nlu.TrainingData) []archive.Part {
	prints := t.pipeline.Fingerprints(data)
	var parts []archive.Part
	t.byID = map[string]archive.Part{}
	for i, e := range t.p.Config.Pipeline {
		if t.pipeline.Trainable(i) {
			id := nlu.ComponentConfig(e, i, t.o.Env).ID
			part := archive.Part{Name: nluPart(nlu.ResourceID(id)), Component: e.Name, Fingerprint: prints[i]}
			t.byID[id] = part
			parts = append(parts, part)
		}
	}
	return parts
}

// takeAll takes over all parts when none of them changed: then not even the features of the examples are needed.
func (t *trainer) takeAll(parts []archive.Part) bool {
	for _, part := range parts {
		if _, ok := t.o.Previous.Find(part.Name, part.Fingerprint); !ok {
			return false
		}
	}
	for _, part := range parts {
		t.take(part)
	}
	return true
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
	ensemble := t.ensemble
	var data *training.Data
	for i := range ensemble.Len() {
		part := t.policyPart(i)
		name := part.Component
		if t.take(part) {
			continue
		}
		t.tell(Part{Name: name})
		if data == nil {
			data = training.Generate(t.p.Domain, t.p.Stories, training.Options{Augmentation: t.o.Augmentation})
			for _, w := range data.Warnings {
				t.report.Warnings = append(t.report.Warnings, w.String())
			}
		}
		if err := t.trainPolicy(ctx, i, data); err != nil {
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

func (t *trainer) trainPolicy(ctx context.Context, i int, data *training.Data) error {
	if t.o.Finetune == nil {
		return t.ensemble.TrainPolicy(ctx, i, data)
	}
	from, err := partOf(t.o.Finetune, policyPart(i, t.ensemble.Name(i)))
	if err != nil {
		return err
	}
	return t.ensemble.FinetunePolicy(ctx, i, data, from, t.o.EpochFraction)
}

// policyPart is the part of policy i.
func (t *trainer) policyPart(i int) archive.Part {
	name := t.ensemble.Name(i)
	return archive.Part{Name: policyPart(i, name), Component: name, Fingerprint: t.policyFingerprint(t.ensemble, i)}
}

func policyPart(i int, name string) string { return fmt.Sprintf("policies/%d-%s", i, name) }

// take takes over a part that an earlier model has with the same fingerprint.
func (t *trainer) take(part archive.Part) bool {
	from, ok := t.o.Previous.Find(part.Name, part.Fingerprint)
	if ok {
		t.out.TakePart(from, part)
		t.done(part.Component, true)
	}
	return ok
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
		p.Total = t.total
		t.o.OnPart(p)
	}
}
