package memory_test

import (
	"testing"

	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/storetest"
	"github.com/parleybot/parley/stores/timer/memory"
)

func TestTimers(t *testing.T) {
	storetest.Timers(t, func(*testing.T) func() stores.Timers {
		s := memory.New()
		return func() stores.Timers { return s }
	})
}
