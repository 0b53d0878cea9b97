package archive

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// rasaMinimum is the oldest version whose archives Rasa 3.6.21 loads (MINIMUM_COMPATIBLE_VERSION): archives of older
// versions hold pickled Python objects.
const rasaMinimum = "3.6.21"

// checkVersion refuses what Rasa refuses as UnsupportedModelVersionError.
func checkVersion(version string) error {
	if version == "" {
		return corrupt("%s: rasa_open_source_version is missing", rasaMetadata)
	}
	if olderThan(version, rasaMinimum) {
		return tooOld(version)
	}
	return nil
}

func tooOld(version string) error {
	return fmt.Errorf("%w: it was trained by Rasa Open Source %s, and only archives of %s or higher can be read; train the project again",
		ErrIncompatible, version, rasaMinimum)
}

var release = regexp.MustCompile(`^v?(\d+(?:\.\d+)*)(.*)$`)

// olderThan compares versions as Python's packaging does, as far as Rasa numbers its versions: a suffix like "rc1" or
// ".dev2" comes before the version, a local one ("+x") and ".post1" do not.
func olderThan(version, minimum string) bool {
	m := release.FindStringSubmatch(version)
	if m == nil {
		return true
	}
	have, want := strings.Split(m[1], "."), strings.Split(minimum, ".")
	for i := range max(len(have), len(want)) {
		if a, b := number(have, i), number(want, i); a != b {
			return a < b
		}
	}
	return m[2] != "" && !strings.HasPrefix(m[2], "+") && !strings.HasPrefix(m[2], ".post")
}

func number(parts []string, i int) int {
	if i >= len(parts) {
		return 0
	}
	n, err := strconv.Atoi(parts[i])
	if err != nil {
		return 0
	}
	return n
}
