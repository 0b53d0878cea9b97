package archive

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/parleybot/parley/internal/value"
)

// metadata is what metadata.json tells of a model: its description and, of its graph for predictions, the components
// and policies in their order (rasa/engine/storage/storage.py, ModelMetadata; rasa/engine/recipes/default_recipe.py,
// _create_predict_nodes, 3.6.21).
type metadata struct {
	modelID, assistantID, language string
	trainedAt                      time.Time
	nlu, core                      bool
	domain                         *value.Map
	pipeline, policies             []node
}

// node is a node of a graph.
type node struct {
	name string
	// uses is the path of the Python class, fn the method that is called.
	uses, fn string
	config   *value.Map
	// needs maps the method's parameters to nodes.
	needs *value.Map
	// resource is the folder of the node's files, "" when it has none; fingerprint tells its content.
	resource, fingerprint string
}

// component is the name that config.yml uses: the class's name for Rasa's own classes, otherwise the path.
func (n node) component() string {
	if strings.HasPrefix(n.uses, "rasa.") {
		return n.class()
	}
	return n.uses
}

// class is the name of the class.
func (n node) class() string { return n.uses[strings.LastIndexByte(n.uses, '.')+1:] }

// is reports whether the node is Rasa's own class of that name.
func (n node) is(class string) bool { return n.component() == class }

func parseMetadata(data []byte) (*metadata, error) {
	doc, err := value.DecodeObject(data)
	if err != nil {
		return nil, corrupt("%s: %w", rasaMetadata, err)
	}
	if err := checkVersion(doc.String("rasa_open_source_version")); err != nil {
		return nil, err
	}
	m := &metadata{modelID: doc.String("model_id"), assistantID: doc.String("assistant_id"), language: doc.String("language"),
		domain: doc.Map("domain"), core: doc.Value("core_target") != nil}
	if m.trainedAt, err = parseTime(doc.String("trained_at")); err != nil {
		return nil, corrupt("%s: trained_at: %w", rasaMetadata, err)
	}
	if m.modelID == "" || m.domain.Len() == 0 {
		return nil, corrupt("%s: model_id or domain is missing", rasaMetadata)
	}
	g, err := parseGraph(doc.Map("predict_schema").Map("nodes"))
	if err != nil {
		return nil, corrupt("%s: predict_schema: %w", rasaMetadata, err)
	}
	if m.pipeline, err = g.pipeline(doc.String("nlu_target")); err != nil {
		return nil, err
	}
	const trainingCore = 2 // rasa.shared.data.TrainingType.CORE
	m.nlu = doc.Value("training_type") != int64(trainingCore)
	if m.core {
		m.policies, err = g.policies(doc.String("core_target"))
	}
	return m, err
}

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrCorrupt, fmt.Errorf(format, args...))
}

// graph is the graph for predictions.
type graph map[string]node

func parseGraph(nodes *value.Map) (graph, error) {
	if nodes.Len() == 0 {
		return nil, errors.New("there are no nodes")
	}
	g := graph{}
	for name, v := range nodes.All() {
		n, ok := v.(*value.Map)
		if !ok || n.String("uses") == "" {
			return nil, fmt.Errorf("node %q has no class", name)
		}
		config := n.Map("config")
		if config == nil {
			config = &value.Map{}
		}
		resource := n.Map("resource")
		g[name] = node{name: name, uses: n.String("uses"), fn: n.String("fn"), config: config, needs: n.Map("needs"),
			resource: resource.String("name"), fingerprint: resource.String("output_fingerprint")}
	}
	return g, nil
}

// pipeline returns the components that a message passes, in their order: it follows the messages back from the target.
func (g graph) pipeline(target string) ([]node, error) {
	last, ok := g[target]
	if !ok || !last.is("RegexMessageHandler") {
		return nil, g.unknown("messages are to end at RegexMessageHandler", target)
	}
	var reversed []node
	for n := last; ; {
		from := n.needs.String("messages")
		next, ok := g[from]
		switch {
		case ok && next.is("NLUMessageConverter"):
			pipeline := make([]node, 0, len(reversed))
			for i := len(reversed) - 1; i >= 0; i-- {
				pipeline = append(pipeline, reversed[i])
			}
			return pipeline, nil
		case !ok || next.fn != "process" || len(reversed) > len(g):
			return nil, g.unknown("each component is to process the messages of the one before", from)
		}
		reversed = append(reversed, next)
		n = next
	}
}

// policies returns the policies whose predictions the target combines.
func (g graph) policies(target string) ([]node, error) {
	ensemble, ok := g[target]
	if !ok || !ensemble.is("DefaultPolicyPredictionEnsemble") {
		return nil, g.unknown("predictions are to be combined by DefaultPolicyPredictionEnsemble", target)
	}
	var policies []node
	for parameter, v := range ensemble.needs.All() {
		if parameter == "tracker" || parameter == "domain" {
			continue
		}
		name, _ := v.(string)
		n, ok := g[name]
		if !ok || n.fn != "predict_action_probabilities" {
			return nil, g.unknown("each prediction is to come from a policy", name)
		}
		policies = append(policies, n)
	}
	return policies, nil
}

// unknown is the error for a graph of another form than that of the recipe default.v1.
func (g graph) unknown(want, name string) error {
	n, ok := g[name]
	if !ok {
		return corrupt("%s: predict_schema: there is no node %q", rasaMetadata, name)
	}
	return fmt.Errorf("%w: its graph differs from that of the recipe default.v1: %s, but node %q is %s.%s; train the project with "+
		"`recipe: default.v1`", ErrIncompatible, want, name, n.uses, n.fn)
}
