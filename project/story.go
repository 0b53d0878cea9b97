package project

import (
	"path/filepath"
	"strings"
)

// IsTestStoriesFile reports whether Rasa takes file for test stories by its name (test_*).
func IsTestStoriesFile(file string) bool {
	return strings.HasPrefix(filepath.Base(file), "test_")
}

// ParseStories reads the stories and rules of one file as Rasa's YAMLStoryReader does without a domain
// (rasa/shared/core/training_data/story_reader/yaml_story_reader.py, 3.6.21); CheckStories adds what needs the domain.
// What Rasa refuses is an error, what it skips or wonders at a warning. A file called test_* may name full retrieval
// intents.
func ParseStories(data []byte, file string) (Stories, Problems) {
	root, ps := parseYAML(data, file)
	if root == nil {
		return nil, ps
	}
	stories := readStories(root, &ps)
	return stories, ps
}

// readStories reads the stories and rules of a parsed file.
func readStories(root *yamlNode, ps *Problems) Stories {
	if root.Kind != yamlMap {
		ps.Errorf(root.At, "a file with stories or rules must be a mapping, not %s", root.kindName())
		return nil
	}
	valid := conforms(storiesSchema, root, ps)
	if !checkFormatVersion(root, ps) {
		return nil
	}
	var out Stories
	var found Problems
	for _, title := range []string{"story", "rule"} {
		r := storyReader{ps: &found, title: title, test: IsTestStoriesFile(root.At.File)}
		for _, item := range items(root.get(plural[title])) {
			if s, ok := r.story(item); ok {
				out = append(out, s)
			}
		}
	}
	ps.add(found, valid)
	return out
}

var plural = map[string]string{"story": "stories", "rule": "rules"}

// items returns the items of a list, nil for anything else.
func items(n *yamlNode) []*yamlNode {
	if n == nil || n.Kind != yamlList {
		return nil
	}
	return n.Items
}

// storyReader reads stories or rules. The schema has reported values of wrong types before; they are passed over.
type storyReader struct {
	ps *Problems
	// title is "story" or "rule".
	title string
	test  bool
}

// story reads one story or rule; false when Rasa skips it.
func (r *storyReader) story(n *yamlNode) (Story, bool) {
	if n.Kind != yamlMap {
		return Story{}, false
	}
	if !n.has(r.title) {
		r.ps.Warnf(n.At, "an item of %q without %q is ignored", plural[r.title], r.title)
		return Story{}, false
	}
	s := Story{Rule: r.title == "rule", Metadata: n.get("metadata").value(), Pos: n.At}
	if s.Name, _ = n.get(r.title).str(); s.Name == "" {
		r.ps.Warnf(n.keyPos(r.title), "the %s has an empty name", r.title)
	}
	if !n.get("steps").truthy() {
		r.ps.Warnf(n.At, "the %s %q has no steps and is skipped", r.title, s.Name)
		return Story{}, false
	}
	if n.has("condition") && n.get("condition").isNull() {
		r.ps.Errorf(n.keyPos("condition"), "the condition of rule %q is empty; write conditions or remove the key", s.Name)
	}
	for _, c := range items(n.get("condition")) {
		s.Conditions = append(s.Conditions, r.step(c)...)
	}
	s.ConversationStart = n.get("conversation_start").truthy()
	if wait := n.get("wait_for_user_input"); wait != nil {
		s.NoWaitForUserInput = wait.Scalar == false
	}
	for _, step := range items(n.get("steps")) {
		s.Steps = append(s.Steps, r.step(step)...)
	}
	return s, true
}
