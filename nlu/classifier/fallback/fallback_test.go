package fallback

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/parleybot/parley/nlu"
)

func TestProcess(t *testing.T) {
	c := &Classifier{Threshold: 0.5, AmbiguityThreshold: 0.1}
	sure, unsure := nlu.Prediction{Name: "a", Confidence: 0.5}, nlu.Prediction{Name: "a", Confidence: 0.49}
	near, far := nlu.Prediction{Name: "b", Confidence: 0.41}, nlu.Prediction{Name: "b", Confidence: 0.3}
	replaced := nlu.Prediction{Name: IntentName, Confidence: 0.5}
	cases := []struct {
		name        string
		predicted   nlu.Prediction
		ranking     []nlu.Prediction
		want        nlu.Prediction
		wantRanking []nlu.Prediction
	}{
		{"at the threshold", sure, nil, sure, nil},
		{"below", unsure, nil, replaced, []nlu.Prediction{replaced}},
		{"close second", sure, []nlu.Prediction{sure, near}, replaced, []nlu.Prediction{replaced, sure, near}},
		{"far second", sure, []nlu.Prediction{sure, far}, sure, []nlu.Prediction{sure, far}},
		{"one in the ranking", sure, []nlu.Prediction{sure}, sure, []nlu.Prediction{sure}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			m := nlu.NewMessage("x")
			m.Predicted, m.Ranking = &tc.predicted, tc.ranking
			if err := c.Process(context.Background(), m); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, *m.Predicted); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tc.wantRanking, m.Ranking); diff != "" {
				t.Error(diff)
			}
			if m.ParseData().Has("intent_ranking") {
				t.Error("the ranking is shown though no classifier did")
			}
		})
	}
}
