package dialogue

import (
	"encoding/hex"
	"math/rand/v2"
	"time"
)

func defaultRandom() float64 { return rand.Float64() }

// newID returns a random UUID (version 4) as 32 hexadecimal digits, like Python's uuid4().hex.
func newID() string {
	var raw [16]byte
	a, b := rand.Uint64(), rand.Uint64()
	for i := range 8 {
		raw[i] = byte(a >> (8 * i))
		raw[8+i] = byte(b >> (8 * i))
	}
	raw[6] = raw[6]&0x0f | 0x40
	raw[8] = raw[8]&0x3f | 0x80
	var text [32]byte
	hex.Encode(text[:], raw[:])
	return string(text[:])
}

const nanosecond = 1e-9

// seconds returns a time as Python's time.time() does.
func seconds(t time.Time) float64 { return float64(t.UnixNano()) * nanosecond }
