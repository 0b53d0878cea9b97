package policy_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue/policy"
	"github.com/parleybot/parley/dialogue/policy/rule"
	_ "github.com/parleybot/parley/dialogue/policy/ted"
	"github.com/parleybot/parley/dialogue/policy/training"
	_ "github.com/parleybot/parley/dialogue/policy/unexpected"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

const testDomain = `
version: "3.1"
intents: [greet, order, bye, ask, nlu_fallback]
entities: [dish]
slots:
  vegan: {type: bool, mappings: [{type: custom}]}
  dish: {type: text, influence_conversation: false, mappings: [{type: from_entity, entity: dish}]}
responses:
  utter_hi: [{text: hi}]
  utter_bye: [{text: bye}]
  utter_green: [{text: green}]
  utter_why: [{text: why}]
actions: [action_cook]
forms:
  order_form: {required_slots: [dish]}
`

const testRules = `
rules:
- rule: say hi
  steps: [{intent: greet}, {action: utter_hi}]
- rule: say hi to vegans
  condition: [{slot_was_set: [{vegan: true}]}]
  steps: [{intent: greet}, {action: utter_green}]
- rule: begin to order
  steps: [{intent: order}, {action: order_form}, {active_loop: order_form}]
- rule: cook
  condition: [{active_loop: order_form}]
  steps: [{action: order_form}, {active_loop: null}, {action: action_cook}]
- rule: answer in the form
  condition: [{active_loop: order_form}]
  steps: [{intent: ask}, {action: utter_why}, {action: order_form}, {active_loop: order_form}]
- rule: bye at the start
  conversation_start: true
  steps: [{intent: bye}, {action: utter_bye}]
`

const testStories = `
stories:
- story: leave early
  steps: [{intent: greet}, {action: utter_hi}, {intent: bye}, {action: utter_bye}, {intent: ask}, {action: action_cook}]
`

