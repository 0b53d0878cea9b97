package memory_test

import (
	"testing"

	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/storetest"
	"github.com/parleybot/parley/stores/tracker/memory"
)

func TestStore(t *testing.T) {
	storetest.Trackers(t, func(*testing.T) storetest.Place {
		s := memory.New()
		return func() stores.TrackerStore { return s }
	})
}
