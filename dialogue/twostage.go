package dialogue

import (
	"context"
	"slices"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
)

// twoStageFallback asks the user to affirm a doubtful intent, then to rephrase, then gives up
// (rasa/core/actions/two_stage_fallback.py, 3.6.21).
type twoStageFallback struct{}

func (twoStageFallback) name() string { return actionTwoStage }

func (a twoStageFallback) run(ctx context.Context, tn *turn, t *tracker.Tracker) ([]tracker.Event, error) {
	var events []tracker.Event
	active := t.State().LoopName() == actionTwoStage
	if !active {
		events = append(events, &tracker.ActiveLoop{Base: tn.now(), Name: actionTwoStage})
	}
	intent := t.State().LatestMessage.IntentName()
	gaveUp := twoFallbacks(t) || secondAffirmationFailed(t)
	if gaveUp || intent != intentNLUFallback && intent != intentOutOfScope {
		events = append(events, &tracker.ActiveLoop{Base: tn.now()})
		more, err := a.end(ctx, tn, t, gaveUp)
		return append(events, more...), err
	}
	ask := actionAskRephrase
	if !active || intent == intentNLUFallback {
		ask = actionAskAffirmation
	}
	asked, err := tn.runNamed(ctx, ask, t)
	return append(events, asked...), err
}

// end gives up, or puts the clarified message in place of the fallback.
func (twoStageFallback) end(ctx context.Context, tn *turn, t *tracker.Tracker, gaveUp bool) ([]tracker.Event, error) {
	if gaveUp {
		return tn.runNamed(ctx, actionDefaultFallback, t)
	}
	clarified := t.State().LatestMessage.Again()
	clarified.Intent = clarified.Intent.Clone().Set("confidence", 1.0)
	clarified.ParseData = clarified.ParseData.Clone().Set("intent", clarified.Intent)
	clarified.Timestamp = tn.env.Now()
	return append(rewind(tn),
		&tracker.ActionExecuted{Base: tn.now(), Name: tracker.ActionListen, Confidence: tracker.NoConfidence},
		clarified,
	), nil
}

// lastIntents returns the intents of the last n messages or rewinds since the last restart, latest first; rewinds have
// none and are left out.
func lastIntents(t *tracker.Tracker, n int) []any {
	var intents []any
	events := t.AfterRestart()
	for i := len(events) - 1; i >= 0 && n > 0; i-- {
		switch e := events[i].(type) {
		case *tracker.UserUttered:
			intents = append(intents, e.Intent.Value("name"))
			n--
		case *tracker.UserUtteranceReverted:
			n--
		}
	}
	return intents
}

func twoFallbacks(t *tracker.Tracker) bool {
	return slices.EqualFunc(lastIntents(t, 2), []any{intentNLUFallback, intentNLUFallback}, value.Equal)
}

func secondAffirmationFailed(t *tracker.Tracker) bool {
	want := []any{intentOutOfScope, intentNLUFallback, intentOutOfScope}
	return slices.EqualFunc(lastIntents(t, len(want)), want, value.Equal)
}
