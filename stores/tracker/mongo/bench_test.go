package mongo_test

import (
	"fmt"
	"testing"

	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/testservers"
	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/eventlog"
	"github.com/parleybot/parley/stores/tracker/mongo"
)

// BenchmarkTurn loads a conversation of many events in one session and stores the next turn of it.
func BenchmarkTurn(b *testing.B) {
	for _, mode := range []string{mongo.SegmentSessions, mongo.SegmentAlways} {
		for _, length := range []int{10, 1000, 20000} {
			b.Run(fmt.Sprintf("%s/%d", mode, length), func(b *testing.B) {
				f := factory(b, "testdata/domain.yml")
				var c counter
				l, err := mongo.Open(mongo.Config{Segments: mode, DB: testservers.Name(b),
					Client: options.Client().ApplyURI(testservers.Mongo(b)).SetMonitor(c.monitor())})
				if err != nil {
					b.Fatal(err)
				}
				s := eventlog.New(l, eventlog.Config{})
				defer s.Close()
				var events []tracker.Event
				for i := 0; len(events) < length; i++ {
					events = append(events, said("hello there", float64(i*100))...)
				}
				if _, err := s.Save(b.Context(), stores.Turn{Tracker: f.FromEvents("u", events)}); err != nil {
					b.Fatal(err)
				}
				commands, received := 0, 0
				at := float64(length * 100)
				b.ReportAllocs()
				for b.Loop() {
					c.take()
					conv, err := s.Load(b.Context(), f, "u")
					if err != nil {
						b.Fatal(err)
					}
					turn := stores.Turn{Tracker: conv.Tracker, Known: len(conv.Tracker.Events()), At: conv.At}
					conv.Tracker.UpdateAll(said("hello there", at))
					if _, err = s.Save(b.Context(), turn); err != nil {
						b.Fatal(err)
					}
					at += 100
					list, n := c.take()
					commands, received = commands+len(list), received+n
				}
				b.ReportMetric(float64(commands)/float64(b.N), "commands/op")
				b.ReportMetric(float64(received)/float64(b.N), "received-B/op")
			})
		}
	}
}
