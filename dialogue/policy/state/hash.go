package state

import (
	"bytes"
	"hash/maphash"
	"math/bits"

	"github.com/parleybot/parley/internal/value"
)

// Hashes identify states within this process. They are 64 bits under a secret seed: two different states have the same
// hash with a probability of 2^-64, whoever chooses them.
var seed = maphash.MakeSeed()

const (
	saltA = 0x9e3779b97f4a7c15
	saltB = 0xc2b2ae3d27d4eb4f
)

// mix combines two hashes; the order matters.
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^saltA, bits.RotateLeft64(b, 29)^saltB)
	return hi ^ lo
}

// combine returns the hash of a state from those of its parts, 0 for an absent part. slots is the sum of its entries.
func combine(loop, prev, slots, user uint64) uint64 {
	return mix(mix(mix(loop, prev), slots), user)
}

// hashText hashes the text of a part as it stands in a memoization key: JSON without quotation marks.
func hashText(text []byte) uint64 {
	if bytes.IndexByte(text, '"') < 0 {
		return maphash.Bytes(seed, text) | 1
	}
	bare := make([]byte, 0, len(text))
	for _, c := range text {
		if c != '"' {
			bare = append(bare, c)
		}
	}
	return maphash.Bytes(seed, bare) | 1
}

func hashSlot(name, feature string) uint64 {
	text := append(value.Append(nil, name, value.JSON), ": "...)
	return hashText(append(text, feature...))
}

func hashLoop(name string) uint64 {
	if name == "" {
		return 0
	}
	return hashText(append(value.Append([]byte(`{"name": `), name, value.JSON), '}'))
}

func hashAction(a Action) uint64 {
	if a.Name == "" {
		return 0
	}
	return hashText(a.append(nil))
}

func hashUser(u *User) uint64 {
	if u == nil {
		return 0
	}
	var buffer [128]byte
	return hashText(u.append(buffer[:0]))
}

// Hash returns the hash of s, which counts as written: the text of a message with an intent is not left out.
func (s *State) Hash() uint64 {
	var slots uint64
	for _, slot := range s.Slots {
		slots += slot.Feature.hash
	}
	return combine(hashLoop(s.Loop), hashAction(s.Prev), slots, hashUser(s.User))
}

// HashKey returns the hashes of the states in a memoization key, a JSON list of states with or without quotation marks.
// ok is false when the text is no such list.
func HashKey(key string) (hashes []uint64, ok bool) {
	states, ok := split(key, '[', ']')
	if !ok {
		return nil, false
	}
	for _, s := range states {
		parts, ok := split(s, '{', '}')
		if !ok {
			return nil, false
		}
		var loop, prev, slots, user uint64
		for _, part := range parts {
			name, content, _ := cutKey(part)
			switch name {
			case "active_loop":
				loop = hashText([]byte(content))
			case "prev_action":
				prev = hashText([]byte(content))
			case "slots":
				entries, _ := split(content, '{', '}')
				for _, e := range entries {
					slots += hashText([]byte(e))
				}
			case "user":
				user = hashText([]byte(content))
			}
		}
		hashes = append(hashes, combine(loop, prev, slots, user))
	}
	return hashes, true
}

// split cuts the elements of a list or object apart.
func split(text string, open, end byte) ([]string, bool) {
	if len(text) < 2 || text[0] != open || text[len(text)-1] != end {
		return nil, false
	}
	text = text[1 : len(text)-1]
	if text == "" {
		return nil, true
	}
	var out []string
	depth, start, quoted := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			depth++
		case c == ']' || c == '}':
			depth--
		case c == ',' && depth == 0 && i+1 < len(text) && text[i+1] == ' ':
			out = append(out, text[start:i])
			start = i + 2
		}
	}
	return append(out, text[start:]), true
}

// cutKey cuts `"name": content` in two.
func cutKey(entry string) (name, content string, ok bool) {
	for i := 0; i+1 < len(entry); i++ {
		if entry[i] == ':' && entry[i+1] == ' ' {
			name = entry[:i]
			if len(name) > 1 && name[0] == '"' {
				name = name[1 : len(name)-1]
			}
			return name, entry[i+2:], true
		}
	}
	return "", "", false
}
