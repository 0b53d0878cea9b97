package archive

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/parleybot/parley/internal/ml/weights"
	"github.com/parleybot/parley/internal/value"
)

// graphNode is a node of a graph as Rasa writes it.
func graphNode(class, fn string, needs map[string]string, resource string, config map[string]any) map[string]any {
	n := map[string]any{"uses": class, "fn": fn, "needs": needs, "config": config, "constructor_name": "load"}
	if resource != "" {
		n["resource"] = map[string]string{"name": resource, "output_fingerprint": "f-" + resource}
	}
	return n
}

// rasaGraph is the graph of a model with a tokenizer, a component of the project's own, and a policy.
func rasaGraph() map[string]any {
	return map[string]any{
		"nlu_message_converter":   graphNode("rasa.graph_components.converters.nlu_message_converter.NLUMessageConverter", "convert_user_message", nil, "", nil),
		"run_A0":                  graphNode("rasa.nlu.tokenizers.whitespace_tokenizer.WhitespaceTokenizer", "process", map[string]string{"messages": "nlu_message_converter"}, "", nil),
		"run_B1":                  graphNode("my.parts.Polite", "process", map[string]string{"messages": "run_A0"}, "train_B1", map[string]any{"degree": 2}),
		"run_RegexMessageHandler": graphNode("rasa.nlu.classifiers.regex_message_handler.RegexMessageHandler", "process", map[string]string{"messages": "run_B1"}, "", nil),
		"run_P0":                  graphNode("rasa.core.policies.rule_policy.RulePolicy", "predict_action_probabilities", nil, "train_P0", nil),
		"select_prediction": graphNode("rasa.core.policies.ensemble.DefaultPolicyPredictionEnsemble", "combine_predictions_from_kwargs",
			map[string]string{"policy0": "run_P0", "domain": "domain_provider", "tracker": "__tracker__"}, "", nil),
	}
}

func rasaMetadataOf(t testing.TB, change func(m, nodes map[string]any)) string {
	t.Helper()
	nodes := rasaGraph()
	m := map[string]any{
		"domain": map[string]any{"intents": []string{"greet"}}, "trained_at": "2024-05-06T07:08:09.012345", "model_id": "0a1b",
		"assistant_id": "aide", "rasa_open_source_version": "3.6.21", "training_type": 3, "language": "fr",
		"core_target": "select_prediction", "nlu_target": "run_RegexMessageHandler", "predict_schema": map[string]any{"nodes": nodes},
	}
	if change != nil {
		change(m, nodes)
	}
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func rasaModel(t testing.TB) string { return rasaMetadataOf(t, nil) }

// checkpoint is a checkpoint that TensorFlow wrote.
func checkpoint(t testing.TB) (index, data string) {
	t.Helper()
	i, err := os.ReadFile("testdata/layers.index")
	if err != nil {
		t.Fatal(err)
	}
	d, err := os.ReadFile("testdata/layers.data-00000-of-00001")
	if err != nil {
		t.Fatal(err)
	}
	return string(i), string(d)
}

func TestReadRasa(t *testing.T) {
	index, data := checkpoint(t)
	a, err := Read(bytes.NewReader(tarball(t, true,
		file("/"+rasaMetadata, rasaModel(t)),
		file("components/train_B1/words.json", `["a"]`),
		file("components/train_B1/net.tf_model.index", index),
		file("components/train_B1/net.tf_model.data-00000-of-00001", data),
		file("components/train_B1/checkpoint", "model_checkpoint_path: net"),
		file("components/train_B1/deep/er.txt", "x"),
		file("components/train_P0/rules.json", "{}"),
		file("components/domain_provider/domain.yml", "intents: []"),
	)))
	if err != nil {
		t.Fatal(err)
	}
	want := Manifest{Format: FormatVersion, Origin: OriginRasa, ModelID: "0a1b", AssistantID: "aide", Language: "fr",
		TrainedAt: time.Date(2024, 5, 6, 7, 8, 9, 12345000, time.UTC), Core: true, NLU: true, Parts: []Part{
			{Name: "nlu/train_WhitespaceTokenizer0", Component: "WhitespaceTokenizer", Options: json.RawMessage("{}")},
			{Name: "nlu/train_my.parts.Polite1", Component: "my.parts.Polite", Options: json.RawMessage(`{"degree":2}`), Fingerprint: "f-train_B1"},
			{Name: "policies/0-RulePolicy", Component: "RulePolicy", Options: json.RawMessage("{}"), Fingerprint: "f-train_P0"},
		}}
	if d := cmp.Diff(want, a.Manifest); d != "" {
		t.Error(d)
	}
	r := a.Resource("nlu/train_my.parts.Polite1")
	if d := cmp.Diff([]string{"deep/er.txt", "net.weights.st", "words.json"}, r.Names()); d != "" {
		t.Error(d)
	}
	checkWeights(t, r)
	config, err := a.File(configFile)
	if err != nil || !strings.Contains(string(config), `"degree": 2`) {
		t.Errorf("%s, %v", config, err)
	}
	if domain, err := a.File(domainFile); err != nil || string(domain) != `{"intents": ["greet"]}` {
		t.Errorf("%s, %v", domain, err)
	}
}

func checkWeights(t *testing.T, r *Resource) {
	t.Helper()
	st, err := r.Get("net.weights.st")
	if err != nil {
		t.Fatal(err)
	}
	set, err := weights.Read(st)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"_tf_layers/embed..text/_dense/bias", "_tf_layers/embed..text/_dense/kernel", "threshold"}, set.Names()); d != "" {
		t.Error(d)
	}
	if kernel, err := set.Float32("_tf_layers/embed..text/_dense/kernel", 2, 3); err != nil || kernel[5] != 5 {
		t.Errorf("kernel %v, %v", kernel, err)
	}
}

