package redis

import (
	"strconv"
	"strings"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/stores"
)

// place is the Token of positions: what a node knows of a value. The zero place is that of a conversation that is not there.
type place struct {
	// length is that of the value in bytes, digest one of the end of its events.
	length int
	digest string
	// stamp is what the segments say, see scripts/common.lua.
	stamp string
	// foreign tells that someone wrote the value in another form; digest is of the whole value then.
	foreign bool
	// events is how many events the value has; the first summary of them only repeat what is in segments.
	events, summary int
	// Where the value may be cut: before its last session, and before a turn somewhere in its middle.
	session, middle boundary
	// listen is the last event if it is an action_listen.
	listen boundary
}

// boundary is before an event: its offset in the value, 0 for no boundary, and the number of events before it.
type boundary struct{ at, events int }

// noStamp is the stamp of a conversation without segments.
const noStamp = "0:"

// placeOf returns the place of a position.
func placeOf(at stores.Position) place {
	p, ok := at.Token.(place)
	if !ok {
		return place{stamp: noStamp}
	}
	return p
}

// archived is how many events are in segments.
func (p *place) archived() int {
	text, _, _ := strings.Cut(p.stamp, ":")
	n, _ := strconv.Atoi(text) // nobody else writes it; if it is damaged only counts suffer
	return n
}

func (p *place) position() stores.Position {
	return stores.Position{Count: p.archived() + p.events - p.summary, Token: *p}
}

// add takes note of events at the end of the value; the i-th stands at base+starts[i]. half is how many events a cut in the
// middle of a session takes at least.
func (p *place) add(events []tracker.Event, starts []int, base, half int) {
	for i, e := range events {
		b, listen := boundary{base + starts[i], p.events}, boundary{}
		switch e := e.(type) {
		case *tracker.ActionExecuted:
			if e.Name == tracker.ActionSessionStart && p.events > 0 {
				p.session = b
			}
			if e.Name == tracker.ActionListen {
				listen = b
			}
		case *tracker.UserUttered:
			if p.listen.at > 0 && p.middle.at == 0 && p.listen.events >= half {
				p.middle = p.listen
			}
		}
		p.listen = listen
		p.events++
	}
}
