package project

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/parleybot/parley/internal/value"
)

// LoadOptions say where a project is. Folders are searched with their subfolders.
type LoadOptions struct {
	// Domain are domain files and folders, merged in this order. Without any the domain is empty.
	Domain []string
	// Data are training data files and folders.
	Data []string
	// Config is the path of config.yml; "" stands for Rasa's default configuration.
	Config string
	// AnyRecipe takes recipes that only training refuses; Config.Recipe tells the name.
	AnyRecipe bool
}

// Load reads a whole project as Rasa's importers do (rasa/shared/importers, 3.6.21). The error is the problems when
// any of them is an error; the project is nil then.
func Load(opts LoadOptions) (*Project, error) {
	l := loader{config: DefaultConfig()}
	if opts.Config != "" {
		config, ps := loadConfig(opts.Config, opts.AnyRecipe)
		l.ps = append(l.ps, ps...)
		if config != nil {
			l.config = config
		}
	}
	importers := l.config.Importers
	if len(importers) == 0 {
		importers = []Entry{{Name: rasaFileImporter}}
	}
	l.doc = asDict(&yamlNode{Kind: yamlMap})
	for _, imp := range importers {
		domain, files := opts.Domain, dataFiles(opts.Data, &l.ps)
		var tests []string
		if imp.Name == multiProjectImporter {
			m := multiProject(opts, imp, files, &l.ps)
			domain, files, tests = m.domain, m.files, m.tests
		}
		doc, ps := loadDomainDoc(domain)
		l.ps = append(l.ps, ps...)
		l.doc = mergeDomains(l.doc, doc, false, &l.ps)
		l.readFiles(files)
		training := l.stories
		l.readFiles(tests)
		l.stories = training
	}
	return l.finish()
}

// Parse reads a project from one YAML document that holds domain, config and training data, as POST /model/train
// takes it; file is its name in messages. Where Rasa calls the domain invalid there, it warns and trains without one,
// and so the domain is empty then.
func Parse(data []byte, file string) (*Project, error) {
	l := loader{}
	l.config, l.ps = ParseConfig(data, file)
	doc, ps := parseDomainDoc(data, file)
	if doc != nil {
		buildDomain(doc, &ps)
	}
	if ps.onlyInvalidDomain() {
		for i := range ps {
			if ps[i].Severity == Error {
				ps[i].Severity = Warning
				ps[i].What += "; the domain is left empty"
			}
		}
		doc = &yamlNode{Kind: yamlMap, At: Pos{File: file}}
	}
	l.ps = append(l.ps, ps...)
	if doc != nil {
		l.doc = asDict(doc)
	}
	if !l.ps.HasErrors() {
		l.read(data, file)
	}
	return l.finish()
}

// loader collects the parts of a project.
type loader struct {
	config  *Config
	doc     *yamlNode
	nlu     []*NLUData
	stories Stories
	tests   Stories
	ps      Problems
}

func (l *loader) readFiles(files []string) {
	for _, file := range files {
		data, ps := readFile(file)
		l.ps = append(l.ps, ps...)
		if !ps.HasErrors() {
			l.read(data, file)
		}
	}
}

// trainingKeys are the keys of training data files.
var trainingKeys = []string{"version", "nlu", "stories", "rules", "responses"}

// read reads a file of training data by what is in it; a file without any of it is passed over.
func (l *loader) read(data []byte, file string) {
	if at, ok := notUTF8(data, file); !ok {
		l.ps.Errorf(at, "the file is not UTF-8")
		return
	}
	if js, err := value.Decode(data); err == nil {
		l.readJSON(js, data, file)
		return
	}
	if !isYAMLName(file) {
		return
	}
	isNLU, isStories := hasKeyLine(data, "nlu", "responses"), hasKeyLine(data, "stories", "rules")
	root, ps := parseYAML(data, file)
	if root == nil {
		if !isNLU && !isStories {
			for i := range ps {
				ps[i].Severity = Warning
			}
		}
		l.ps = append(l.ps, ps...)
		return
	}
	l.ps = append(l.ps, ps...)
	misspeltSections(root, &l.ps)
	if isNLU {
		l.nlu = append(l.nlu, readNLU(root, &l.ps))
	}
	if isStories {
		stories := readStories(root, &l.ps)
		l.stories = append(l.stories, stories...)
		if IsTestStoriesFile(file) {
			l.tests = append(l.tests, stories...)
		}
	}
}

