package project

import (
	"os"
	"path/filepath"
	"slices"
	"sort"

	"github.com/parleybot/parley/internal/value"
)

// ParseDomain reads a domain from YAML. file is its name in messages. Keys of other kinds of files (nlu, stories,
// pipeline, ...) may stand in the same document, as POST /model/train sends it. The domain is nil when the problems
// hold errors.
func ParseDomain(data []byte, file string) (*Domain, Problems) {
	doc, ps := parseDomainDoc(data, file)
	return finishDomain(doc, ps)
}

// LoadDomain reads the domain from files and folders (searched with their subfolders) and merges them in the given
// order by the rules of Domain.load (rasa/shared/core/domain.py, 3.6.21); files of a folder are taken by name. The
// domain is nil when the problems hold errors.
func LoadDomain(paths ...string) (*Domain, Problems) {
	doc, ps := loadDomainDoc(paths)
	return finishDomain(doc, ps)
}

// DomainFromMap restores a domain from what AsMap gave.
func DomainFromMap(m *value.Map) (*Domain, Problems) {
	var ps Problems
	doc := nodeOf(m, Pos{File: "domain"})
	domainSchema.validate(doc, "", &ps)
	if ps.HasErrors() {
		return nil, ps
	}
	return finishDomain(doc, ps)
}

// EmptyDomain returns the domain of a project without one.
func EmptyDomain() *Domain {
	var ps Problems
	return buildDomain(&yamlNode{Kind: yamlMap}, &ps)
}

// finishDomain builds the domain of a document unless there are errors already.
func finishDomain(doc *yamlNode, ps Problems) (*Domain, Problems) {
	if ps.HasErrors() || doc == nil {
		return nil, ps.tidy()
	}
	d := buildDomain(doc, &ps)
	if ps = ps.tidy(); ps.HasErrors() {
		return nil, ps
	}
	return d, ps
}

// parseDomainDoc reads and checks one domain document; the result is as it was written, nil when there are errors.
// What the schema refuses does not keep the rest from being checked.
func parseDomainDoc(data []byte, file string) (*yamlNode, Problems) {
	root, ps := parseYAML(data, file)
	if root == nil {
		return nil, ps
	}
	domainSchema.validate(root, "", &ps)
	if ps.HasErrors() {
		if root.Kind == yamlMap {
			buildDomain(root, &ps)
		}
		return nil, ps
	}
	if !checkFormatVersion(root, &ps) {
		return &yamlNode{Kind: yamlMap, At: root.At}, ps
	}
	return root, ps
}

// loadDomainDoc merges the domain documents of paths, each as asDict gives it.
func loadDomainDoc(paths []string) (*yamlNode, Problems) {
	var ps Problems
	doc := asDict(&yamlNode{Kind: yamlMap})
	for _, path := range paths {
		info, err := os.Stat(path)
		var other *yamlNode
		var found Problems
		switch {
		case err != nil:
			found.Errorf(Pos{File: path}, "there is no such domain file or folder")
		case info.IsDir():
			other, found = loadDomainFolder(path)
		default:
			other, found = loadDomainFile(path)
		}
		ps = append(ps, found...)
		if other != nil {
			doc = mergeDomains(doc, asDict(other), false, &ps)
		}
	}
	return doc, ps
}

// loadDomainFile reads one file and checks that it is a domain by itself.
func loadDomainFile(path string) (*yamlNode, Problems) {
	data, err := os.ReadFile(path)
	if err != nil {
		var ps Problems
		ps.Errorf(Pos{File: path}, "%v", err)
		return nil, ps
	}
	doc, ps := parseDomainDoc(data, path)
	if doc == nil {
		return nil, ps
	}
	buildDomain(doc, &ps)
	return doc, ps
}

// loadDomainFolder merges the domain files of a folder (Domain.from_directory). A file of a newer version is checked
// and then merged all the same, as Rasa does it.
func loadDomainFolder(dir string) (*yamlNode, Problems) {
	var ps Problems
	combined := &yamlNode{Kind: yamlMap, At: Pos{File: dir}}
	for _, path := range filesBelow(dir) {
		if !isYAMLName(path) {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			ps.Errorf(Pos{File: path}, "%v", err)
			continue
		}
		root, found := parseYAML(data, path)
		if root == nil {
			for _, p := range found {
				ps.Warnf(p.Pos, "%s; the file is not taken into the domain", p.What)
			}
			continue
		}
		if !isDomainDoc(root) {
			continue
		}
		doc, found := parseDomainDoc(data, path)
		ps = append(ps, found...)
		if doc == nil {
			continue
		}
		buildDomain(doc, &ps)
		combined = mergeDomainDicts(root, combined, false, &ps)
	}
	return combined, ps
}

// isDomainDoc is Domain.is_domain_file for a document.
func isDomainDoc(root *yamlNode) bool {
	return slices.ContainsFunc(domainKeys, root.has)
}

// isYAMLName reports whether a file's name ends like that of a YAML file.
func isYAMLName(path string) bool {
	ext := filepath.Ext(path)
	return ext == ".yml" || ext == ".yaml"
}

// filesBelow lists the files below dir: those of a folder by name, then those of its subfolders. Links are followed,
// each folder once.
func filesBelow(dir string) []string {
	var files []string
	seen := map[string]bool{}
	var walk func(dir string)
	walk = func(dir string) {
		real, err := filepath.EvalSymlinks(dir)
		if err != nil || seen[real] {
			return
		}
		seen[real] = true
		entries, err := os.ReadDir(dir)
		if err != nil {
			return
		}
		var folders []string
		sort.Slice(entries, func(i, j int) bool { return entries[i].Name() < entries[j].Name() })
		for _, e := range entries {
			path := filepath.Join(dir, e.Name())
			if info, err := os.Stat(path); err == nil && info.IsDir() {
				folders = append(folders, path)
			} else if err == nil {
				files = append(files, path)
			}
		}
		for _, folder := range folders {
			walk(folder)
		}
	}
	walk(dir)
	return files
}
