package policy_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/parleybot/parley/dialogue/policy"
	"github.com/parleybot/parley/dialogue/policy/training"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
)

func userSays(intent string) *tracker.UserUttered {
	return tracker.NewUserUttered("/"+intent, value.NewMap("intent", value.NewMap("name", intent, "confidence", 1.0)), "rest", "", nil)
}

// turnsOf plays turns of a message, the predicted action and action_listen.
func turnsOf(b testing.TB, e *policy.Ensemble, tr *tracker.Tracker, names []string, n int, intents ...string) {
	for i := range n {
		tr.Update(userSays(intents[i%len(intents)]))
		for range 10 {
			p, err := e.Predict(context.Background(), tr)
			if err != nil {
				b.Fatal(err)
			}
			for _, ev := range p.Events {
				tr.Update(ev)
			}
			best, c := p.Max()
			tr.Update(&tracker.ActionExecuted{Name: names[best], Policy: p.Policy, Confidence: c, HideRuleTurn: p.HideRuleTurn})
			if names[best] == tracker.ActionListen {
				break
			}
		}
	}
}

// BenchmarkPredict takes a conversation of some turns and predicts over a whole further turn.
func BenchmarkPredict(b *testing.B) {
	p := loadBot(b, conformance+"bots/12_shop")
	e := trained(b, p)
	names := p.Domain.ActionNames()
	for _, n := range []int{10, 5000} {
		b.Run(fmt.Sprintf("turn=%d", n), func(b *testing.B) {
			tr := tracker.NewFactory(p.Domain).New("x")
			tr.Update(&tracker.ActionExecuted{Name: tracker.ActionListen, Confidence: tracker.NoConfidence})
			turnsOf(b, e, tr, names, n, "greet", "basket", "search", "thanks")
			tr.Update(userSays("basket"))
			b.ReportAllocs()
			for b.Loop() {
				c := tr.Snapshot()
				c.Update(&tracker.BotUttered{NoText: true}) // a new end of the history: nothing of it is known yet
				if _, err := e.Predict(context.Background(), c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkTrain(b *testing.B) {
	p := loadBot(b, conformance+"bots/12_shop")
	for b.Loop() {
		training.Generate(p.Domain, p.Stories, training.Options{})
		trained(b, p)
	}
}
