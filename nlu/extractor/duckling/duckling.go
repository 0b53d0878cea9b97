// Package duckling provides DucklingEntityExtractor, which asks a duckling server for dates, numbers, amounts of money
// and the like (rasa/nlu/extractors/duckling_entity_extractor.py, 3.6.21).
package duckling

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/nlu"
)

const (
	name = "DucklingEntityExtractor"
	// urlVariable is the environment variable that overrides the option url.
	urlVariable = "RASA_DUCKLING_HTTP_URL"
	// maxResponse bounds what is read of an answer, in bytes.
	maxResponse = 8 << 20
)

var spec = component.Spec{
	Name:    name,
	Summary: "Asks a duckling server for dates, numbers, amounts of money and the like.",
	Source:  "rasa/nlu/extractors/duckling_entity_extractor.py",
	Fields: []component.Field{
		{Name: "dimensions", Kind: component.Strings, Doc: "Entities to look for; null for all duckling knows."},
		{Name: "url", Kind: component.String, Doc: "Address of the server; the environment variable " + urlVariable + " overrides it."},
		{Name: "locale", Kind: component.String, Doc: "Locale, like de_DE."},
		{Name: "timezone", Kind: component.String, Doc: "Time zone, like Europe/Berlin; null for the server's."},
		{Name: "timeout", Kind: component.Float, Default: int64(3), Doc: "Seconds to wait for an answer; null waits without limit."},
	},
	Provides: []string{nlu.RoleExtractor},
}

func init() { nlu.Components.Register(spec, build) }

// Extractor is DucklingEntityExtractor.
type Extractor struct {
	Dimensions []string `option:"dimensions"`
	URL        string   `option:"url"`
	Locale     *string  `option:"locale"`
	Timezone   *string  `option:"timezone"`
	Timeout    *float64 `option:"timeout"`

	log    *slog.Logger
	now    func() time.Time
	client *http.Client
	// form is the part of the request that is the same for all messages.
	form string
}

var _ nlu.Unsteady = (*Extractor)(nil)

func build(cfg component.Config) (nlu.Component, error) {
	x := &Extractor{log: cfg.Env.Logger, now: cfg.Env.Now, client: &http.Client{}}
	if err := cfg.Decode(x); err != nil {
		return nil, err
	}
	if env := os.Getenv(urlVariable); env != "" {
		x.URL = env
	}
	if x.Timeout != nil {
		x.client.Timeout = time.Duration(*x.Timeout * float64(time.Second))
	}
	var dimensions any
	if x.Dimensions != nil {
		dimensions = value.Strings(x.Dimensions)
	}
	var form strings.Builder
	if x.Locale != nil {
		form.WriteString("&locale=" + url.QueryEscape(*x.Locale))
	}
	if x.Timezone != nil {
		form.WriteString("&tz=" + url.QueryEscape(*x.Timezone))
	}
	form.WriteString("&dims=" + url.QueryEscape(string(value.Encode(dimensions, value.JSON))) + "&reftime=")
	x.form = form.String()
	return x, nil
}

// Unsteady implements nlu.Unsteady: what "today" means changes.
func (x *Extractor) Unsteady() {}

// Process appends what the server finds. A server that fails or cannot be reached is logged; the message goes on.
func (x *Extractor) Process(ctx context.Context, m *nlu.Message) error {
	if x.URL == "" {
		x.log.Warn("no url in the configuration and no " + urlVariable + ", nothing is extracted")
		return nil
	}
	matches, err := x.ask(ctx, m.Value(nlu.Text))
	if err != nil {
		x.log.Error("asking duckling", "url", x.URL, "err", err)
		return ctx.Err()
	}
	for _, match := range matches {
		object, ok := match.(*value.Map)
		if !ok {
			continue
		}
		dimension := object.String("dim")
		if len(x.Dimensions) > 0 && !slices.Contains(x.Dimensions, dimension) {
			continue
		}
		m.Entities = append(m.Entities, entity(object))
	}
	return nil
}

func entity(match *value.Map) *value.Map {
	body, ok := match.Get("body")
	if !ok {
		body = match.Value("text")
	}
	return value.NewMap(
		"start", match.Value("start"),
		"end", match.Value("end"),
		"text", body,
		"value", resolved(match.Map("value")),
		"confidence", 1.0,
		"additional_info", match.Value("value"),
		"entity", match.Value("dim"),
		"extractor", name,
	)
}

// resolved returns the value of a match; an interval becomes its ends.
func resolved(v *value.Map) any {
	if v.String("type") == "interval" {
		return value.NewMap("to", v.Map("to").Value("value"), "from", v.Map("from").Value("value"))
	}
	return v.Value("value")
}

// ask sends the text with the current time in milliseconds, counted in whole seconds as Rasa does.
func (x *Extractor) ask(ctx context.Context, text string) ([]any, error) {
	form := "text=" + url.QueryEscape(text) + x.form + strconv.FormatInt(x.now().Unix()*1000, 10)
	address := strings.TrimSuffix(x.URL, "/") + "/parse"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form))
	if err != nil {
		return nil, fmt.Errorf("making the request: %w", err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	response, err := x.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxResponse))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("server answered with status %d: %.200s", response.StatusCode, body)
	}
	v, err := value.Decode(body)
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	matches, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("reading the answer: %s instead of a list", value.TypeName(v))
	}
	return matches, nil
}
