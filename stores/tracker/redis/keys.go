package redis

import (
	"strconv"
	"strings"
	"sync"
)

const (
	conversationPrefix = "tracker:"
	outboxPrefix       = "parley:outbox"
	segmentsPrefix     = "parley:segments"
	timersPrefix       = "parley:timers"
)

// keys makes the names of keys.
type keys struct {
	// prefix is the key_prefix with its colon, or "".
	prefix  string
	cluster bool
}

// conversation is Rasa's key.
func (k keys) conversation(senderID string) string { return k.prefix + conversationPrefix + senderID }

// of returns the keys of a conversation that scripts want: the conversation, its notes, their index and its segments.
func (k keys) of(senderID string) []string {
	key := k.conversation(senderID)
	tag := sameSlot(key)
	return []string{key, k.prefix + outboxPrefix + ":" + tag, k.index(key), k.prefix + segmentsPrefix + ":" + tag}
}

// index is the key of the sorted set of the conversations that have notes. On a Cluster there is one for each slot, since a
// script cannot write to two slots.
func (k keys) index(key string) string {
	if !k.cluster {
		return k.prefix + outboxPrefix
	}
	return k.slotIndex(slot(hashTag(key)))
}

func (k keys) slotIndex(n int) string {
	return k.prefix + outboxPrefix + ":index:{" + filler(n) + "}"
}

// slots is the key of the set of slots that have, or had, notes.
func (k keys) slots() string { return k.prefix + outboxPrefix + ":slots" }

// timers returns the keys that the script of timers wants.
func (k keys) timers() []string {
	name := k.prefix + timersPrefix
	if k.cluster {
		name = k.prefix + "{parley}:timers"
	}
	return []string{name, name + ":names", name + ":data"}
}

// sameSlot returns the end of a key that shares the slot of key on a Cluster: key in braces where that does it. A key with
// a brace of its own gets a tag that happens to have the same slot.
func sameSlot(key string) string {
	tag := hashTag(key)
	if tag == key && !strings.Contains(key, "}") {
		return "{" + key + "}"
	}
	return "{" + filler(slot(tag)) + "}:" + key
}

// hashTag returns the part of a key that decides on its slot (Redis Cluster specification, hash tags).
func hashTag(key string) string {
	if _, rest, found := strings.Cut(key, "{"); found {
		if tag, _, closed := strings.Cut(rest, "}"); closed && tag != "" {
			return tag
		}
	}
	return key
}

const slotCount = 1 << 14

// slot returns the slot of a tag: its CRC16 (XMODEM).
func slot(tag string) int {
	var crc uint16
	for i := range len(tag) {
		crc ^= uint16(tag[i]) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return int(crc % slotCount)
}

// fillers has the smallest number with each slot.
var fillers = sync.OnceValue(func() []string {
	list := make([]string, slotCount)
	for n, missing := 0, slotCount; missing > 0; n++ {
		text := strconv.Itoa(n)
		if s := slot(text); list[s] == "" {
			list[s] = text
			missing--
		}
	}
	return list
})

// filler returns a tag with slot n.
func filler(n int) string { return fillers()[n] }
