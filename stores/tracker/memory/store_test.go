package memory_test

import (
	"testing"

	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/storetest"
	"github.com/parleybot/parley/stores/tracker/memory"
)

func TestStore(t *testing.T) {
	storetest.Trackers(t, func(*testing.T) stores.TrackerStore { return memory.New() })
}