// parsed reads a project from its parts.
func parsed(t testing.TB, policies string, parts ...string) *project.Project {
	t.Helper()
	text := "recipe: default.v1\nlanguage: en\nassistant_id: x\npipeline: []\n" + policies + strings.Join(parts, "")
	p, err := project.Parse([]byte(text), "bot.yml")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// events is a conversation in short: "/intent" a message, "name=value" a slot, "+loop" and "-" a loop, "!name" a
// rejection, else an action.
func events(words ...string) []tracker.Event {
	var out []tracker.Event
	for _, w := range words {
		name, v, isSlot := strings.Cut(w, "=")
		switch {
		case w[0] == '/':
			out = append(out, userSays(w[1:]))
		case isSlot:
			out = append(out, &tracker.SlotSet{Key: name, Value: v})
		case w[0] == '+':
			out = append(out, &tracker.ActiveLoop{Name: w[1:]})
		case w == "-":
			out = append(out, &tracker.ActiveLoop{})
		case w[0] == '!':
			out = append(out, &tracker.ActionExecutionRejected{Name: w[1:]})
		case w == "listen":
			out = append(out, &tracker.ActionExecuted{Name: tracker.ActionListen})
		default:
			out = append(out, &tracker.ActionExecuted{Name: w})
		}
	}
	return out
}

const threePolicies = "policies:\n- name: MemoizationPolicy\n- name: AugmentedMemoizationPolicy\n  max_history: 3\n  priority: 2\n- name: RulePolicy\n"

func TestPredict(t *testing.T) {
	p := parsed(t, threePolicies, testDomain, testRules, testStories)
	ensemble := trained(t, p)
	cases := []struct {
		name, events         string
		action, policy, kind string
		hidden, noUser       bool
		source, eventTypes   string
	}{
		{"rule", "listen /greet", "utter_hi", "RulePolicy", "rule", false, false, "rule 'say hi' (bot.yml:", "user_featurization"},
		{"longer rule", "listen vegan=true /greet", "utter_green", "RulePolicy", "rule", true, false, "rule 'say hi to vegans' (bot.yml:", "user_featurization"},
		{"rule for the start", "listen /bye", "utter_bye", "RulePolicy", "rule", true, false, "rule 'bye at the start' (bot.yml:", "user_featurization"},
		{"story", "listen /greet utter_hi listen /bye", "utter_bye", "MemoizationPolicy", "story", false, false, "story 'leave early' (bot.yml:", "user_featurization"},
		{"shortened story", "listen /ask utter_why listen /greet utter_hi listen /bye", "utter_bye", "AugmentedMemoizationPolicy", "story", false, false, "story 'leave early' (bot.yml:", "user_featurization"},
		{"nothing", "listen /ask", "action_default_fallback", "RulePolicy", "fallback", false, false, "", "user_featurization"},
		{"default action", "listen /back", "action_back", "RulePolicy", "default_action", true, false, "predicting default action with intent back", "user_featurization"},
		{"loop", "listen /order order_form +order_form listen /greet", "order_form", "RulePolicy", "loop", true, true, "handling active loops and forms - order_form", "user_featurization"},
		{"listen after loop", "listen /order order_form +order_form", "action_listen", "RulePolicy", "loop", true, true, "handling active loops and forms - order_form - action_listen", ""},
		{"end of loop", "listen /order order_form +order_form listen /ask order_form -", "action_cook", "RulePolicy", "rule", true, false, "rule 'cook' (bot.yml:", ""},
		{"unhappy path", "listen /order order_form +order_form listen /ask !order_form", "utter_why", "RulePolicy", "rule", true, false, "rule 'answer in the form' (bot.yml:", "user_featurization"},
		{"general rule in a loop", "listen /order order_form +order_form listen /greet !order_form", "utter_hi", "RulePolicy", "rule", false, false, "rule 'say hi' (bot.yml:", "user_featurization"},
		{"back to the loop", "listen /order order_form +order_form listen /greet !order_form utter_hi", "order_form", "RulePolicy", "rule", false, false, "rule 'say hi' (bot.yml:", ""},
		{"rejected action", "listen /greet !utter_hi", "action_default_fallback", "RulePolicy", "rule", false, false, "", "user_featurization"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			tr := tracker.NewFactory(p.Domain).FromEvents("x", events(strings.Fields(c.events)...))
			got, err := ensemble.Predict(context.Background(), tr)
			if err != nil {
				t.Fatal(err)
			}
			i, _ := got.Max()
			if action := p.Domain.ActionNames()[i]; action != c.action || got.Policy != c.policy || got.Reason.Kind != c.kind {
				t.Errorf("predicted %s by %s (%+v), want %s by %s", action, got.Policy, got.Reason, c.action, c.policy)
			}
			if got.HideRuleTurn != c.hidden || got.NoUser != c.noUser {
				t.Errorf("hidden %v, no user %v", got.HideRuleTurn, got.NoUser)
			}
			if !strings.HasPrefix(got.Reason.Source, c.source) {
				t.Errorf("source is %q, want %q", got.Reason.Source, c.source)
			}
			var types []string
			for _, e := range got.Events {
				types = append(types, e.Type())
			}
			if strings.Join(types, " ") != c.eventTypes {
				t.Errorf("events are %v, want %s", types, c.eventTypes)
			}
		})
	}
}

func TestVotesAreOfAllPolicies(t *testing.T) {
	p := parsed(t, threePolicies, testDomain, testRules, testStories)
	tr := tracker.NewFactory(p.Domain).FromEvents("x", events("listen", "/greet", "!utter_hi"))
	_, votes, err := trained(t, p).Votes(context.Background(), tr)
	if err != nil || len(votes) != 3 {
		t.Fatalf("%d votes, err %v", len(votes), err)
	}
	i, _ := p.Domain.ActionIndex("utter_hi")
	for _, v := range votes {
		if v.Probabilities[i] != 0 {
			t.Errorf("%s still scores the rejected action %v", v.Policy, v.Probabilities[i])
		}
	}
	again, err := trained(t, p).Predict(context.Background(), tracker.NewFactory(p.Domain).FromEvents("x", events("listen", "/greet")))
	if err != nil || again.Probabilities[i] != 1 {
		t.Errorf("the rejection leaked into a later prediction: %v, err %v", again.Probabilities[i], err)
	}
}

