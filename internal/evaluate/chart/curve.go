package chart

import (
	"image/color"
	"math"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Series is a line of a comparison: for each run the values at each place.
type Series struct {
	Name string
	Runs [][]float64
}

// seriesColors are easy to tell apart; more series than that begin anew.
var seriesColors = []color.NRGBA{
	{R: 0x00, G: 0x72, B: 0xb2, A: 0xff}, {R: 0xd5, G: 0x5e, B: 0x00, A: 0xff}, {R: 0x00, G: 0x9e, B: 0x73, A: 0xff},
	{R: 0xcc, G: 0x79, B: 0xa7, A: 0xff}, {R: 0xe6, G: 0x9f, B: 0x00, A: 0xff}, {R: 0x56, G: 0xb4, B: 0xe9, A: 0xff},
}

// Comparison draws the mean of each series over x, and a band of one standard deviation around it.
func Comparison(file, xLabel, yLabel string, x []int, series []Series) error {
	p := newPlot("")
	p.X.Label.Text, p.Y.Label.Text = xLabel, yLabel
	p.Add(plotter.NewGrid())
	for i, s := range series {
		mean, deviation := moments(s.Runs)
		n := min(len(mean), len(x))
		if n == 0 {
			continue
		}
		line, band := make(plotter.XYs, n), make(plotter.XYs, 2*n)
		for j := range n {
			at := float64(x[j])
			line[j] = plotter.XY{X: at, Y: mean[j]}
			band[j] = plotter.XY{X: at, Y: mean[j] + deviation[j]}
			band[2*n-1-j] = plotter.XY{X: at, Y: mean[j] - deviation[j]}
		}
		c := seriesColors[i%len(seriesColors)]
		area, err := plotter.NewPolygon(band)
		if err != nil {
			return drawing(file, err)
		}
		pale := c
		pale.A = 0x33
		area.Color, area.LineStyle.Width = pale, 0
		curve, points, err := plotter.NewLinePoints(line)
		if err != nil {
			return drawing(file, err)
		}
		curve.Color, curve.Width = c, vg.Points(1.5)
		points.Color, points.Shape, points.Radius = c, draw.CircleGlyph{}, vg.Points(2.5)
		p.Add(area, curve, points)
		p.Legend.Add(s.Name, curve, points)
	}
	p.X.Tick.Marker = whole{}
	return save(p, vg.Points(580), vg.Points(440), file)
}

// moments are mean and standard deviation over the runs, place by place.
func moments(runs [][]float64) (mean, deviation []float64) {
	if len(runs) == 0 {
		return nil, nil
	}
	for j := range runs[0] {
		sum, squares := 0.0, 0.0
		for _, run := range runs {
			sum += run[j]
		}
		m := sum / float64(len(runs))
		for _, run := range runs {
			squares += (run[j] - m) * (run[j] - m)
		}
		mean, deviation = append(mean, m), append(deviation, math.Sqrt(squares/float64(len(runs))))
	}
	return mean, deviation
}
