package measured

import (
	"testing"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/project"
	"github.com/parleybot/parley/stores"
	locks "github.com/parleybot/parley/stores/lock/memory"
	memory "github.com/parleybot/parley/stores/tracker/memory"
)

// BenchmarkTurn is what a turn does at the stores in memory: a lock, a read and a write.
func BenchmarkTurn(b *testing.B) {
	d, _ := project.ParseDomain([]byte(`version: "3.1"`), "")
	f := tracker.NewFactory(d)
	for name, wrap := range map[string]bool{"plain": false, "counted": true} {
		b.Run(name, func(b *testing.B) {
			var s stores.TrackerStore = memory.New()
			var l stores.Locker = locks.New()
			if wrap {
				s, l = Trackers(s), Locks(l)
			}
			b.ReportAllocs()
			for b.Loop() {
				unlock, err := l.Lock(b.Context(), "u")
				if err != nil {
					b.Fatal(err)
				}
				c, err := s.Load(b.Context(), f, "u")
				if err != nil {
					b.Fatal(err)
				}
				if c.Tracker == nil || len(c.Tracker.Events()) > 20 {
					c.Tracker = f.New("u")
				}
				known := len(c.Tracker.Events())
				c.Tracker.Update(&tracker.ConversationPaused{})
				if _, err := s.Save(b.Context(), stores.Turn{Tracker: c.Tracker, Known: known, At: c.At, Replace: known == 0}); err != nil {
					b.Fatal(err)
				}
				unlock()
			}
		})
	}
}
