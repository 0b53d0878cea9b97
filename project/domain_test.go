package project

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parleybot/parley/internal/value"
)

// parseGood reads a domain that must have no errors.
func parseGood(t *testing.T, text string) (*Domain, Problems) {
	t.Helper()
	d, ps := ParseDomain([]byte(text), "domain.yml")
	if d == nil {
		t.Fatal(ps)
	}
	return d, ps
}

func TestActionOrder(t *testing.T) {
	d, _ := parseGood(t, `
actions: [utter_z, action_b, action_back, form_custom, {action_a: {send_domain: true}}, validate_form]
responses: {utter_y: [{text: y}], utter_z: [{text: z}], utter_a: [{text: a}]}
forms: {form: {required_slots: []}, form_custom: {required_slots: []}}
e2e_actions: [good bye]
`)
	want := []string{"utter_z", "action_b", "form_custom", "action_a", "validate_form", "utter_a", "utter_y", "form", "good bye"}
	if diff := cmp.Diff(append(DefaultActions(), want...), d.ActionNames()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"action_a", "validate_form"}, d.ActionsNeedingDomain); diff != "" {
		t.Error(diff)
	}
	for name, want := range map[string]bool{"action_back": true, "action_restart": false, "utter_y": true, "form": false} {
		if got := d.IsUserAction(name); got != want {
			t.Errorf("IsUserAction(%q) = %v", name, got)
		}
	}
	if i, ok := d.ActionIndex("utter_z"); !ok || i != len(DefaultActions()) {
		t.Errorf("utter_z is action %d, %v", i, ok)
	}
}

func TestUsedEntities(t *testing.T) {
	const entities = `
entities:
  - city
  - station: {roles: [from, to], groups: [a]}
  - mood: {influence_conversation: false}
intents:
  - greet: `
	all := []string{"city", "station", "station#a", "station#from", "station#to"}
	cases := map[string][]string{
		"{use_entities: true}":                                     all,
		"{use_entities: false}":                                    nil,
		"{use_entities: []}":                                       nil,
		"{use_entities: [mood, city]}":                             {"city"},
		"{use_entities: [mood, city], ignore_entities: []}":        {"city", "mood"},
		"{use_entities: [station]}":                                {"station", "station#a", "station#from", "station#to"},
		"{ignore_entities: [station]}":                             {"city"},
		"{use_entities: [city, station], ignore_entities: [city]}": {"station", "station#a", "station#from", "station#to"},
	}
	for options, want := range cases {
		t.Run(options, func(t *testing.T) {
			d, _ := parseGood(t, entities+options)
			greet, _ := d.Intent("greet")
			if diff := cmp.Diff(want, greet.UsedEntities); diff != "" {
				t.Error(diff)
			}
			restart, _ := d.Intent("restart")
			if diff := cmp.Diff(all, restart.UsedEntities); diff != "" || !restart.Default {
				t.Error(diff, restart.Default)
			}
		})
	}
}

func TestDefaultSlots(t *testing.T) {
	names := func(text string) string {
		d, _ := parseGood(t, text)
		var out []string
		for _, s := range d.Slots {
			out = append(out, s.Name)
		}
		return strings.Join(out, " ")
	}
	cases := map[string]string{
		"intents: [a]": "session_started_metadata",
		"slots: {b: {type: any, mappings: []}, a: {type: text, mappings: []}}":                                                 "b a session_started_metadata",
		"forms: {f: {required_slots: []}}":                                                                                     "requested_slot session_started_metadata",
		"forms: {f: {required_slots: []}}\nslots: {requested_slot: {type: text, mappings: []}, a: {type: text, mappings: []}}": "requested_slot a session_started_metadata",
		"actions: [action_query_knowledge_base]\nforms: {f: {}}": "requested_slot knowledge_base_listed_objects " +
			"knowledge_base_last_object knowledge_base_last_object_type session_started_metadata",
	}
	for text, want := range cases {
		if got := names(text); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", text, got, want)
		}
	}
}

