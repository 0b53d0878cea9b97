package chart

import (
	"errors"
	"fmt"
	"image/color"
	"math"
	"os"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// bins is the number of bars on each side.
const bins = 25

// ErrNoData is returned where there is no confidence to draw; no file is written then, as in Rasa.
var ErrNoData = errors.New("no data to plot paired histogram")

// Confidences draws the confidences of right and wrong predictions side by side, as a PNG file.
func Confidences(file, title string, right, wrong []float64) error {
	all := slices.Concat(right, wrong)
	if len(all) == 0 {
		return drawing(file, ErrNoData)
	}
	low, high := slices.Min(all), slices.Max(all)
	width := (high - low) / bins
	first := bins
	tallies := [2][]int{tally(right, low, width), tally(wrong, low, width)}
	for _, t := range tallies {
		if i := slices.IndexFunc(t, func(n int) bool { return n > 0 }); i >= 0 {
			first = min(first, i)
		}
	}
	if width == 0 {
		width = 0.01
	}
	plots := [][]*plot.Plot{{newPlot("Correct"), newPlot("Wrong")}}
	for side, p := range plots[0] {
		b := bars{low: low, width: width, tally: tallies[side], color: []color.Color{rightColor, wrongColor}[side]}
		p.Add(b)
		p.Title.TextStyle.Font.Size = vg.Points(12)
		p.X.Min, p.X.Max = 0, 1.05*float64(max(slices.Max(b.tally), 1))
		p.Y.Min, p.Y.Max = low+(float64(first)-0.6)*width, low+(bins+0.6)*width
		p.X.Label.Text = "Number of Samples"
		p.X.Tick.Marker = whole{}
		p.Y.Tick.Marker = places{low: low, width: width, first: first}
	}
	plots[0][0].X.Scale = plot.InvertedScale{Normalizer: plot.LinearScale{}}
	plots[0][0].Y.Label.Text = "Confidence"
	plots[0][1].Y.Tick.Label.Color = color.Transparent
	return drawing(file, savePair(file, title, plots))
}

// tally counts values in bars that begin at low. The last bar holds the largest value alone.
func tally(values []float64, low, width float64) []int {
	out := make([]int, bins+1)
	for _, v := range values {
		i := 0
		if width > 0 {
			i = int(math.Floor((v - low) / width))
		}
		out[min(max(i, 0), bins)]++
	}
	return out
}

func savePair(file, title string, plots [][]*plot.Plot) error {
	img := vgimg.NewWith(vgimg.UseWH(vg.Points(720), vg.Points(620)), vgimg.UseDPI(110))
	c := draw.New(img)
	whiten(c)
	style := newPlot("").Title.TextStyle
	style.Font.Size = vg.Points(15)
	style.XAlign, style.YAlign = draw.XCenter, draw.YTop
	c.FillText(style, vg.Point{X: c.Center().X, Y: c.Max.Y - vg.Points(12)}, title)
	body := draw.Crop(c, vg.Points(10), -vg.Points(14), vg.Points(8), -vg.Points(40))
	for i, row := range plot.Align(plots, draw.Tiles{Rows: 1, Cols: 2, PadX: vg.Points(6)}, body) {
		for j, canvas := range row {
			plots[i][j].Draw(canvas)
		}
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if _, err := (vgimg.PngCanvas{Canvas: img}).WriteTo(f); err != nil {
		return errors.Join(err, f.Close())
	}
	return f.Close()
}

// bars are horizontal, one above the other, centred on where they begin as in Rasa's picture.
type bars struct {
	low, width float64
	tally      []int
	color      color.Color
}

var _ plot.Plotter = bars{}

// Plot draws the bars.
func (b bars) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for i, n := range b.tally {
		if n == 0 {
			continue
		}
		at := b.low + float64(i)*b.width
		bottom, top := y(at-0.45*b.width), y(at+0.45*b.width)
		c.FillPolygon(b.color, c.ClipPolygonXY([]vg.Point{{X: x(0), Y: bottom}, {X: x(float64(n)), Y: bottom},
			{X: x(float64(n)), Y: top}, {X: x(0), Y: top}}))
	}
}

// places marks every bar, so that its confidence can be read.
type places struct {
	low, width float64
	first      int
}

// Ticks implements plot.Ticker.
func (t places) Ticks(_, _ float64) []plot.Tick {
	var out []plot.Tick
	for i := t.first; i <= bins; i++ {
		v := t.low + float64(i)*t.width
		out = append(out, plot.Tick{Value: v, Label: fmt.Sprintf("%.2f", v)})
	}
	return out
}

// whole marks whole numbers only.
type whole struct{}

// Ticks implements plot.Ticker.
func (whole) Ticks(low, high float64) []plot.Tick {
	step := max(1, math.Ceil((high-low)/6))
	var out []plot.Tick
	for v := math.Ceil(low); v <= high; v += step {
		out = append(out, plot.Tick{Value: v, Label: fmt.Sprintf("%d", int(v))})
	}
	return out
}
