package policy_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue/policy"
	_ "github.com/parleybot/parley/dialogue/policy/memoization"
	_ "github.com/parleybot/parley/dialogue/policy/rule"
	"github.com/parleybot/parley/dialogue/policy/training"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

const conformance = "../../conformance/"

func loadBot(t testing.TB, dir string) *project.Project {
	t.Helper()
	domain := filepath.Join(dir, "domain.yml")
	if _, err := os.Stat(domain); err != nil {
		domain = filepath.Join(dir, "domain")
	}
	p, err := project.Load(project.LoadOptions{
		Domain: []string{domain}, Data: []string{filepath.Join(dir, "data")}, Config: filepath.Join(dir, "config.yml"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func trained(t testing.TB, p *project.Project) *policy.Ensemble {
	t.Helper()
	e, err := policy.NewEnsemble(p.Config, component.Env{})
	if err != nil {
		t.Fatal(err)
	}
	data := training.Generate(p.Domain, p.Stories, training.Options{})
	if err := e.Train(context.Background(), data); err != nil {
		t.Fatal(err)
	}
	return e
}

// TestRecordedPredictions predicts every action that Rasa predicted in the recorded conversations, with one tracker that
// goes on from event to event.
func TestRecordedPredictions(t *testing.T) {
	files, err := filepath.Glob(conformance + "recorded/*.jsonl.gz")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	for _, file := range files {
		bot := strings.TrimSuffix(filepath.Base(file), ".jsonl.gz")
		t.Run(bot, func(t *testing.T) {
			p := loadBot(t, conformance+"bots/"+bot)
			r := replayer{t: t, ensemble: trained(t, p), domain: p.Domain, factory: tracker.NewFactory(p.Domain)}
			eachLine(t, file, r.conversation)
			if r.checked == 0 {
				t.Error("no prediction was checked")
			}
			t.Logf("%d predictions", r.checked)
		})
	}
}

func eachLine(t *testing.T, file string, f func(*value.Map)) {
	t.Helper()
	in, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	z, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<26)
	for lines.Scan() {
		m, err := value.DecodeObject(lines.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		f(m)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
}

type replayer struct {
	t        *testing.T
	ensemble *policy.Ensemble
	domain   *project.Domain
	factory  *tracker.Factory
	checked  int
}

func (r *replayer) conversation(c *value.Map) {
	tr := r.factory.New(c.String("sender_id"))
	for i, turn := range c.List("turns") {
		turn := turn.(*value.Map)
		if value.Truthy(turn.Value("reset")) {
			tr = r.factory.New(c.String("sender_id"))
		}
		events := turn.List("events")
		for j := 0; j < len(events); j++ {
			e := events[j].(*value.Map)
			// Events that came through the API carry whatever policy the request named.
			if k := predictedAt(events, j); k >= 0 && !turn.Has("api") {
				r.check(tr, events[k].(*value.Map), c.String("name"), i)
				for ; j < k; j++ {
					tr.Update(r.event(events[j].(*value.Map)))
				}
				e = events[k].(*value.Map)
			}
			tr.Update(r.event(e))
		}
	}
	r.final(tr, c)
}

// predictedAt returns the index of the action that was predicted before event j, -1 when none was: the events that a
// prediction brings come before its action.
func predictedAt(events []any, j int) int {
	for k := j; k < len(events); k++ {
		e := events[k].(*value.Map)
		switch e.String("event") {
		case tracker.TypeFeaturization, tracker.TypeLoopInterrupted:
		case tracker.TypeAction, tracker.TypeActionRejected:
			if strings.HasSuffix(e.String("policy"), "Policy") {
				return k
			}
			return -1
		default:
			return -1
		}
	}
	return -1
}

func (r *replayer) event(m *value.Map) tracker.Event {
	m = m.Clone().Set("timestamp", 0.0).Set("date_time", "2030-01-01") // recordings have no times
	e, err := tracker.EventFromMap(m)
	if err != nil {
		r.t.Fatal(err)
	}
	return e
}

func (r *replayer) check(tr *tracker.Tracker, want *value.Map, name string, turn int) {
	if tr.State().Followup != "" {
		return
	}
	r.checked++
	p, err := r.ensemble.Predict(context.Background(), tr)
	if err != nil {
		r.t.Fatal(err)
	}
	i, c := p.Max()
	action := r.domain.ActionNames()[i]
	text := want.String("name")
	if text == "" {
		text = want.String("action_text")
	}
	hide, hasHide := want.Get("hide_rule_turn")
	if action != text || p.Policy != want.String("policy") || !value.Equal(c, want.Value("confidence")) ||
		hasHide && p.HideRuleTurn != hide {
		r.t.Errorf("%s, turn %d: predicted %s (%s %v, hidden %v), want %s\nreason %+v",
			name, turn, action, p.Policy, c, p.HideRuleTurn, value.Encode(want, value.JSON), p.Reason)
	}
}

// final compares the scores of the prediction after the conversation.
func (r *replayer) final(tr *tracker.Tracker, c *value.Map) {
	answer := c.Map("predict").Map("answer")
	if answer == nil || tr.State().Followup != "" {
		return
	}
	p, err := r.ensemble.Predict(context.Background(), tr)
	if err != nil {
		r.t.Fatal(err)
	}
	r.checked++
	for _, s := range answer.List("scores") {
		s := s.(*value.Map)
		i, _ := r.domain.ActionIndex(s.String("action"))
		if !value.Equal(p.Probabilities[i], s.Value("score")) {
			r.t.Errorf("%s: final score of %s is %v, want %v", c.String("name"), s.String("action"), p.Probabilities[i], s.Value("score"))
		}
	}
	if p.Policy != answer.String("policy") {
		r.t.Errorf("%s: final policy is %s, want %s", c.String("name"), p.Policy, answer.String("policy"))
	}
}
