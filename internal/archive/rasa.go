package archive

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/parleybot/parley/internal/archive/tfbundle"
	"github.com/parleybot/parley/internal/ml/weights"
	"github.com/parleybot/parley/internal/value"
)

// The files of an archive trained by Rasa (rasa/engine/storage/local_model_storage.py, 3.6.21).
const (
	rasaMetadata   = "metadata.json"
	rasaComponents = "components/"
	// rasa2Marker is a file that archives of Rasa 1 and 2 have.
	rasa2Marker = "fingerprint.json"
)

// The files that are made from metadata.json, in the form that package model gives its own.
const (
	domainFile = "domain.json"
	configFile = "config.json"
)

// Checkpoints of TensorFlow are turned into one file each.
const (
	checkpointIndex = ".tf_model.index"
	checkpointData  = ".tf_model.data-"
	checkpointNote  = "checkpoint"
	weightsFile     = ".weights.st"
)

// fromRasa turns an archive trained by Rasa into one of ours: the graph becomes the lists of config.yml, the resource
// of each node a part, with Rasa's files as they are except for checkpoints.
func fromRasa(files map[string][]byte) (*Archive, error) {
	m, err := parseMetadata(files[rasaMetadata])
	if err != nil {
		return nil, err
	}
	a := New()
	a.Manifest.Origin = OriginRasa
	a.Manifest.ModelID, a.Manifest.AssistantID, a.Manifest.Language = m.modelID, m.assistantID, m.language
	a.Manifest.TrainedAt, a.Manifest.NLU, a.Manifest.Core = m.trainedAt, m.nlu, m.core
	resources := byResource(files)
	var errs []error
	add := func(part string, n node) {
		options, err := json.Marshal(n.config)
		if err == nil {
			a.AddPart(Part{Name: part, Component: n.component(), Options: options, Fingerprint: n.fingerprint})
			err = a.takeRasa(part, resources[n.resource])
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s%s: %w", rasaComponents, n.resource, err))
		}
	}
	for i, n := range m.pipeline {
		add("nlu/train_"+n.component()+strconv.Itoa(i), n)
	}
	for i, n := range m.policies {
		add(fmt.Sprintf("policies/%d-%s", i, n.component()), n)
	}
	a.SetFile(domainFile, value.Encode(m.domain, value.Unicode))
	a.SetFile(configFile, value.Encode(m.config(), value.Unicode))
	return a, errors.Join(errs...)
}

// config is the configuration that the model was trained with, as far as it runs.
func (m *metadata) config() *value.Map {
	entries := func(nodes []node) []any {
		out := make([]any, len(nodes))
		for i, n := range nodes {
			out[i] = value.NewMap("name", n.component(), "options", n.config, "pos", []any{rasaMetadata, int64(0), int64(0)}, "at", &value.Map{})
		}
		return out
	}
	return value.NewMap("file", rasaMetadata, "language", m.language, "assistant_id", m.assistantID, "filled", []any{},
		"pipeline", entries(m.pipeline), "policies", entries(m.policies))
}

// byResource sorts files by resource and the name within it.
func byResource(files map[string][]byte) map[string]map[string][]byte {
	out := map[string]map[string][]byte{}
	for name, data := range files {
		rest, ok := strings.CutPrefix(name, rasaComponents)
		resource, file, nested := strings.Cut(rest, "/")
		if !ok || !nested {
			continue
		}
		if out[resource] == nil {
			out[resource] = map[string][]byte{}
		}
		out[resource][file] = data
	}
	return out
}

// takeRasa stores the files of a resource as those of a part.
func (a *Archive) takeRasa(part string, files map[string][]byte) error {
	for name, data := range files {
		if prefix, ok := strings.CutSuffix(name, checkpointIndex); ok {
			st, err := convertCheckpoint(name, strings.TrimSuffix(name, ".index"), files)
			if err != nil {
				return err
			}
			a.SetFile(part+"/"+prefix+weightsFile, st)
			continue
		}
		if strings.Contains(name, checkpointData) || name == checkpointNote {
			continue
		}
		a.SetFile(part+"/"+name, data)
	}
	return nil
}

// convertCheckpoint returns the weights of the checkpoint called prefix as a safetensors file.
func convertCheckpoint(index, prefix string, files map[string][]byte) ([]byte, error) {
	b, err := tfbundle.Open(files[index])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", index, err)
	}
	shards := make([][]byte, b.Shards())
	for i := range shards {
		name := b.ShardName(prefix, i)
		data, ok := files[name]
		if !ok {
			return nil, fmt.Errorf("%s: the file is missing", name)
		}
		shards[i] = data
	}
	set := weights.New()
	for _, key := range b.Keys() {
		name, ok := weightName(key)
		if !ok {
			continue
		}
		t, err := b.Tensor(key, shards)
		if err == nil {
			err = set.Put(name, t)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", prefix, err)
		}
	}
	return set.Bytes()
}

// weightName is the name of a variable without what all have in common. ok is false for what only training needs: the
// state of the optimizer, sums of metrics, and the description of TensorFlow's objects.
func weightName(key string) (name string, ok bool) {
	name, variable := strings.CutSuffix(key, "/.ATTRIBUTES/VARIABLE_VALUE")
	name, model := strings.CutPrefix(name, "model/")
	if !variable || !model || strings.HasPrefix(name, "optimizer/") || strings.Contains(name, ".OPTIMIZER_SLOT") {
		return "", false
	}
	metric, sum, nested := strings.Cut(name, "/")
	if nested && metric != "_tf_layers" && (sum == "total" || sum == "count") {
		return "", false
	}
	return name, true
}

// parseTime reads a time as Python's datetime.isoformat writes it, in UTC when it names no zone.
func parseTime(text string) (time.Time, error) {
	for _, layout := range []string{"2006-01-02T15:04:05.999999", "2006-01-02T15:04:05.999999Z07:00"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time", text)
}
