package neural_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/dialogue/policy"
	"github.com/parleybot/parley/dialogue/policy/state"
)

// TestConcurrentPredictions: predictions do not mix, whether they are remembered or not.
func TestConcurrentPredictions(t *testing.T) {
	r := readRecording(t, "testdata/e2e.tar.gz")
	for name := range r.Policies {
		p := r.load(t, name)
		var wg sync.WaitGroup
		for w := range 4 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for i := range r.Conversations {
					i = (i + 7*w) % len(r.Conversations)
					got, err := p.Predict(context.Background(), r.tracker(t, i))
					assert.NoError(t, err)
					assert.InDeltaSlice(t, r.Conversations[i].Predictions[name].Probabilities, got.Probabilities, 2e-6)
				}
			}()
		}
		wg.Wait()
	}
}

// TestBound: predictions stay within what was promised.
func TestBound(t *testing.T) {
	for _, file := range []string{"testdata/plain.tar.gz", "testdata/e2e.tar.gz"} {
		r := readRecording(t, file)
		for name := range r.Policies {
			p := r.load(t, name)
			for i := range r.Conversations {
				x := r.tracker(t, i)
				b := p.(policy.Bounded).Bound(x)
				got, err := p.Predict(context.Background(), x)
				require.NoError(t, err)
				assert.LessOrEqual(t, got.MaxConfidence(), b.Confidence)
				assert.True(t, b.EndToEnd || !got.EndToEnd)
				assert.False(t, got.NoUser)
				assert.Empty(t, got.Events)
			}
		}
	}
}

// TestWindow: what a policy asks the History to keep is what it looks at.
func TestWindow(t *testing.T) {
	r := readRecording(t, "testdata/plain.tar.gz")
	for name, want := range map[string]int{"TEDPolicy1": 4, "UnexpecTEDIntentPolicy2": 5, "TEDPolicy3": state.Everything, "TEDPolicy4": state.Everything} {
		assert.Equal(t, want, r.load(t, name).Window(), name)
	}
}

func BenchmarkPredict(b *testing.B) {
	r := readRecording(b, "testdata/plain.tar.gz")
	for _, name := range []string{"TEDPolicy3", "UnexpecTEDIntentPolicy2"} {
		b.Run(name, func(b *testing.B) {
			p := r.load(b, name)
			x := r.tracker(b, 1)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Predict(context.Background(), x); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