func TestReadRasaRefuses(t *testing.T) {
	index, data := checkpoint(t)
	metadata := func(change func(m, nodes map[string]any)) []byte {
		return tarball(t, true, file(rasaMetadata, rasaMetadataOf(t, change)))
	}
	field := func(name string, v any) []byte {
		return metadata(func(m, _ map[string]any) { m[name] = v })
	}
	without := func(name string) []byte {
		return metadata(func(_, nodes map[string]any) { delete(nodes, name) })
	}
	bad := strings.Replace(data, "\x00\x00\xa0\x40", "\x00\x00\xa0\x41", 1)
	for name, c := range map[string]struct {
		data []byte
		kind error
		want string
	}{
		"no JSON":        {tarball(t, true, file(rasaMetadata, "{")), ErrCorrupt, "metadata.json: "},
		"older Rasa":     {field("rasa_open_source_version", "3.6.20"), ErrIncompatible, "trained by Rasa Open Source 3.6.20, and only archives of 3.6.21 or higher"},
		"candidate":      {field("rasa_open_source_version", "3.6.21rc1"), ErrIncompatible, "3.6.21rc1"},
		"no version":     {field("rasa_open_source_version", nil), ErrCorrupt, "rasa_open_source_version is missing"},
		"strange":        {field("rasa_open_source_version", "main"), ErrIncompatible, "Open Source main"},
		"time":           {field("trained_at", "yesterday"), ErrCorrupt, `trained_at: "yesterday" is no time`},
		"no id":          {field("model_id", ""), ErrCorrupt, "model_id or domain is missing"},
		"no graph":       {field("predict_schema", nil), ErrCorrupt, "there are no nodes"},
		"no class":       {metadata(func(_, nodes map[string]any) { nodes["run_A0"] = map[string]any{} }), ErrCorrupt, `node "run_A0" has no class`},
		"no target":      {field("nlu_target", "x"), ErrCorrupt, `there is no node "x"`},
		"gap":            {without("run_A0"), ErrCorrupt, `there is no node "run_A0"`},
		"no policy":      {without("run_P0"), ErrCorrupt, `there is no node "run_P0"`},
		"other target":   {field("nlu_target", "run_B1"), ErrIncompatible, `node "run_B1" is my.parts.Polite.process`},
		"other ensemble": {field("core_target", "run_A0"), ErrIncompatible, "combined by DefaultPolicyPredictionEnsemble"},
		"circle": {metadata(func(_, nodes map[string]any) {
			nodes["run_A0"].(map[string]any)["needs"] = map[string]string{"messages": "run_B1"}
		}), ErrIncompatible, "differs from that of the recipe default.v1"},
		"checkpoint's index": {tarball(t, true, file(rasaMetadata, rasaModel(t)), file("components/train_B1/n.tf_model.index", index[:100]),
			file("components/train_B1/n.tf_model.data-00000-of-00001", data)), ErrCorrupt, "components/train_B1: n.tf_model.index: "},
		"checkpoint's data": {tarball(t, true, file(rasaMetadata, rasaModel(t)), file("components/train_B1/n.tf_model.index", index)),
			ErrCorrupt, "components/train_B1: n.tf_model.data-00000-of-00001: the file is missing"},
		"damaged weights": {tarball(t, true, file(rasaMetadata, rasaModel(t)), file("components/train_B1/n.tf_model.index", index),
			file("components/train_B1/n.tf_model.data-00000-of-00001", bad)), ErrCorrupt,
			`n.tf_model: variable "model/_tf_layers/embed..text/_dense/kernel/.ATTRIBUTES/VARIABLE_VALUE": it does not have the recorded checksum`},
		"Rasa 2": {tarball(t, true, file(rasa2Marker, `{"version":"2.8.0"}`)), ErrIncompatible, "Rasa Open Source 2.8.0"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read(bytes.NewReader(c.data))
			if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %v: %q", err, c.kind, c.want)
			}
		})
	}
}

func TestHalves(t *testing.T) {
	for name, c := range map[string]struct {
		change    func(m, nodes map[string]any)
		nlu, core bool
	}{
		"nlu only":  {func(m, _ map[string]any) { m["training_type"], m["core_target"] = 1, nil }, true, false},
		"core only": {func(m, _ map[string]any) { m["training_type"] = 2 }, false, true},
		"both":      {nil, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := Read(bytes.NewReader(tarball(t, true, file(rasaMetadata, rasaMetadataOf(t, c.change)))))
			if err != nil {
				t.Fatal(err)
			}
			if a.Manifest.NLU != c.nlu || a.Manifest.Core != c.core {
				t.Errorf("nlu %v, core %v", a.Manifest.NLU, a.Manifest.Core)
			}
			config, err := a.File(configFile)
			if err != nil {
				t.Fatal(err)
			}
			m, err := value.DecodeObject(config)
			if err != nil || (len(m.List("policies")) > 0) != c.core {
				t.Errorf("%s, %v", config, err)
			}
		})
	}
}

func TestOlderThan(t *testing.T) {
	for version, want := range map[string]bool{
		"3.6.21": false, "3.6.21.1": false, "3.6.21+local": false, "3.6.21.post1": false, "3.7": false, "4.0.0a1": false, "3.10.2": false,
		"3.6.20": true, "3.6": true, "3.6.3": true, "2.99.99": true, "3.6.21.dev1": true, "": true, "nightly": true,
	} {
		if got := olderThan(version, rasaMinimum); got != want {
			t.Errorf("%q: %v, want %v", version, got, want)
		}
	}
}
