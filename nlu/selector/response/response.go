// Package response provides ResponseSelector, which chooses the response to a message among those of retrieval intents
// (rasa/nlu/selectors/response_selector.py, 3.6.21).
package response

import (
	"context"
	"log/slog"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/nlu"
	"github.com/parleybot/parley/nlu/diet"
)

// name is that of the class in Rasa, and of its files.
const name = "ResponseSelector"

var spec = component.Spec{
	Name:    name,
	Summary: "Chooses the response among those of retrieval intents.",
	Source:  "rasa/nlu/selectors/response_selector.py",
	Fields: append(diet.Fields(map[string]any{
		"hidden_layers_sizes":          diet.Sizes([]any{int64(256), int64(128)}, []any{int64(256), int64(128)}),
		"transformer_size":             nil,
		"number_of_transformer_layers": int64(0),
		"dense_dimension":              diet.Sizes(int64(512), int64(512)),
		"concat_dimension":             diet.Sizes(int64(512), int64(512)),
		"scale_loss":                   true,
		"connection_density":           1.0,
		"use_sparse_input_dropout":     false,
		"use_dense_input_dropout":      false,
	}),
		component.Field{Name: "retrieval_intent", Kind: component.String, Doc: "Intent whose responses are chosen from; all of them when null."},
		component.Field{Name: "use_text_as_label", Kind: component.Bool, Default: false,
			Doc: "Whether the texts of responses are learnt, instead of their names."},
	),
	Provides: []string{nlu.RoleClassifier},
	Requires: []string{nlu.RoleFeaturizer},
}

func init() { nlu.Components.Register(spec, build) }

// Selector is ResponseSelector.
type Selector struct {
	RetrievalIntent string `option:"retrieval_intent"`
	UseTextAsLabel  bool   `option:"use_text_as_label"`

	options diet.Options
	log     *slog.Logger
	env     component.Env
	id      string
	model   *diet.Model
	known   responses
}

var (
	_ nlu.Trainable     = (*Selector)(nil)
	_ nlu.FeatureReader = (*Selector)(nil)
	_ nlu.RasaLoader    = (*Selector)(nil)
	_ nlu.Finetuner     = (*Selector)(nil)
)

func build(cfg component.Config) (nlu.Component, error) {
	s := &Selector{env: cfg.Env.WithDefaults(), id: cfg.ID}
	s.log = s.env.Logger
	if err := cfg.Decode(s); err != nil {
		return nil, err
	}
	if err := cfg.Decode(&s.options); err != nil {
		return nil, err
	}
	s.options.Intents, s.options.Entities, s.options.BILOU = true, false, false
	return s, s.options.Check(&cfg, s.log)
}

// DependsOn implements nlu.Trainable.
func (s *Selector) DependsOn() nlu.DataParts { return nlu.ExampleTexts | nlu.ResponseData }

// ReadsFeatures implements nlu.FeatureReader.
func (s *Selector) ReadsFeatures() nlu.FeatureType {
	return nlu.SequenceFeatures | nlu.SentenceFeatures
}

// Process adds the chosen response and the ranking under the selector's retrieval intent, or under "default". An
// untrained selector adds an empty choice, as in Rasa. Features other than those of training are an error.
func (s *Selector) Process(_ context.Context, m *nlu.Message) error {
	var ranking []diet.Ranked
	if s.model != nil {
		found, err := s.model.Predict(m)
		if err != nil {
			return err
		}
		if found != nil {
			ranking = diet.Rank(s.model.Labels(), found.Scores, s.options.RankingLength, s.options.Renormalize)
		}
	}
	key := s.RetrievalIntent
	if key == "" {
		key = "default"
	}
	selected := m.ResponseSelector
	if selected == nil {
		selected = value.NewMap()
	}
	selected.Set("all_retrieval_intents", append([]any{}, s.known.intents...))
	m.ResponseSelector = selected.Set(key, s.choice(ranking))
	return nil
}

// choice describes the best of a ranking, and the ranking.
func (s *Selector) choice(ranking []diet.Ranked) *value.Map {
	var key, texts any
	confidence, action := 0.0, "utter_None"
	list := make([]any, len(ranking))
	for i, r := range ranking {
		list[i] = value.NewMap("confidence", r.Confidence, "intent_response_key", s.known.keyOf(r.Label))
	}
	if len(ranking) > 0 {
		best := s.known.keyOf(ranking[0].Label)
		key, confidence, action = best, ranking[0].Confidence, utter+best
		if texts = s.known.variations(action); texts == nil {
			s.log.Warn("the response that was chosen is not in the training data", "action", action)
			texts = []any{value.NewMap("text", best)}
		}
	}
	response := value.NewMap("responses", texts, "confidence", confidence, "intent_response_key", key, "utter_action", action)
	return value.NewMap("response", response, "ranking", list)
}

// Persist writes network and responses; an untrained selector writes nothing.
func (s *Selector) Persist(to component.Resource) error {
	if s.model == nil {
		return nil
	}
	if err := s.known.persist(to); err != nil {
		return err
	}
	return s.model.Persist(to)
}

// Load reads what Persist wrote.
func (s *Selector) Load(from component.Resource) (err error) {
	s.known = responses{}
	if s.model, err = diet.Load(s.options, from, s.UseTextAsLabel); s.model == nil {
		return err
	}
	return s.known.load(from, "")
}

// LoadRasa implements nlu.RasaLoader.
func (s *Selector) LoadRasa(from component.Resource) (err error) {
	s.known = responses{}
	if s.model, err = diet.LoadRasa(s.options, from, name, s.UseTextAsLabel); s.model == nil {
		return err
	}
	return s.known.load(from, name+".")
}
