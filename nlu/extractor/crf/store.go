package crf

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/ml/crfsuite"
	"github.com/parleybot/parley/internal/ml/weights"
)

const (
	weightsFile = "crf.weights.st"
	datasetFile = "crf_dataset.json"
	orderFile   = "crf_order.json"
)

// Persist writes the weights; an untrained extractor writes nothing.
func (x *Extractor) Persist(to component.Resource) error {
	if x.taggers == nil {
		return nil
	}
	set := weights.New()
	order := make([]string, len(x.taggers))
	for i, t := range x.taggers {
		order[i] = t.kind.String()
		if err := t.model.Put(set, order[i]+"/"); err != nil {
			return err
		}
	}
	list, err := json.Marshal(order)
	if err != nil {
		return err
	}
	set.Metadata = map[string]string{"order": string(list)}
	data, err := set.Bytes()
	if err != nil {
		return err
	}
	return to.Put(weightsFile, data)
}

// Load reads what Persist wrote.
func (x *Extractor) Load(from component.Resource) error {
	x.taggers = nil
	data, err := from.Get(weightsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	set, err := weights.Read(data)
	if err != nil {
		return fmt.Errorf("reading %s: %w", weightsFile, err)
	}
	order, err := readOrder([]byte(set.Metadata["order"]))
	if err != nil {
		return fmt.Errorf("reading %s: order of the models: %w", weightsFile, err)
	}
	var taggers []tagger
	for _, k := range order {
		model, err := crfsuite.ReadModel(set, k.String()+"/")
		if err != nil {
			return fmt.Errorf("reading %s: %w", weightsFile, err)
		}
		taggers = append(taggers, tagger{k, model})
	}
	x.taggers = taggers
	return nil
}

// LoadRasa learns from the training data that Rasa keeps, and stores the weights beside it for the next time.
func (x *Extractor) LoadRasa(from component.Resource) error {
	x.taggers = nil
	examples, kinds, err := readDataset(from)
	if err != nil || len(examples) == 0 {
		return err
	}
	cache := component.CacheOf(from)
	kept := &named{Resource: cache, file: x.cacheFile()}
	if err := x.Load(kept); err == nil && x.taggers != nil {
		return nil
	}
	if err := x.learn(context.Background(), examples, kinds); err != nil {
		return err
	}
	if err := x.Persist(kept); err != nil {
		x.log.Debug("keeping what was learnt from a model of Rasa", "err", err)
	}
	return nil
}

// named is a Resource in which weights have a name of their own.
type named struct {
	component.Resource
	file string
}

func (n *named) Get(string) ([]byte, error)      { return n.Resource.Get(n.file) }
func (n *named) Put(_ string, data []byte) error { return n.Resource.Put(n.file, data) }

// cacheFile is a name that no extractor with other options has.
func (x *Extractor) cacheFile() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "1 %v %v %v %v", x.Features, x.MaxIterations, x.L1, x.L2))
	return "crf-" + hex.EncodeToString(sum[:8]) + ".st"
}

// rasaToken is CRFToken.to_dict.
type rasaToken struct {
	Text    string          `json:"text"`
	Pattern map[string]bool `json:"pattern"`
	Dense   []string        `json:"dense_features"`
	Entity  string          `json:"entity_tag"`
	Role    string          `json:"entity_role_tag"`
	Group   string          `json:"entity_group_tag"`
}

// readDataset reads what Rasa persists. An extractor that Rasa did not train has nothing.
func readDataset(from component.Resource) ([][]token, []kind, error) {
	data, err := from.Get(datasetFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	var stored [][]rasaToken
	if err := json.Unmarshal(data, &stored); err != nil {
		return nil, nil, fmt.Errorf("reading %s: %w", datasetFile, err)
	}
	if data, err = from.Get(orderFile); err != nil {
		return nil, nil, err
	}
	kinds, err := readOrder(data)
	if err != nil {
		return nil, nil, fmt.Errorf("reading %s: %w", orderFile, err)
	}
	examples := make([][]token, len(stored))
	for i, list := range stored {
		for k := range list {
			t, err := list[k].token()
			if err != nil {
				return nil, nil, fmt.Errorf("reading %s: example %d: %w", datasetFile, i, err)
			}
			examples[i] = append(examples[i], t)
		}
	}
	return examples, kinds, nil
}

// readOrder reads a list of names of kinds.
func readOrder(data []byte) ([]kind, error) {
	var names []string
	if err := json.Unmarshal(data, &names); err != nil {
		return nil, err
	}
	kinds := make([]kind, len(names))
	for i, name := range names {
		at := slices.Index(kindNames[:], name)
		if at < 0 {
			return nil, fmt.Errorf("%q is no kind of tag", name)
		}
		kinds[i] = kind(at)
	}
	return kinds, nil
}

func (r *rasaToken) token() (token, error) {
	t := token{text: r.Text, tags: [kindCount]string{r.Entity, r.Role, r.Group}}
	for _, name := range slices.Sorted(maps.Keys(r.Pattern)) {
		t.patterns = append(t.patterns, pattern{name, r.Pattern[name]})
	}
	for _, text := range r.Dense {
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return t, err
		}
		t.dense = append(t.dense, v)
	}
	return t, nil
}
