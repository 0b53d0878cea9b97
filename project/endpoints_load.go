package project

// settingsSchema is rasa/shared/utils/schemas/config.yml, 3.6.21: any mapping.
var settingsSchema = &schema{kind: mapKind, open: true}

const brokerSection = "event_broker"

// endpointSections are the sections rasa/core/utils.py AvailableEndpoints reads, and inbox and state.
var endpointSections = []string{
	"action_endpoint", "nlg", "nlu", "models", "tracker_store", "lock_store", brokerSection, "inbox", "state",
}

// LoadEndpoints reads endpoints.yml. An empty path gives endpoints without sections, a missing file is an error.
// Sections that are null count as absent, others than Rasa's are ignored. The result is nil when the problems hold
// errors.
func LoadEndpoints(path string) (*Endpoints, Problems) {
	e := &Endpoints{Sections: map[string]Entry{}, File: path}
	if path == "" {
		return e, nil
	}
	root, ps := loadSettings(path)
	for _, entry := range root.entries() {
		known := false
		for _, name := range endpointSections {
			known = known || name == entry.Key
		}
		switch {
		case !known:
			if near := nearest(entry.Key, endpointSections); near != "" && !root.has(near) {
				ps.Warnf(entry.KeyNode.At, "unknown section %q; did you mean %q?", entry.Key, near)
			}
		case entry.Val.isNull():
		case entry.Key == brokerSection && entry.Val.Kind == yamlList:
			e.Brokers = listEntries(entry, &ps)
		case entry.Val.Kind != yamlMap:
			ps.Errorf(entry.Val.At, "%s must be a mapping, not %s", entry.Key, entry.Val.kindName())
		default:
			e.Sections[entry.Key] = sectionEntry(entry)
		}
	}
	if ps.HasErrors() {
		return nil, ps
	}
	return e, ps
}

// listEntries reads a section that is a list of what otherwise is the section.
func listEntries(section yamlEntry, ps *Problems) []Entry {
	var list []Entry
	for _, item := range section.Val.items() {
		if item.Kind != yamlMap {
			ps.Errorf(item.At, "%s must be a list of mappings, not of %s", section.Key, item.kindName())
			continue
		}
		e := sectionEntry(yamlEntry{Key: section.Key, KeyNode: section.KeyNode, Val: item})
		e.Pos = item.At
		list = append(list, e)
	}
	return list
}

// LoadCredentials reads credentials.yml. An empty path gives credentials without channels, a missing file is an
// error. The result is nil when the problems hold errors.
func LoadCredentials(path string) (*Credentials, Problems) {
	c := &Credentials{File: path}
	if path == "" {
		return c, nil
	}
	root, ps := loadSettings(path)
	for _, entry := range root.entries() {
		if !entry.Val.isNull() && entry.Val.Kind != yamlMap {
			ps.Warnf(entry.Val.At, "channel %q has %s, which means nothing; options are a mapping", entry.Key,
				entry.Val.kindName())
		}
		c.Channels = append(c.Channels, sectionEntry(entry))
	}
	if ps.HasErrors() {
		return nil, ps
	}
	return c, ps
}

// loadSettings reads a file that is a mapping.
func loadSettings(path string) (*yamlNode, Problems) {
	data, ps := readFile(path)
	if ps.HasErrors() {
		return nil, ps
	}
	root, ps := parseYAML(data, path)
	if root == nil {
		return nil, ps
	}
	settingsSchema.validate(root, "", &ps)
	return root, ps
}

// sectionEntry reads a section whose key is its name.
func sectionEntry(e yamlEntry) Entry {
	options := e.Val.filter(func(yamlEntry) bool { return true })
	return Entry{Name: e.Key, Options: options.mapValue(), Pos: e.KeyNode.At, At: options.positions()}
}
