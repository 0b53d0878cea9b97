// Package chart draws what an evaluation found: confusion matrices, histograms of confidences and curves of
// comparisons. The format of a picture follows from the ending of its file: .png, .pdf or .svg. What the pictures show is
// what Rasa's show (rasa/utils/plotting.py, 3.6.21); they look different, being drawn by gonum/plot and not by matplotlib,
// and grow with the number of labels.
package chart

import (
	"errors"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Colours of right and wrong, which people who see no green or red can tell apart.
var (
	rightColor = color.NRGBA{R: 0x00, G: 0x92, B: 0x92, A: 0xff}
	wrongColor = color.NRGBA{R: 0x92, G: 0x00, B: 0x00, A: 0xff}
	gridColor  = color.NRGBA{R: 0xdd, G: 0xdd, B: 0xdd, A: 0xff}
)

// newPlot returns a plot with a title in a sans-serif font.
func newPlot(title string) *plot.Plot {
	p := plot.New()
	p.Title.Text = title
	p.Title.TextStyle.Font.Size = vg.Points(16)
	p.Title.Padding = vg.Points(10)
	for _, style := range []*font.Font{&p.Title.TextStyle.Font, &p.X.Label.TextStyle.Font, &p.Y.Label.TextStyle.Font,
		&p.X.Tick.Label.Font, &p.Y.Tick.Label.Font, &p.Legend.TextStyle.Font} {
		style.Variant = "Sans"
	}
	p.X.Padding, p.Y.Padding = 0, 0
	return p
}

// save draws p on a white sheet of the given size, in the format that the ending of file names.
func save(p *plot.Plot, width, height vg.Length, file string) error {
	format := strings.TrimPrefix(filepath.Ext(file), ".")
	sheet, err := draw.NewFormattedCanvas(width, height, format)
	if err != nil {
		return drawing(file, err)
	}
	c := draw.New(sheet)
	whiten(c)
	const margin = 12
	p.Draw(draw.Crop(c, margin, -margin, margin, -margin))
	f, err := os.Create(file)
	if err != nil {
		return drawing(file, err)
	}
	_, err = sheet.WriteTo(f)
	return drawing(file, errors.Join(err, f.Close()))
}

func whiten(c draw.Canvas) {
	c.FillPolygon(color.White, []vg.Point{c.Min, {X: c.Max.X, Y: c.Min.Y}, c.Max, {X: c.Min.X, Y: c.Max.Y}})
}

func drawing(file string, err error) error {
	if err != nil {
		return fmt.Errorf("drawing %s: %w", file, err)
	}
	return nil
}
