package metrics

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWriter(t *testing.T) {
	var w Writer
	w.Add(Counter, "turns_total", "Turns.", 3)
	w.Add(Gauge, "depth", "How many\nwait.", 1.5, "broker", `a"\`+"\n", "node", "x")
	w.Add(Gauge, "depth", "How many\nwait.", math.Inf(1), "broker", "b", "node", "x")
	w.Add(Gauge, "odd", "Odd.", math.NaN())
	var d Durations
	d.Add(1500 * time.Millisecond)
	d.Add(500 * time.Millisecond)
	require.EqualValues(t, 2, d.Count())
	w.AddDuration("wait_seconds", "Waits.", &d, "op", "save")
	require.Equal(t, `# HELP turns_total Turns.
# TYPE turns_total counter
turns_total 3
# HELP depth How many\nwait.
# TYPE depth gauge
depth{broker="a\"\\\n",node="x"} 1.5
depth{broker="b",node="x"} +Inf
# HELP odd Odd.
# TYPE odd gauge
odd NaN
# HELP wait_seconds Waits.
# TYPE wait_seconds summary
wait_seconds_sum{op="save"} 2
wait_seconds_count{op="save"} 2
`, w.String())
}
