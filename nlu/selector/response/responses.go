package response

import (
	"fmt"
	"strings"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
)

const (
	utter         = "utter_"
	responsesFile = "responses.json"
	intentsFile   = "retrieval_intents.json"
)

// responses are the responses of the training data. The zero value has none.
type responses struct {
	// intents are all retrieval intents.
	intents []any
	// all maps the names of responses to their variations.
	all *value.Map
	// keys maps labels, which are keys ("faq/hours") or texts, to keys.
	keys map[string]string
}

func newResponses(all *value.Map, intents []any) responses {
	r := responses{all: all, intents: intents, keys: make(map[string]string, all.Len())}
	// A label is resolved to the first response that has it as key or as text.
	for name, v := range all.All() {
		parts := strings.Split(name, utter)
		if len(parts) < 2 {
			continue
		}
		key := parts[1]
		r.learn(key, key)
		variations, _ := v.([]any)
		for _, item := range variations {
			if m, ok := item.(*value.Map); ok {
				r.learn(m.String("text"), key)
			}
		}
	}
	return r
}

func (r *responses) learn(label, key string) {
	if _, known := r.keys[label]; !known {
		r.keys[label] = key
	}
}

// keyOf returns the key of a label; one that is not known stands for itself.
func (r *responses) keyOf(label string) string {
	if key := r.keys[label]; key != "" {
		return key
	}
	return label
}

// variations returns the variations of the response called name, nil when there are none.
func (r *responses) variations(name string) any {
	if list := r.all.List(name); len(list) > 0 {
		return list
	}
	return nil
}

func (r *responses) persist(to component.Resource) error {
	if err := to.Put(responsesFile, value.Encode(r.all, value.JSON)); err != nil {
		return err
	}
	return to.Put(intentsFile, value.Encode(r.intents, value.JSON))
}

// load reads the files whose names start with prefix.
func (r *responses) load(from component.Resource, prefix string) error {
	all, err := component.ReadObject(from, prefix+responsesFile)
	if err != nil {
		return err
	}
	data, err := from.Get(prefix + intentsFile)
	if err != nil {
		return err
	}
	v, err := value.Decode(data)
	if err != nil {
		return fmt.Errorf("reading %s: %w", prefix+intentsFile, err)
	}
	intents, ok := v.([]any)
	if !ok {
		return fmt.Errorf("reading %s: it is no list", prefix+intentsFile)
	}
	*r = newResponses(all, intents)
	return nil
}
