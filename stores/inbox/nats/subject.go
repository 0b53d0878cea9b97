package nats

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// maxToken bounds a token, in bytes: servers bound the line that names a subject.
const maxToken = 512

const hexDigits = "0123456789ABCDEF"

// token returns a text as one element of a subject. ASCII letters, digits and what mail addresses and phone numbers are
// written with stand for themselves, other bytes for %XX. A text that gets too long is told by its hash, an empty one by
// "%".
func token(s string) string {
	if s == "" {
		return "%"
	}
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if plain(c) {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hexDigits[c>>4], hexDigits[c&15]})
		}
	}
	if b.Len() <= maxToken {
		return b.String()
	}
	sum := sha256.Sum256([]byte(s))
	return "%%" + hex.EncodeToString(sum[:])
}

func plain(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_+@:=/", c) >= 0
}
