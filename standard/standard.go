package standard

import (
	// The channels of this binary.
	_ "github.com/parleybot/parley/channels/callback"
	_ "github.com/parleybot/parley/channels/rest"
	_ "github.com/parleybot/parley/channels/socketio"
	// The policies of this binary.
	_ "github.com/parleybot/parley/dialogue/policy/memoization"
	_ "github.com/parleybot/parley/dialogue/policy/rule"
	_ "github.com/parleybot/parley/dialogue/policy/ted"
	_ "github.com/parleybot/parley/dialogue/policy/unexpected"
)