func TestTrainErrors(t *testing.T) {
	const only = "policies:\n- name: RulePolicy\n"
	cases := []struct{ name, policies, rules, want string }{
		{"contradicting rules", only, `
rules:
- rule: a
  steps: [{intent: greet}, {action: utter_hi}]
- rule: b
  steps: [{intent: greet}, {action: utter_bye}]
`, "- the prediction of the action 'utter_hi' in rule 'a' (bot.yml:28) is contradicting with rule(s) 'b' (bot.yml:30)."},
		{"rule against story", only, `
rules:
- rule: a
  steps: [{intent: greet}, {action: utter_bye}]
` + testStories, "- the prediction of the action 'utter_hi' in story 'leave early' (bot.yml:31) is contradicting with rule(s) 'a' " +
			"(bot.yml:28) which predicted action 'utter_bye'."},
		{"two messages", only, `
rules:
- rule: a
  steps: [{intent: greet}, {action: utter_hi}, {intent: bye}]
`, "Found rules 'a' (bot.yml:28) that contain more than 1 user message."},
		{"incomplete form rule", only, `
rules:
- rule: a
  steps: [{intent: greet}, {action: order_form}, {active_loop: order_form}]
- rule: b
  steps: [{intent: order}, {action: order_form}]
`, "- the form 'order_form' in rule 'b' (bot.yml:30) does not set the 'active_loop', that it sets in other rules: 'order_form'."},
		{"unset slot", only, `
rules:
- rule: a
  steps: [{intent: greet}, {action: action_cook}, {slot_was_set: [{vegan: true}]}]
- rule: b
  steps: [{intent: order}, {action: action_cook}]
`, "- the action 'action_cook' in rule 'b' (bot.yml:30) does not set some of the slots that it sets in other rules. " +
			"Slots not set in rule 'b': 'vegan'."},
		{"unknown fallback", "policies:\n- name: RulePolicy\n  core_fallback_action_name: action_shrug\n", testRules,
			"the fallback action 'action_shrug' which was configured for the RulePolicy must be present in the domain"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := parsed(t, c.policies, testDomain, c.rules)
			e, err := policy.NewEnsemble(p.Config, component.Env{})
			if err != nil {
				t.Fatal(err)
			}
			err = e.Train(context.Background(), training.Generate(p.Domain, p.Stories, training.Options{}))
			if err == nil || !strings.Contains(withoutLines(err.Error()), withoutLines(c.want)) {
				t.Fatalf("error is %v, want %s", err, c.want)
			}
			var invalid *rule.InvalidRuleError
			if strings.Contains(c.want, "rule") && !errors.As(err, &invalid) {
				t.Errorf("error is a %T", err)
			}
		})
	}
}

// withoutLines removes the numbers of lines: they change with the text around.
func withoutLines(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, s)
}