// otherFormats are the JSON files of other products by a key they have (rasa/shared/nlu/training_data/loading.py).
var otherFormats = []struct{ key, product string }{
	{"luis_schema_version", "LUIS"}, {"utterances", "Wit.ai"}, {"responses", "Dialogflow"}, {"isEnum", "Dialogflow"},
}

func (l *loader) readJSON(js any, data []byte, file string) {
	m, ok := js.(*value.Map)
	if !ok {
		return
	}
	if m.Has("rasa_nlu_data") {
		nlu, ps := ParseNLU(data, file)
		l.ps = append(l.ps, ps...)
		l.nlu = append(l.nlu, nlu)
		return
	}
	for _, f := range otherFormats {
		if m.Has(f.key) && !isYAMLName(file) {
			l.ps.Errorf(Pos{File: file}, "training data of %s is not read; convert it to Rasa's YAML format", f.product)
			return
		}
	}
}

// misspeltSections warns of top-level keys that are not known but look like one that is.
func misspeltSections(root *yamlNode, ps *Problems) {
	known := slices.Concat(trainingKeys, domainKeys, configSchema.keys())
	singular := map[string]string{"story": "stories", "rule": "rules", "response": "responses"}
	for _, e := range root.entries() {
		if slices.Contains(known, e.Key) {
			continue
		}
		near := nearest(e.Key, known)
		if s, ok := singular[e.Key]; ok {
			near = s
		}
		if near != "" && !root.has(near) {
			ps.Warnf(e.KeyNode.At, "unknown key %q; did you mean %q?", e.Key, near)
		}
	}
}

// finish puts the parts together.
func (l *loader) finish() (*Project, error) {
	if l.ps.HasErrors() {
		return nil, l.ps.tidy()
	}
	p := &Project{Config: l.config, Stories: l.stories, TestStories: l.tests}
	p.NLU = mergeNLU(l.nlu, &l.ps)
	d := l.build(l.doc)
	if d == nil {
		return nil, l.ps
	}
	doc := syncResponses(l.doc, d, p.NLU)
	withDomainResponses(p.NLU, d)
	if d = l.build(doc); d != nil {
		checkMissingResponses(doc, d, &l.ps)
		p.Domain = l.build(addE2EActions(doc, p.Stories))
	}
	if p.Domain != nil {
		CheckStories(p.Stories, p.Domain, &l.ps)
		p.NLU.Check(func(name string) bool { _, ok := p.Domain.Response(name); return ok }, &l.ps)
	}
	if p.Problems = l.ps.tidy(); p.Domain == nil || l.ps.HasErrors() {
		return nil, p.Problems
	}
	return p, nil
}

// build builds the domain of doc; nil when there are errors.
func (l *loader) build(doc *yamlNode) *Domain {
	d, ps := finishDomain(doc, l.ps)
	l.ps = ps
	return d
}

// dataFiles lists the files of training data below paths in Rasa's order: by path, each once.
func dataFiles(paths []string, ps *Problems) []string {
	byPath := map[string]string{}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			ps.Warnf(Pos{File: path}, "there is no such file or folder of training data")
			continue
		}
		files := []string{path}
		if info.IsDir() {
			files = filesBelow(path)
		}
		for _, file := range files {
			if isYAMLName(file) || filepath.Ext(file) == ".json" {
				byPath[absolute(file)] = file
			}
		}
	}
	keys := make([]string, 0, len(byPath))
	for key := range byPath {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	files := make([]string, len(keys))
	for i, key := range keys {
		files[i] = byPath[key]
	}
	return files
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// hasKeyLine reports whether a line begins with one of keys, however deep it is indented; by that Rasa tells kinds of
// files apart (rasa/shared/utils/io.py is_key_in_yaml).
func hasKeyLine(data []byte, keys ...string) bool {
	for line := range strings.Lines(string(data)) {
		line = strings.TrimLeft(line, " \t")
		for _, key := range keys {
			if strings.HasPrefix(line, key+":") {
				return true
			}
		}
	}
	return false
}
