package policy

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestOpen: who is not asked could not have changed the outcome.
func TestOpen(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	confidences := []float64{0, 0.3, 0.9, 1}
	skipped := 0
	for range 20000 {
		n := 2 + r.IntN(4)
		all := make([]Prediction, n)
		bounded := make([]bool, n)
		bounds := make([]Bound, n)
		for i := range all {
			c := confidences[r.IntN(len(confidences))]
			all[i] = Prediction{Policy: string(rune('a' + i)), Priority: r.IntN(3), Probabilities: []float64{c, 0.1}}
			if bounded[i] = r.IntN(2) == 0; bounded[i] {
				bounds[i] = Bound{Confidence: 1, EndToEnd: r.IntN(3) == 0}
				all[i].EndToEnd = bounds[i].EndToEnd && r.IntN(2) == 0
			} else {
				all[i].NoUser, all[i].EndToEnd = r.IntN(6) == 0, r.IntN(6) == 0
			}
		}
		c := contest{votes: make([]Prediction, n), asked: make([]bool, n), rejected: -1}
		for _, second := range []bool{false, true} {
			for i := range all {
				if bounded[i] == second && (!second || c.open(bounds[i], all[i].Priority, i)) {
					c.votes[i], c.asked[i] = all[i], true
				}
			}
		}
		var asked []Prediction
		for i := range all {
			if c.asked[i] {
				asked = append(asked, all[i])
			} else {
				skipped++
			}
		}
		want := all[pick(all)]
		if best := pick(asked); best < 0 || asked[best].Policy != want.Policy {
			t.Fatalf("of %+v, asked %v: %d wins", all, c.asked, best)
		}
	}
	if skipped < 1000 {
		t.Errorf("only %d were not asked", skipped)
	}
}

func TestOpenAfterRejection(t *testing.T) {
	c := contest{votes: []Prediction{{Priority: 5, Probabilities: []float64{1, 0.2}}}, asked: []bool{true}, rejected: 0}
	got := []bool{c.open(Bound{Confidence: 1}, 1, 1)}
	c.rejected = 1
	got = append(got, c.open(Bound{Confidence: 1}, 1, 1))
	if diff := cmp.Diff([]bool{true, false}, got); diff != "" {
		t.Error(diff)
	}
}
