package shortcut

import (
	"bytes"
	"strings"
)

// maxRequest is the size in bytes, head and body, up to which requests are plain.
const maxRequest = 16 << 10

// kind is what the bytes of a connection are so far.
type kind uint8

const (
	partial kind = iota // they may become a plain request
	plain               // they begin with a plain request
	foreign             // they do not
)

// request is a plain request at the beginning of some bytes.
type request struct {
	route *route
	// body and end are where the body begins and ends.
	body, end int
}

// parse looks at the bytes of a connection.
func parse(routes []*route, data []byte) (request, kind) {
	r, found := routeOf(routes, data)
	if found != plain {
		return request{}, found
	}
	length, host := -1, false
	for pos := len(r.line); ; {
		end := bytes.IndexByte(data[pos:], '\n')
		if end < 0 {
			return request{}, partialUnlessFull(data)
		}
		line := data[pos : pos+end]
		pos += end + 1
		if len(line) == 0 || line[len(line)-1] != '\r' {
			return request{}, foreign
		}
		if line = line[:len(line)-1]; len(line) == 0 {
			return bodyOf(request{r, pos, pos + length}, data, length > 0 && host)
		}
		name, value, ok := cutHeader(line)
		if !ok || !readHeader(name, value, &length, &host) {
			return request{}, foreign
		}
	}
}

// routeOf finds the route whose request line data begins with.
func routeOf(routes []*route, data []byte) (*route, kind) {
	found := foreign
	for _, r := range routes {
		if len(data) >= len(r.line) {
			if string(data[:len(r.line)]) == r.line {
				return r, plain
			}
		} else if strings.HasPrefix(r.line, string(data)) {
			found = partial
		}
	}
	return nil, found
}

func partialUnlessFull(data []byte) kind {
	if len(data) >= maxRequest {
		return foreign
	}
	return partial
}

func bodyOf(r request, data []byte, complete bool) (request, kind) {
	switch {
	case !complete || r.end > maxRequest:
		return request{}, foreign
	case r.end > len(data):
		return request{}, partial
	}
	return r, plain
}

// cutHeader splits a header line. ok is false for one that net/http might not take as it stands.
func cutHeader(line []byte) (name, value []byte, ok bool) {
	colon := bytes.IndexByte(line, ':')
	if colon <= 0 {
		return nil, nil, false
	}
	name, value = line[:colon], line[colon+1:]
	for _, c := range name {
		if !isLetter(c) && c != '-' && !isDigit(c) {
			return nil, nil, false
		}
	}
	for _, c := range value {
		if c < ' ' || c > '~' {
			return nil, nil, false
		}
	}
	for len(value) > 0 && value[0] == ' ' {
		value = value[1:]
	}
	for len(value) > 0 && value[len(value)-1] == ' ' {
		value = value[:len(value)-1]
	}
	return name, value, true
}

// readHeader takes note of a header and reports whether the request is still plain.
func readHeader(name, value []byte, length *int, host *bool) bool {
	switch len(name) {
	case len("Host"):
		if is(name, "host") {
			first := !*host
			*host = true
			return first && isHost(value)
		}
	case len("Content-Length"):
		if is(name, "content-length") {
			first := *length < 0
			*length = number(value)
			return first && *length >= 0
		}
	case len("Connection"):
		return !is(name, "connection") || is(value, "keep-alive")
	case len("Origin"), len("TE"), len("Transfer-Encoding"):
		return !is(name, "origin") && !is(name, "expect") && !is(name, "te") && !is(name, "transfer-encoding")
	case len("Trailer"):
		return !is(name, "trailer") && !is(name, "upgrade")
	}
	return true
}

// is reports whether text is want, which is in lower case, in any case.
func is(text []byte, want string) bool {
	if len(text) != len(want) {
		return false
	}
	for i, c := range text {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != want[i] {
			return false
		}
	}
	return true
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }

// isHost reports whether text is a plain name or address with or without a port.
func isHost(text []byte) bool {
	for _, c := range text {
		if !isLetter(c) && !isDigit(c) && c != '.' && c != ':' && c != '-' {
			return false
		}
	}
	return len(text) > 0
}

// number returns the number that text is, -1 when it is none or one that no plain request has.
func number(text []byte) int {
	const maxDigits = 5
	if len(text) == 0 || len(text) > maxDigits {
		return -1
	}
	n := 0
	for _, c := range text {
		if !isDigit(c) {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}
