package tracker

import (
	"strings"
	"testing"

	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

func testFactory(t testing.TB) *Factory {
	t.Helper()
	d, problems := project.ParseDomain([]byte(`
intents: [greet]
actions: [action_a, action_b]
forms:
  f: {required_slots: [name]}
slots:
  name: {type: text, mappings: [{type: from_text}]}
  tags: {type: list, mappings: [{type: custom}]}
  open: {type: bool, initial_value: true, mappings: [{type: custom}]}
`), "domain.yml")
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return NewFactory(d)
}

// play turns a line of words into events: "listen", "act NAME", "say INTENT", "set SLOT", "loop NAME|-", "undo",
// "rewind", "reject NAME", "restart", "start" (a session), "follow NAME", "pause", "reset".
func play(t testing.TB, tr *Tracker, script string) {
	t.Helper()
	for _, line := range strings.Split(script, ";") {
		word, arg, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "listen":
			tr.Update(&ActionExecuted{Name: ActionListen})
		case "act":
			tr.Update(&ActionExecuted{Name: arg})
		case "say":
			tr.Update(NewUserUttered("text of "+arg, value.NewMap("intent", value.NewMap("name", arg)), "rest", "", nil))
		case "set":
			name, v, _ := strings.Cut(arg, "=")
			tr.Update(&SlotSet{Key: name, Value: v})
		case "loop":
			tr.Update(&ActiveLoop{Name: strings.TrimPrefix(arg, "-")})
		case "undo":
			tr.Update(&ActionReverted{})
		case "rewind":
			tr.Update(&UserUtteranceReverted{})
		case "reject":
			tr.Update(&ActionExecutionRejected{Name: arg})
		case "restart":
			tr.Update(&Restarted{})
		case "start":
			tr.Update(&ActionExecuted{Name: ActionSessionStart})
			tr.Update(&SessionStarted{})
		case "follow":
			tr.Update(&FollowupAction{Name: arg})
		case "pause":
			tr.Update(&ConversationPaused{})
		case "reset":
			tr.Update(&AllSlotsReset{})
		default:
			t.Fatalf("unknown word %q", word)
		}
	}
}

// applied writes the history as words, in order.
func applied(tr *Tracker) string {
	var words []string
	for _, e := range tr.AppliedEvents() {
		switch e := e.(type) {
		case *ActionExecuted:
			words = append(words, e.Name)
		case *UserUttered:
			words = append(words, "user:"+e.IntentName())
		case *SlotSet:
			words = append(words, e.Key+"="+value.Str(e.Value))
		default:
			words = append(words, e.Type())
		}
	}
	return strings.Join(words, " ")
}

