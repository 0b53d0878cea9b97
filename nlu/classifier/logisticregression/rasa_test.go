package logisticregression

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/parleybot/parley/component"
)

// TestLoadRasa predicts with estimators that scikit-learn trained (testdata/record.py).
func TestLoadRasa(t *testing.T) {
	data, err := os.ReadFile("testdata/predictions.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		File                string
		Rows, Probabilities [][]float64
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	for _, tc := range cases {
		t.Run(tc.File, func(t *testing.T) {
			data, err := os.ReadFile("testdata/" + tc.File)
			if err != nil {
				t.Fatal(err)
			}
			var r component.MemoryResource
			if err := r.Put("train_LogisticRegressionClassifier4.skops", data); err != nil {
				t.Fatal(err)
			}
			var c Classifier
			if err := c.LoadRasa(&r); err != nil {
				t.Fatal(err)
			}
			for i, row := range tc.Rows {
				got := c.model.predict([]int32{0, 1, 2, 3}, row)
				for k, want := range tc.Probabilities[i] {
					if math.Abs(got[k]-want) > 1e-12 {
						t.Errorf("row %d: %v, want %v", i, got, tc.Probabilities[i])
						break
					}
				}
			}
		})
	}
}

func TestLoadRasaWithoutAnEstimator(t *testing.T) {
	var r component.MemoryResource
	c := Classifier{model: &model{}}
	if err := c.LoadRasa(&r); err != nil || c.model != nil {
		t.Errorf("an empty resource gives %v, %v", c.model, err)
	}
	if err := r.Put("x.skops", []byte("no zip file")); err != nil {
		t.Fatal(err)
	}
	if err := c.LoadRasa(&r); err == nil || !strings.Contains(err.Error(), "x.skops") {
		t.Errorf("a damaged file gives %v", err)
	}
}
