package chart

import (
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// largestNumbered is the number of labels up to which cells are wide enough for numbers.
const largestNumbered = 120

// Confusion draws how often which label was predicted for which: counts has a row for each expected label and in it a
// column for each predicted one. The shade of a cell grows with the logarithm of its count; an empty one is white.
func Confusion(file, title string, labels []string, counts [][]int) error {
	p := newPlot(title)
	n := len(labels)
	cell := vg.Points(26)
	switch {
	case n > 60:
		cell = vg.Points(15)
	case n > 30:
		cell = vg.Points(20)
	case n <= 6:
		cell = vg.Points(56)
	}
	p.X.Label.Text, p.Y.Label.Text = "Predicted label", "True label"
	m := cells{counts: counts, largest: largest(counts), numbered: n <= largestNumbered}
	m.style = draw.TextStyle{Font: font.Font{Typeface: "Liberation", Variant: "Sans", Size: min(cell*0.42, vg.Points(14))}, XAlign: draw.XCenter, YAlign: draw.YCenter,
		Handler: plot.DefaultTextHandler}
	p.X.Tick.Marker, p.Y.Tick.Marker = names(labels, false), names(labels, true)
	p.X.Tick.Label.Rotation = math.Pi / 2
	p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = draw.XRight, draw.YCenter
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = -0.5, max(float64(n)-0.5, 0.5), -0.5, max(float64(n)-0.5, 0.5)
	p.Add(m)
	side := cell*vg.Length(max(n, 1)) + margin(labels)
	return save(p, max(side, vg.Points(340)), max(side, vg.Points(340))+vg.Points(40), file)
}

// margin leaves room for the names beside the cells.
func margin(labels []string) vg.Length {
	longest := 0
	for _, l := range labels {
		longest = max(longest, len([]rune(l)))
	}
	return vg.Points(70 + 6*float64(min(longest, 60)))
}

func largest(counts [][]int) int {
	out := 1
	for _, row := range counts {
		for _, n := range row {
			out = max(out, n)
		}
	}
	return out
}

// names puts labels at 0, 1, ..., or backwards from the top.
func names(labels []string, down bool) plot.ConstantTicks {
	out := make(plot.ConstantTicks, len(labels))
	for i, l := range labels {
		at := i
		if down {
			at = len(labels) - 1 - i
		}
		if l == "" {
			l = "(none)"
		}
		out[i] = plot.Tick{Value: float64(at), Label: l}
	}
	return out
}

// cells draws the cells of a matrix.
type cells struct {
	counts   [][]int
	largest  int
	numbered bool
	style    draw.TextStyle
}

var _ plot.Plotter = cells{}

// Plot draws the first row at the top.
func (m cells) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	n := len(m.counts)
	for i, row := range m.counts {
		for j, count := range row {
			top := float64(n - 1 - i)
			box := []vg.Point{{X: x(float64(j) - 0.5), Y: y(top - 0.5)}, {X: x(float64(j) + 0.5), Y: y(top - 0.5)},
				{X: x(float64(j) + 0.5), Y: y(top + 0.5)}, {X: x(float64(j) - 0.5), Y: y(top + 0.5)}}
			if count > 0 {
				c.FillPolygon(m.shade(count), box)
			}
			c.StrokeLines(draw.LineStyle{Color: gridColor, Width: vg.Points(0.4)}, append(box, box[0]))
			if m.numbered && count > 0 {
				style := m.style
				style.Color = color.Black
				if m.level(count) > 0.55 {
					style.Color = color.White
				}
				c.FillText(style, vg.Point{X: x(float64(j)), Y: y(top)}, strconv.Itoa(count))
			}
		}
	}
}

// level is the logarithm of count between 0 and 1.
func (m cells) level(count int) float64 {
	if m.largest <= 1 {
		return 1
	}
	return math.Log(float64(count)) / math.Log(float64(m.largest))
}

// shade goes from a pale to a dark blue.
func (m cells) shade(count int) color.Color {
	pale, dark := [3]float64{0xe3, 0xee, 0xf9}, [3]float64{0x08, 0x30, 0x6b}
	t := m.level(count)
	mix := func(i int) uint8 { return uint8(pale[i] + t*(dark[i]-pale[i])) }
	return color.NRGBA{R: mix(0), G: mix(1), B: mix(2), A: 0xff}
}
