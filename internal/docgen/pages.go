package main

import (
	"bytes"
	"fmt"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue/policy"
	"github.com/parleybot/parley/internal/cli"
	"github.com/parleybot/parley/nlu"
	"github.com/parleybot/parley/stores"
)

// pages returns every reference page by its file name. Package cli links what this binary contains.
func pages() map[string][]byte {
	return map[string][]byte{
		"README.md": []byte(generated + `# Reference

What this version contains, written from the program itself.

- [NLU components](components.md)
- [Policies](policies.md)
- [Channels](channels.md)
- [Stores](stores.md)
- [Commands](commands.md)
`),
		"components.md": specPage("NLU components", "What `pipeline:` in `config.yml` can name.", nlu.Components.Specs()),
		"policies.md":   specPage("Policies", "What `policies:` in `config.yml` can name.", policy.Policies.Specs()),
		"channels.md":   specPage("Channels", "What `credentials.yml` can name.", channels.Registry.Specs()),
		"stores.md":     storesPage(),
		"commands.md":   commandPage(cli.Root()),
	}
}

// storesPage has the three kinds of back ends on one page.
func storesPage() []byte {
	var page bytes.Buffer
	fmt.Fprintf(&page, "%s# Stores\n\nWhat `type:` in `endpoints.yml` can name.\n", generated)
	for _, kind := range []struct {
		key, title string
		specs      []component.Spec
	}{
		{"tracker_store", "Tracker stores", stores.Trackers.Specs()},
		{"lock_store", "Lock stores", stores.Locks.Specs()},
		{"event_broker", "Event brokers", stores.Brokers.Specs()},
	} {
		fmt.Fprintf(&page, "\n# %s (`%s:`)\n", kind.title, kind.key)
		if len(kind.specs) == 0 {
			page.WriteString("\nNone in this version.\n")
		}
		for _, spec := range kind.specs {
			writeSpec(&page, spec)
		}
	}
	return page.Bytes()
}
