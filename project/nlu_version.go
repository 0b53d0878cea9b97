package project

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
)

// formatVersion is the version of the training data format (rasa/shared/constants.py, 3.6.21).
const formatVersion = "3.1"

// releaseVersion is a version as PEP 440 writes them: epoch, release, what comes before the release, what behind.
var releaseVersion = regexp.MustCompile(`(?i)^\s*v?(?:(\d+)!)?(\d+(?:\.\d+)*)` +
	`([-_.]?(?:a|b|c|rc|alpha|beta|pre|preview)[-_.]?\d*)?` +
	`(-\d+|[-_.]?(?:post|rev|r)[-_.]?\d*)?([-_.]?dev[-_.]?\d*)?(\+[a-z0-9]+(?:[-_.][a-z0-9]+)*)?\s*$`)

// checkFormatVersion looks at `version` of a file as validate_training_data_format_version does
// (rasa/shared/utils/validation.py, 3.6.21); false when the file is skipped because its version is newer.
func checkFormatVersion(root *yamlNode, ps *Problems) bool {
	node := root.get("version")
	written, isText := node.str()
	if !isText || written == "" {
		return true
	}
	written = strings.Trim(written, `"'`)
	m := releaseVersion.FindStringSubmatch(written)
	if m == nil {
		ps.Warnf(node.At, `version %q is no version; the file is read as version "%s"`, written, formatVersion)
		return true
	}
	switch order := compareReleases(m); {
	case order < 0:
		ps.Warnf(node.At, `version %q is older than "%s"; the file is read as version "%s"`, written, formatVersion, formatVersion)
	case order > 0:
		ps.Warnf(node.At, `version %q is newer than "%s"; the file is skipped`, written, formatVersion)
		return false
	}
	return true
}

// compareReleases compares the version of a match of releaseVersion with formatVersion.
func compareReleases(m []string) int {
	if epoch, _ := strconv.Atoi(m[1]); epoch > 0 {
		return 1
	}
	have, want := strings.Split(m[2], "."), strings.Split(formatVersion, ".")
	for i := range max(len(have), len(want)) {
		var a, b int
		if i < len(have) {
			a, _ = strconv.Atoi(have[i])
		}
		if i < len(want) {
			b, _ = strconv.Atoi(want[i])
		}
		if a != b {
			return cmp.Compare(a, b)
		}
	}
	switch {
	case m[3] != "" || m[4] == "" && m[5] != "":
		return -1
	case m[4] != "" || m[6] != "":
		return 1
	}
	return 0
}
