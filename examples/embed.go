// Package examples holds the example bots. The starter is part of the binary: `parley init` writes it.
package examples

import "embed"

// Starter has the files of the starter bot below "starter".
//
//go:embed starter/*.yml starter/README.md starter/data starter/tests
var Starter embed.FS
