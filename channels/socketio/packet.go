package socketio

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/parleybot/parley/internal/value"
)

// The kinds of Engine.IO packets that are spoken: one digit before the payload.
const (
	engineOpen    = "0"
	engineClose   = "1"
	enginePing    = "2"
	enginePong    = "3"
	engineMessage = "4"
	engineUpgrade = "5"
	engineNoop    = "6"

	packetSeparator = "\x1e"
	// maxPackets is how many packets one POST may bring.
	maxPackets = 16
)

// The kinds of Socket.IO packets.
const (
	packetConnect = iota
	packetDisconnect
	packetEvent
	packetAck
	packetConnectError
	packetBinaryEvent
	packetBinaryAck
)

// errBinary is returned for packets with binary attachments, which no chat client sends.
var errBinary = errors.New("binary events are not supported")

// packet is one Socket.IO packet: kind, namespace, number to acknowledge, JSON.
type packet struct {
	kind      int
	namespace string
	// id is "" when no acknowledgement is wanted.
	id      string
	data    any
	hasData bool
}

func (p packet) encode() string {
	out := strconv.AppendInt(make([]byte, 0, 64), int64(p.kind), 10)
	if p.namespace != "/" {
		out = append(append(out, p.namespace...), ',')
	}
	out = append(out, p.id...)
	if p.hasData {
		out = value.Append(out, p.data, value.Compact)
	}
	return string(out)
}

// decodePacket reads a Socket.IO packet.
func decodePacket(s string) (packet, error) {
	p := packet{namespace: "/"}
	if s == "" || s[0] < '0' || s[0] > '0'+packetBinaryAck {
		return p, fmt.Errorf("unknown packet %q", s[:min(len(s), 1)])
	}
	p.kind = int(s[0] - '0')
	if p.kind == packetBinaryEvent || p.kind == packetBinaryAck {
		return p, errBinary
	}
	s = s[1:]
	if strings.HasPrefix(s, "/") {
		p.namespace, s, _ = strings.Cut(s, ",")
		p.namespace, _, _ = strings.Cut(p.namespace, "?")
	}
	digits := 0
	for digits < len(s) && '0' <= s[digits] && s[digits] <= '9' {
		digits++
	}
	if digits > 100 {
		return p, errors.New("id field is too long")
	}
	if digits > 0 {
		// An id is a number: leading zeros do not survive.
		p.id = strings.TrimLeft(s[:digits-1], "0") + s[digits-1:digits]
	}
	if s = s[digits:]; s == "" {
		return p, nil
	}
	data, err := value.DecodeString(s)
	if err != nil {
		return p, fmt.Errorf("reading a packet: %w", err)
	}
	p.data, p.hasData = data, true
	return p, nil
}

// event returns the name and the arguments of an event packet.
func (p packet) event() (name string, args []any, err error) {
	list, _ := p.data.([]any)
	if len(list) == 0 {
		return "", nil, errors.New("an event packet without a name")
	}
	name, ok := list[0].(string)
	if !ok {
		return "", nil, fmt.Errorf("an event packet whose name is a %s", value.TypeName(list[0]))
	}
	return name, list[1:], nil
}