// The expected histories are what applied_events of Rasa 3.6.21 returns for the same events.
func TestAppliedEvents(t *testing.T) {
	for name, c := range map[string]struct{ script, want string }{
		"plain":             {"listen; say hi; act action_a; listen", "action_listen user:hi action_a action_listen"},
		"session start":     {"listen; say hi; start; listen", "action_listen"},
		"undo":              {"listen; say hi; act action_a; set name=x; undo", "action_listen user:hi"},
		"undo of nothing":   {"undo", ""},
		"rewind":            {"listen; say hi; act action_a; listen; say no; act action_b; rewind", "action_listen user:hi action_a"},
		"rewind of nothing": {"set name=x; rewind", ""},
		"happy loop": {
			"listen; say hi; act f; loop f; set requested_slot=name; listen; say a; set name=a; act f; loop -; act action_a",
			"action_listen user:hi f active_loop requested_slot=name name=a active_loop action_a",
		},
		"second answer folds into the first": {
			"listen; say hi; act f; loop f; listen; say a; act f; listen; say b; act f; listen",
			"action_listen user:hi f active_loop action_listen",
		},
		"rejected loop counts again": {
			"listen; say hi; act f; loop f; listen; say a; reject f; act action_a; act f; listen",
			"action_listen user:hi f active_loop action_listen user:a action_execution_rejected action_a f action_listen",
		},
		"other action after the message": {
			"listen; say hi; act f; loop f; listen; say a; act action_a; act f; listen",
			"action_listen user:hi f active_loop action_listen user:a action_a f action_listen",
		},
		"a failed start before the loop is known": {
			"listen; say hi; act f; listen; say hi; act f; loop f; listen",
			"action_listen user:hi f active_loop action_listen",
		},
	} {
		t.Run(name, func(t *testing.T) {
			tr := testFactory(t).New("me")
			play(t, tr, c.script)
			if got := applied(tr); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestState(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		want   func(*Tracker) bool
	}{
		"a new one follows up with listen": {"pause", func(t *Tracker) bool { return t.State().Followup == ActionListen && t.State().Paused }},
		"a message clears the followup":    {"follow action_a; say hi", func(t *Tracker) bool { return t.State().Followup == "" }},
		"restart follows up with a session": {"set name=x; restart", func(t *Tracker) bool {
			return t.State().Followup == ActionSessionStart && t.Slot("name") == nil
		}},
		"a session start resets":       {"set name=x; pause; start", func(t *Tracker) bool { return t.Slot("name") == nil && !t.State().Paused }},
		"rewind takes slots back":      {"listen; say hi; set name=x; act action_a; rewind", func(t *Tracker) bool { return t.Slot("name") == nil }},
		"rewind of all gives followup": {"listen; say hi; rewind", func(t *Tracker) bool { return t.State().Followup == ActionListen }},
		"a list slot holds a list":     {"set tags=x", func(t *Tracker) bool { return value.Equal(t.Slot("tags"), []any{"x"}) }},
		"reset brings initial values":  {"set open=no; reset", func(t *Tracker) bool { return t.Slot("open") == true }},
		"an unknown slot is ignored":   {"set nope=x", func(t *Tracker) bool { return t.Slot("nope") == nil && !t.HasSlot("nope") }},
		"rejection marks the loop":     {"loop f; reject f", func(t *Tracker) bool { return t.State().Loop.Rejected }},
		"running again clears it":      {"loop f; reject f; act f", func(t *Tracker) bool { return !t.State().Loop.Rejected }},
		"another action does not":      {"loop f; reject f; act action_a", func(t *Tracker) bool { return t.State().Loop.Rejected }},
		"the loop knows its trigger": {"say hi; loop f; say no", func(t *Tracker) bool {
			return t.State().Loop.Trigger.Map("intent").String("name") == "hi"
		}},
	} {
		t.Run(name, func(t *testing.T) {
			tr := testFactory(t).New("me")
			play(t, tr, c.script)
			if !c.want(tr) {
				t.Errorf("state %+v", *tr.State())
			}
		})
	}
}

func TestFeaturizationAndAddedEntitiesLeaveTheEventAlone(t *testing.T) {
	tr := testFactory(t).New("me")
	play(t, tr, "listen; say hi")
	said := tr.State().LatestMessage
	tr.Update(&EntitiesAdded{Entities: []any{value.NewMap("entity", "city", "value", "Rome")}})
	tr.Update(&DefinePrevUserUtteredFeaturization{UseText: true})
	now := tr.State().LatestMessage
	if len(said.Entities) != 0 || said.TextFeaturization != FeaturizeBoth {
		t.Error("the stored event was changed")
	}
	if len(now.Entities) != 1 || now.TextFeaturization != FeaturizeText {
		t.Errorf("the latest message did not get them: %+v", now)
	}
	for v := range tr.LatestEntityValues("city", "", "") {
		if v != "Rome" {
			t.Errorf("got %v", v)
		}
	}
}

func TestStamp(t *testing.T) {
	tr := testFactory(t).New("me")
	tr.Stamp(value.NewMap("model_id", "m1", "assistant_id", "a"))
	own := &BotUttered{Base: Base{Metadata: value.NewMap("utter_action", "u", "model_id", "m0")}}
	before := own.Metadata
	tr.Update(own)
	tr.Update(&ActionExecuted{Name: "action_a"})
	if got := value.Repr(own.Metadata); got != "{'utter_action': 'u', 'model_id': 'm0', 'assistant_id': 'a'}" {
		t.Errorf("got %s", got)
	}
	if before.Has("assistant_id") {
		t.Error("the shared metadata was changed")
	}
	if tr.Events()[1].Meta().Metadata.String("model_id") != "m1" {
		t.Error("an event without metadata got no stamp")
	}
}

func TestLastSessionAndBefore(t *testing.T) {
	f := testFactory(t)
	tr := f.New("me")
	play(t, tr, "start; listen; say hi; set name=x; start; listen; say no")
	for i, e := range tr.Events() {
		e.Meta().Timestamp = float64(i)
	}
	if last := tr.LastSession(); len(last.Events()) != 4 || last.LastSession() != last {
		t.Errorf("the last session has %d events", len(tr.LastSession().Events()))
	}
	if then := tr.Before(4); then.Slot("name") != "x" || len(then.Events()) != 5 {
		t.Errorf("at 4 the conversation had %d events, name %v", len(then.Events()), then.Slot("name"))
	}
	play(t, tr, "restart; listen")
	if n := len(tr.AfterRestart()); n != 1 {
		t.Errorf("%d events after the restart", n)
	}
}

func TestForkIsIndependent(t *testing.T) {
	tr := testFactory(t).New("me")
	play(t, tr, "listen; say hi; loop f")
	a, b := tr.Fork(), tr.Fork()
	play(t, a, "act action_a; set name=a; loop g")
	play(t, b, "act action_b; set name=b")
	if a.Slot("name") != "a" || b.Slot("name") != "b" || tr.Slot("name") != nil {
		t.Error("the slots of forks are not their own")
	}
	if got := applied(b); got != "action_listen user:hi active_loop action_b name=b" {
		t.Errorf("got %s", got)
	}
	if len(tr.Events()) != 3 {
		t.Errorf("the original has %d events", len(tr.Events()))
	}
}

func TestMemo(t *testing.T) {
	tr := testFactory(t).New("me")
	play(t, tr, "listen")
	a, k1, k2 := tr.Applied(), new(int), new(int)
	a.SetMemo(k1, "one")
	a.SetMemo(k2, "two")
	a.SetMemo(k1, "three")
	if a.Memo(k1) != "three" || a.Memo(k2) != "two" || a.Memo(new(int)) != nil {
		t.Errorf("got %v, %v", a.Memo(k1), a.Memo(k2))
	}
	a.ClearMemos()
	if a.Memo(k1) != nil {
		t.Error("a cleared memo is still there")
	}
}

func BenchmarkTurn(b *testing.B) {
	tr := testFactory(b).New("me")
	parse := value.NewMap("intent", value.NewMap("name", "greet", "confidence", 1.0), "entities", []any{})
	b.ReportAllocs()
	for b.Loop() {
		tr.Update(NewUserUttered("/greet", parse, "rest", "id", nil))
		tr.Update(&ActionExecuted{Name: "action_a", Policy: "RulePolicy", Confidence: 1})
		tr.Update(&BotUttered{Text: "hello"})
		tr.Update(&ActionExecuted{Name: ActionListen, Policy: "RulePolicy", Confidence: 1})
	}
}
