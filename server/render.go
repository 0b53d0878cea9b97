package server

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/internal/value"
)

// The forms of Sanic's error pages (sanic/errorpages.py, 21.12).
const (
	formText = "text/plain"
	formJSON = "application/json"
	formHTML = "text/html"
)

// pageStyle is the style sheet of Sanic's HTML error pages, byte for byte as clients get it.
const pageStyle = `
        html { font-family: sans-serif }
        h2 { color: #888; }
        .tb-wrapper p, dl, dd { margin: 0 }
        .frame-border { margin: 1rem }
        .frame-line > *, dt, dd { padding: 0.3rem 0.6rem }
        .frame-line, dl { margin-bottom: 0.3rem }
        .frame-code, dd { font-size: 16px; padding-left: 4ch }
        .tb-wrapper, dl { border: 1px solid #eee }
        .tb-header,.obj-header {
            background: #eee; padding: 0.3rem; font-weight: bold
        }
        .frame-descriptor, dt { background: #e2eafb; font-size: 14px }
    `

var escapePage = strings.NewReplacer("&", "&amp;", "<", "&lt;")

// render writes an error in the form the client understands. allow is the header of that name, "" for none; like
// Sanic's, answers in JSON go without it.
func render(c echo.Context, status int, message, allow string) error {
	name := http.StatusText(status)
	if name == "" {
		name = "Error Occurred"
	}
	// echo sets the header by itself.
	c.Response().Header().Del("Allow")
	form := errorForm(c)
	if form == formJSON {
		body := value.NewMap("description", name, "status", int64(status), "message", message)
		return write(c, status, channels.TypeJSON, string(value.Encode(body, value.Compact)))
	}
	if allow != "" {
		c.Response().Header().Set("Allow", allow)
	}
	title := fmt.Sprintf("⚠️ %d — %s", status, name)
	if form == formText {
		bar := strings.Repeat("=", utf8.RuneCountInString(title))
		return write(c, status, channels.TypeText, title+"\n"+bar+"\n"+message+"\n\n")
	}
	title = escapePage.Replace(title)
	return write(c, status, "text/html; charset=utf-8", "<!DOCTYPE html><html lang=en><meta charset=UTF-8><title>"+title+
		"</title>\n<style>"+pageStyle+"</style>\n<h1>"+title+"</h1><p>"+escapePage.Replace(message)+"\n")
}

func write(c echo.Context, status int, contentType, text string) error {
	return channels.WriteText(c, status, contentType, text)
}

// errorForm chooses the form by the Accept header, the type of the body and the body.
func errorForm(c echo.Context) string {
	h := c.Request().Header
	accepted := parseAccept(h.Get("Accept"))
	contentType, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	form := formHTML
	switch {
	case len(accepted) > 0 && accepted[0].is(formHTML):
	case slices.ContainsFunc(accepted, func(a accept) bool { return a.is(formJSON) }), contentType == formJSON:
		form = formJSON
	case len(accepted) == 0:
		form = formText
	default:
		if v, err := channels.JSON(c); err == nil && value.Truthy(v) {
			form = formJSON
		}
	}
	if len(accepted) == 0 || slices.ContainsFunc(accepted, func(a accept) bool { return a.covers(form) }) {
		return form
	}
	for _, a := range accepted {
		switch t := a.kind + "/" + a.subkind; t {
		case formText, formJSON, formHTML:
			return t
		case "multipart/form-data":
			return formHTML
		}
	}
	return formHTML
}

// accept is one media type of an Accept header.
type accept struct {
	kind, subkind string
	quality       float64
	params        int
}

func (a accept) is(mediaType string) bool { return a.kind+"/"+a.subkind == mediaType }

func (a accept) covers(mediaType string) bool {
	kind, subkind, _ := strings.Cut(mediaType, "/")
	return (a.kind == "*" || a.kind == kind) && (a.subkind == "*" || a.subkind == subkind)
}

// parseAccept returns the media types of an Accept header, best first. What is no media type is left out.
func parseAccept(header string) []accept {
	if header == "" {
		return nil
	}
	var list []accept
	for item := range strings.SplitSeq(header, ",") {
		parts := strings.Split(strings.TrimSpace(item), ";")
		kind, subkind, ok := strings.Cut(parts[0], "/")
		if !ok || kind == "" || subkind == "" {
			continue
		}
		a := accept{kind: kind, subkind: subkind, quality: 1, params: len(parts) - 1}
		for _, p := range parts[1:] {
			key, v, _ := strings.Cut(p, "=")
			if strings.TrimSpace(key) == "q" {
				a.params--
				a.quality, _ = strconv.ParseFloat(strings.TrimSpace(v), 64)
			}
		}
		list = append(list, a)
	}
	slices.SortStableFunc(list, func(a, b accept) int { return b.compare(a) })
	return list
}

// compare orders by quality, number of parameters and exactness.
func (a accept) compare(b accept) int {
	switch {
	case a.quality != b.quality:
		return sign(a.quality > b.quality)
	case a.params != b.params:
		return sign(a.params > b.params)
	case (a.subkind != "*") != (b.subkind != "*"):
		return sign(a.subkind != "*")
	case (a.kind != "*") != (b.kind != "*"):
		return sign(a.kind != "*")
	}
	return 0
}

func sign(greater bool) int {
	if greater {
		return 1
	}
	return -1
}
