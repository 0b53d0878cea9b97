package project

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// projectImports follows the `imports` of config files (rasa/shared/importers/multi_project.py, 3.6.21).
type projectImports struct {
	// projectDir is the folder of the main config as it was given, "" for a bare file name.
	projectDir string
	additional []string
	imports    []string
	// domain, files and tests are the domain files, the files of training data and the test stories found.
	domain, files, tests []string

	ps *Problems
}

// multiProject finds the files of a project with a MultiProjectImporter; files are those of opts.Data, which come
// after the imported ones.
func multiProject(opts LoadOptions, imp Entry, files []string, ps *Problems) *projectImports {
	m := &projectImports{additional: opts.Data, domain: slices.Clone(opts.Domain), ps: ps}
	m.projectDir = imp.Options.String("project_directory")
	if m.projectDir == "" && strings.Contains(opts.Config, "/") {
		m.projectDir = filepath.Dir(opts.Config)
	}
	data, found := readFile(opts.Config)
	if !found.HasErrors() {
		root, _ := parseYAML(data, opts.Config)
		m.follow(root, m.projectDir)
	}
	for _, file := range files {
		if !slices.Contains(m.files, absolute(file)) {
			m.files = append(m.files, file)
		}
	}
	return m
}

// follow takes the imports of a config in folder dir.
func (m *projectImports) follow(config *yamlNode, dir string) {
	n := config.get("imports")
	if !n.truthy() {
		return
	}
	if n.Kind != yamlList {
		m.ps.Errorf(n.At, "imports must be a list of folders and config files, not %s", n.kindName())
		return
	}
	var candidates []*yamlNode
	for _, item := range n.Items {
		rel, ok := item.str()
		if !ok {
			m.ps.Errorf(item.At, "an import is a path, not %s", item.kindName())
			continue
		}
		path := rel
		if !filepath.IsAbs(rel) {
			path = filepath.Join(dir, rel)
		}
		path = absolute(path)
		known := slices.ContainsFunc(candidates, func(c *yamlNode) bool { return c.Scalar == path })
		if known || len(m.imports) > 0 && m.isImported(path) {
			continue
		}
		candidates = append(candidates, nodeOf(path, item.At))
	}
	for _, c := range candidates {
		m.imports = append(m.imports, c.Scalar.(string))
	}
	for _, c := range candidates {
		m.take(c.Scalar.(string), c.At)
	}
}

// take reads an imported folder or config file.
func (m *projectImports) take(path string, at Pos) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		m.ps.Warnf(at, "the import %s does not exist", path)
	case !info.IsDir():
		m.takeConfig(path, at)
	default:
		for _, file := range filesBelow(path) {
			if m.isImported(file) {
				m.takeFile(file, at)
			}
		}
	}
}

func isConfigName(path string) bool {
	base := filepath.Base(path)
	return base == "config.yml" || base == "config.yaml"
}

func (m *projectImports) takeConfig(path string, at Pos) {
	if !isConfigName(path) {
		m.ps.Warnf(at, "the import %s is neither a folder nor a config.yml", path)
		return
	}
	root, ps := loadSettings(path)
	*m.ps = append(*m.ps, ps...)
	m.follow(root, filepath.Dir(path))
}

// takeFile sorts a file of an imported folder by its content.
func (m *projectImports) takeFile(path string, at Pos) {
	if !isYAMLName(path) {
		if filepath.Ext(path) == ".json" {
			m.files = append(m.files, path)
		}
		return
	}
	data, ps := readFile(path)
	if ps.HasErrors() {
		*m.ps = append(*m.ps, ps...)
		return
	}
	stories := hasKeyLine(data, "stories", "rules")
	if stories && IsTestStoriesFile(path) {
		m.tests = append(m.tests, path)
		return
	}
	root, _ := parseYAML(data, path)
	switch {
	case root != nil && isDomainDoc(root):
		m.domain = append(m.domain, path)
	case stories || hasKeyLine(data, "nlu", "responses"):
		m.files = append(m.files, path)
	case isConfigName(path):
		m.takeConfig(path, at)
	}
}

// isImported reports whether a file or folder belongs to the selected projects.
func (m *projectImports) isImported(path string) bool {
	if len(m.imports) == 0 {
		return true
	}
	parent := path
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		parent = filepath.Dir(path)
	}
	return parent == m.projectDir || slices.Contains(m.additional, path) || slices.Contains(m.additional, parent) ||
		slices.ContainsFunc(m.imports, func(i string) bool { return strings.Contains(path, i) })
}