func TestSlots(t *testing.T) {
	d, ps := parseGood(t, `
slots:
  size:
    type: categorical
    values: [Small, 1, true, 1.0, null]
    initial_value: Small
    mappings:
      - type: from_intent
        value: 0
        intent: pick
        not_intent: [a, b]
        conditions: [{active_loop: null}, {active_loop: form, requested_slot: size}]
  level:
    type: float
    max_value: 10
    initial_value: 20
    influence_conversation: false
    mappings: [{type: from_entity, entity: n, role: r, group: g}, {type: custom, action: action_x}]
`)
	size, _ := d.Slot("size")
	want := &Slot{Name: "size", Type: SlotCategorical, InitialValue: "Small", InfluenceConversation: true, MaxValue: 1,
		Values: []string{"small", "1", "true", "1.0", "__other__"}, Pos: Pos{"domain.yml", 3, 3},
		Mappings: []SlotMapping{{Type: FromIntent, Value: int64(0), Intents: []string{"pick"}, NotIntents: []string{"a", "b"},
			Conditions: []MappingCondition{{HasActiveLoop: true},
				{HasActiveLoop: true, ActiveLoop: "form", HasRequestedSlot: true, RequestedSlot: "size"}},
			Pos: Pos{"domain.yml", 8, 9}, Raw: size.Mappings[0].Raw}}}
	if diff := cmp.Diff(want, size, cmp.Comparer(func(a, b *value.Map) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
	level, _ := d.Slot("level")
	if level.MinValue != 0 || level.MaxValue != 10 || level.InfluenceConversation || level.Mappings[1].Action != "action_x" {
		t.Errorf("level is %+v", level)
	}
	wantProblems := []string{
		`domain.yml:5:35: slot "size" lists null as a value, which means unset and is ignored; quote it to have the text`,
		`domain.yml:16:20: slot "level": initial_value 20 is not between min_value 0 and max_value 10`,
	}
	if diff := cmp.Diff(strings.Join(wantProblems, "\n"), ps.Error()); diff != "" || ps.HasErrors() {
		t.Error(diff)
	}
}

func TestSession(t *testing.T) {
	cases := map[string]SessionConfig{
		"intents: [a]": {60, true},
		"session_config: {session_expiration_time: 0.5}":           {0.5, true},
		"session_config: {session_expiration_time: null}":          {60, true},
		"session_config: {carry_over_slots_to_new_session: false}": {60, false},
		"session_config: {carry_over_slots_to_new_session: null}":  {60, false},
	}
	for text, want := range cases {
		if d, _ := parseGood(t, text); d.Session != want {
			t.Errorf("%s: got %+v", text, d.Session)
		}
	}
}

func TestAsMap(t *testing.T) {
	d, _ := parseGood(t, `
version: "3.0"
slots: {}
intents: [zeta, {alpha: {use_entities: false}}]
forms: {f: {}}
note: kept
empty: null
`)
	want := `{"version": "3.0", "intents": [{"alpha": {"use_entities": []}}, "zeta"], "forms": {"f": {"required_slots": {}}}, ` +
		`"note": "kept", "session_config": {"session_expiration_time": 60, "carry_over_slots_to_new_session": true}}`
	if diff := cmp.Diff(want, string(value.Encode(d.AsMap(), 0))); diff != "" {
		t.Error(diff)
	}
}

// TestMergedFolder merges three files: what comes first counts, what comes later is listed first.
func TestMergedFolder(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.yml", `
intents: [a, {both: {use_entities: []}}]
responses: {utter_b: [{text: from a}], utter_a: [{text: a}]}
forms: {form: {required_slots: []}}
`)
	write(t, dir, "b.yml", `
intents: [both, b]
actions: [form, action_b]
responses: {utter_b: [{text: from b}], utter_c: [{text: c}]}
session_config: {session_expiration_time: 5}
`)
	write(t, dir, "sub/c.yml", "entities: [c]\nsession_config: {session_expiration_time: 7}\n")
	write(t, dir, "config.yml", "pipeline: []\n")
	write(t, dir, "broken.yml", "a: [\n")
	d, ps := LoadDomain(dir)
	if d == nil {
		t.Fatal(ps)
	}
	want := `{"intents": ["a", "b", {"both": {"use_entities": []}}], ` +
		`"responses": {"utter_b": [{"text": "from a"}], "utter_c": [{"text": "c"}], "utter_a": [{"text": "a"}]}, ` +
		`"forms": {"form": {"required_slots": []}}, "session_config": {"session_expiration_time": 5}, "entities": ["c"], ` +
		`"actions": ["action_b"], "version": "3.1"}`
	if diff := cmp.Diff(want, string(value.Encode(d.AsMap(), 0))); diff != "" {
		t.Error(diff)
	}
	wantProblems := `warning b.yml:1:11: "both" of intents is also at a.yml:1:14, which counts
warning b.yml:3:22: "utter_b" of responses is also at a.yml:2:22, which counts
warning broken.yml:2:1: did not find expected node content; the file is not taken into the domain
`
	if diff := cmp.Diff(wantProblems, listProblems(ps, dir)); diff != "" {
		t.Error(diff)
	}
}

// write makes a file with its folders.
func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.TrimPrefix(text, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestVersions(t *testing.T) {
	cases := []struct{ version, warning, intents string }{
		{`"3.1"`, "", "a"}, {`"3.0"`, `version "3.0" is older`, "a"}, {`"2.0"`, `version "2.0" is older`, "a"},
		{`"3.2"`, "the file is skipped", ""}, {`"abc"`, "is no version", "a"}, {`"3.1.0"`, "", "a"},
		{`"3.1rc1"`, "is older", "a"}, {`"3.1.post1"`, "the file is skipped", ""}, {`""`, "", "a"},
	}
	for _, c := range cases {
		t.Run(c.version, func(t *testing.T) {
			d, ps := parseGood(t, "version: "+c.version+"\nintents: [a]\n")
			if (c.warning == "") != (len(ps) == 0) || !strings.Contains(ps.Error(), c.warning) {
				t.Errorf("got %v, want %q", ps, c.warning)
			}
			if _, ok := d.Intent("a"); ok != (c.intents == "a") {
				t.Errorf("intent a: %v", ok)
			}
		})
	}
}

func TestVariations(t *testing.T) {
	d, _ := parseGood(t, `
responses:
  utter_a:
    - text: hi
      id: "1"
      channel: slack
      condition: [{type: slot, name: vip, value: true}]
      buttons: [{title: Go, payload: /go, extra: 1}]
      metadata: [1]
`)
	r, _ := d.Response("utter_a")
	v := r.Variations[0]
	if v.Channel != "slack" || v.ID != "1" || v.Pos != (Pos{"domain.yml", 4, 7}) {
		t.Errorf("got %+v", v)
	}
	if diff := cmp.Diff([]ResponseCondition{{"slot", "vip", true}}, v.Conditions); diff != "" {
		t.Error(diff)
	}
	want := `{"text": "hi", "buttons": [{"title": "Go", "payload": "/go", "extra": 1}], "metadata": [1]}`
	if diff := cmp.Diff(want, string(value.Encode(v.Fields, 0))); diff != "" {
		t.Error(diff)
	}
}

func TestCheckDomain(t *testing.T) {
	d, _ := parseGood(t, `
intents: [greet, {go: {triggers: action_listen}}]
forms:
  order_form: {required_slots: [size, colour]}
  empty_form: {required_slots: []}
slots:
  size:
    type: text
    mappings:
      - {type: from_text, conditions: [{active_loop: order_from}, {active_loop: null}, {active_loop: order_form}]}
  note:
    type: text
    mappings:
      - {type: from_text, conditions: [{active_loop: order_form}]}
      - {type: from_trigger_intent, value: x, conditions: [{active_loop: order_form}]}
      - {type: from_text, conditions: [{active_loop: empty_form}]}
`)
	var ps Problems
	d.Check(&ps)
	want := `domain.yml:4:39: form "order_form" asks for slot "colour", which the domain does not have; known are size, note, requested_slot, session_started_metadata
domain.yml:10:9: a mapping of slot "size" has a condition on form "order_from", which the domain does not have; did you mean "order_form"?
domain.yml:14:9: a mapping of slot "note" has a condition on form "order_form", whose required_slots lack the slot
domain.yml:2:19: intent "go" triggers an action, which was the way of Rasa 1; write a rule instead`
	if diff := cmp.Diff(want, ps.Error()); diff != "" {
		t.Error(diff)
	}
	if d.IsEmpty() || !EmptyDomain().IsEmpty() {
		t.Error("emptiness is wrong")
	}
}
