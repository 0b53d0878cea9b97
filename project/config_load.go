package project

import (
	"os"

	"github.com/parleybot/parley/internal/value"
)

// defaultRecipe is the only recipe that is run.
const defaultRecipe = "default.v1"

// assistantPlaceholder is the assistant_id of new projects, which stands for none.
const assistantPlaceholder = "placeholder_default"

// configSchema is rasa/shared/utils/schemas/model_config.yml, 3.6.21. Options of components are not checked here.
var configSchema = &schema{kind: mapKind, open: true, fields: fields(
	"version", strSchema, "language", strSchema, "assistant_id", strSchema,
	"pipeline", entriesSchema, "policies", entriesSchema, "spaces", entriesSchema,
	"recipe", anySchema, "importers", anySchema, "imports", anySchema,
)}

var entriesSchema = &schema{kind: seqKind, items: []*schema{
	{kind: mapKind, open: true, fields: fields("name", &schema{kind: strKind, required: true})}}}

// defaultPipeline and defaultPolicies are what Rasa fills in for a missing or null list
// (rasa/engine/recipes/config_files/default_config.yml, 3.6.21).
var defaultPipeline = []any{
	value.NewMap("name", "WhitespaceTokenizer"),
	value.NewMap("name", "RegexFeaturizer"),
	value.NewMap("name", "LexicalSyntacticFeaturizer"),
	value.NewMap("name", "CountVectorsFeaturizer"),
	value.NewMap("name", "CountVectorsFeaturizer", "analyzer", "char_wb", "min_ngram", int64(1), "max_ngram", int64(4)),
	value.NewMap("name", "DIETClassifier", "epochs", int64(100), "constrain_similarities", true),
	value.NewMap("name", "EntitySynonymMapper"),
	value.NewMap("name", "ResponseSelector", "epochs", int64(100), "constrain_similarities", true),
	value.NewMap("name", "FallbackClassifier", "threshold", 0.3, "ambiguity_threshold", 0.1),
}

var defaultPolicies = []any{
	value.NewMap("name", "MemoizationPolicy"),
	value.NewMap("name", "RulePolicy"),
	value.NewMap("name", "UnexpecTEDIntentPolicy", "max_history", int64(5), "epochs", int64(100)),
	value.NewMap("name", "TEDPolicy", "max_history", int64(5), "epochs", int64(100), "constrain_similarities", true),
}

// LoadConfig reads config.yml. A missing or null pipeline or policies is filled with Rasa's defaults and named in
// Filled, as are language and assistant_id when they are missing. The config is nil when the problems hold errors.
func LoadConfig(path string) (*Config, Problems) { return loadConfig(path, false) }

func loadConfig(path string, anyRecipe bool) (*Config, Problems) {
	data, ps := readFile(path)
	if ps.HasErrors() {
		return nil, ps
	}
	return parseConfig(data, path, anyRecipe)
}

// ParseConfig reads a config from YAML; file is its name in messages.
func ParseConfig(data []byte, file string) (*Config, Problems) { return parseConfig(data, file, false) }

func parseConfig(data []byte, file string, anyRecipe bool) (*Config, Problems) {
	root, ps := parseYAML(data, file)
	if root == nil {
		return nil, ps
	}
	root = expandPipeline(root)
	configSchema.validate(root, "", &ps)
	if root.Kind != yamlMap {
		return nil, ps
	}
	c := &Config{File: file, Raw: root.mapValue(), Language: "en", Recipe: defaultRecipe}
	c.readRecipe(root, anyRecipe, &ps)
	if s, ok := root.get("language").str(); ok {
		c.Language = s
	} else {
		c.Filled = append(c.Filled, "language")
	}
	c.AssistantID, _ = root.get("assistant_id").str()
	if root.get("assistant_id").isNull() || c.AssistantID == assistantPlaceholder {
		c.Filled = append(c.Filled, "assistant_id")
		ps.Warnf(root.keyPos("assistant_id"), "assistant_id is missing or still %q; give the assistant a name of its own",
			assistantPlaceholder)
	}
	c.Pipeline = c.listOrDefault(root, "pipeline", defaultPipeline)
	c.Policies = c.listOrDefault(root, "policies", defaultPolicies)
	c.readImporters(root, &ps)
	if ps = ps.tidy(); ps.HasErrors() {
		return nil, ps
	}
	return c, ps
}

// DefaultConfig is the configuration of a project without config.yml: everything filled with Rasa's defaults.
func DefaultConfig() *Config {
	c, _ := ParseConfig(nil, "")
	return c
}

// readRecipe is Recipe.recipe_for_name of rasa/engine/recipes/recipe.py.
func (c *Config) readRecipe(root *yamlNode, any bool, ps *Problems) {
	n := root.get("recipe")
	name, _ := n.str()
	switch {
	case n.isNull():
		if len(root.Entries) > 0 {
			ps.Warnf(root.At, "recipe is missing; %s is taken", defaultRecipe)
		}
	case any:
		c.Recipe = value.Str(n.value())
	case name == "graph.v1":
		ps.Errorf(n.At, "recipe graph.v1 is not supported; write pipeline and policies and use %s", defaultRecipe)
	case name != defaultRecipe:
		ps.Errorf(n.At, "recipe %q is not known; use %s", value.Str(n.value()), defaultRecipe)
	}
}

// listOrDefault reads a list of components, or the default when it is absent or null.
func (c *Config) listOrDefault(root *yamlNode, key string, otherwise []any) []Entry {
	n := root.get(key)
	if n.isNull() {
		c.Filled = append(c.Filled, key)
		n = nodeOf(otherwise, root.keyPos(key))
	}
	entries := make([]Entry, 0, len(n.Items))
	for _, item := range n.Items {
		entries = append(entries, componentEntry(item))
	}
	return entries
}

// componentEntry reads a mapping with a name.
func componentEntry(n *yamlNode) Entry {
	name, _ := n.get("name").str()
	options := n.filter(func(e yamlEntry) bool { return e.Key != "name" })
	return Entry{Name: name, Options: options.mapValue(), Pos: n.At, At: n.positions()}
}

// importerNames are the importers that can run.
var importerNames = []string{rasaFileImporter, multiProjectImporter}

const (
	rasaFileImporter     = "RasaFileImporter"
	multiProjectImporter = "MultiProjectImporter"
)

func (c *Config) readImporters(root *yamlNode, ps *Problems) {
	n := root.get("importers")
	if n == nil {
		return
	}
	if n.Kind != yamlList {
		ps.Errorf(n.At, "importers must be a list, not %s", n.kindName())
		return
	}
	for _, item := range n.Items {
		if item.Kind != yamlMap {
			ps.Errorf(item.At, "an importer is a mapping with a name, not %s", item.kindName())
			continue
		}
		e := componentEntry(item)
		if e.Name != rasaFileImporter && e.Name != multiProjectImporter {
			ps.Errorf(e.OptionPos("name"), "importer %q is not supported%s", value.Str(item.get("name").value()),
				didYouMean(e.Name, importerNames))
		}
		c.Importers = append(c.Importers, e)
	}
}

// readFile reads a file; a missing one is a problem.
func readFile(path string) ([]byte, Problems) {
	var ps Problems
	data, err := os.ReadFile(path)
	switch {
	case os.IsNotExist(err):
		ps.Errorf(Pos{File: path}, "there is no such file")
	case err != nil:
		ps.Errorf(Pos{File: path}, "%v", err)
	}
	return data, ps
}