func TestPersistAndLoad(t *testing.T) {
	p := parsed(t, threePolicies, testDomain, testRules, testStories)
	before := trained(t, p)
	after, err := policy.NewEnsemble(p.Config, component.Env{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range before.Len() {
		var r component.MemoryResource
		if err := before.PersistPolicy(i, &r); err != nil {
			t.Fatal(err)
		}
		if err := after.LoadPolicy(i, p.Domain, &r); err != nil {
			t.Fatal(err)
		}
	}
	after.Connect(p.Domain)
	for _, words := range []string{"listen /greet", "listen /greet utter_hi listen /bye", "listen /order order_form +order_form listen /ask !order_form", "listen /bye"} {
		tr := tracker.NewFactory(p.Domain).FromEvents("x", events(strings.Fields(words)...))
		a, _, err := before.Votes(context.Background(), tr)
		if err != nil {
			t.Fatal(err)
		}
		b, _, err := after.Votes(context.Background(), tr)
		if err != nil || !slices.Equal(a.Probabilities, b.Probabilities) || a.Reason != b.Reason || a.HideRuleTurn != b.HideRuleTurn {
			t.Errorf("%s: loaded policies predict %+v, trained ones %+v, err %v", words, b.Reason, a.Reason, err)
		}
	}
}

// TestLoadRasasFiles reads a memoization policy with keys as Rasa compresses them.
func TestLoadRasasFiles(t *testing.T) {
	const policies = "policies:\n- name: MemoizationPolicy\n"
	p := parsed(t, policies, testDomain, testStories)
	e, err := policy.NewEnsemble(p.Config, component.Env{})
	if err != nil {
		t.Fatal(err)
	}
	// base64(zlib("[{}]")): action_listen at the start of a conversation.
	doc := value.NewMap("lookup", value.NewMap("eJyLrq6NBQAEOAGx", "action_cook"))
	var r component.MemoryResource
	if err := r.Put("memorized_turns.json", value.Encode(doc, value.JSON)); err != nil {
		t.Fatal(err)
	}
	if err := e.LoadPolicy(0, p.Domain, &r); err != nil {
		t.Fatal(err)
	}
	e.Connect(p.Domain)
	got, err := e.Predict(context.Background(), tracker.NewFactory(p.Domain).New("x"))
	if i, c := got.Max(); err != nil || p.Domain.ActionNames()[i] != "action_cook" || c != 1 {
		t.Errorf("predicted %d with %v, err %v", i, c, err)
	}
}

func TestConfiguration(t *testing.T) {
	cases := []struct{ name, policies, parts, want string }{
		{"misspelt", "policies:\n- name: RulePolcy\n", testDomain, `policy "RulePolcy" is not known; did you mean "RulePolicy"?`},
		{"removed", "policies:\n- name: RulePolicy\n- name: FormPolicy\n", testDomain, `policy "FormPolicy" is not available in this version`},
		{"unknown option", "policies:\n- name: RulePolicy\n  core_falback_threshold: 1\n", testDomain + testRules, `has no option "core_falback_threshold", it is ignored; did you mean "core_fallback_threshold"?`},
		{"same priority", "policies:\n- name: RulePolicy\n  priority: 3\n- name: MemoizationPolicy\n", testDomain + testRules, "Found policies 'RulePolicy', 'MemoizationPolicy' with same priority 3"},
		{"forms without rules", "policies:\n- name: MemoizationPolicy\n", testDomain + testStories, "You have defined a form action, but have not added the 'RulePolicy'"},
		{"rules nobody reads", "policies:\n- name: MemoizationPolicy\n", testDomain + testRules, "Found rule-based training data but no policy supporting rule-based data."},
		{"no rules", "policies:\n- name: RulePolicy\n", testDomain + testStories, "Found a rule-based policy in your configuration but no rule-based training data."},
		{"bad fallback", "policies:\n- name: RulePolicy\n  core_fallback_action_name: action_shrug\n", testDomain + testRules, "the fallback action 'action_shrug'"},
		{"all well", threePolicies, testDomain + testRules, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := parsed(t, c.policies, c.parts)
			ps := policy.Check(p.Config, p.Domain, p.Stories)
			if c.want == "" && len(ps) == 0 {
				return
			}
			if !slices.ContainsFunc(ps, func(p project.Problem) bool { return c.want != "" && strings.Contains(p.What, c.want) }) {
				t.Errorf("problems are %v, want %q", ps, c.want)
			}
		})
	}
}

func TestDefaultPolicies(t *testing.T) {
	p := parsed(t, "", testDomain, testRules)
	e, err := policy.NewEnsemble(p.Config, component.Env{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for i := range e.Len() {
		names = append(names, e.Name(i))
	}
	if !slices.Equal(names, []string{"MemoizationPolicy", "RulePolicy", "UnexpecTEDIntentPolicy", "TEDPolicy"}) {
		t.Errorf("policies are %v", names)
	}
}
