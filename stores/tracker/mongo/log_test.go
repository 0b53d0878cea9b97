package mongo_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	mongodriver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/parleybot/parley/internal/testservers"
	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/eventlog"
	"github.com/parleybot/parley/stores/tracker/mongo"
)

// counter notes the commands that a client sends and how many bytes come back.
type counter struct {
	mu       sync.Mutex
	commands []string
	received int
}

func (c *counter) monitor() *event.CommandMonitor {
	return &event.CommandMonitor{
		Started: func(_ context.Context, e *event.CommandStartedEvent) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.commands = append(c.commands, e.CommandName)
		},
		Succeeded: func(_ context.Context, e *event.CommandSucceededEvent) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.received += len(e.Reply)
		},
	}
}

// take returns what was noted and forgets it.
func (c *counter) take() (commands []string, received int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	commands, received = c.commands, c.received
	c.commands, c.received = nil, 0
	return commands, received
}

// TestCommandsOfTurn counts round trips: one read, one write, whatever the conversation's length, and other nodes' turns
// come with the read.
func TestCommandsOfTurn(t *testing.T) {
	f := factory(t, "testdata/domain.yml")
	cfg := config(t)
	var c counter
	other := closing(t, eventlog.New(open(t, cfg), eventlog.Config{}))
	cfg.Client = options.Client().ApplyURI(testservers.Mongo(t)).SetMonitor(c.monitor())
	l := open(t, cfg)
	s := closing(t, eventlog.New(l, eventlog.Config{}))
	load(t, s, f, "nobody") // prepares the collections
	time.Sleep(50 * time.Millisecond)
	c.take()

	turn(t, s, f, "u", "first", 1000)
	commands, first := c.take()
	require.Equal(t, []string{"aggregate", "update"}, commands)
	for i, text := range numbers("more", 50) {
		turn(t, s, f, "u", text, float64(1100+i*100))
		commands, received := c.take()
		require.Equal(t, []string{"aggregate", "update"}, commands)
		require.Less(t, received, first+1000)
	}
	turn(t, other, f, "u", "another node", 9000)
	turn(t, s, f, "u", "again", 9100)
	commands, received := c.take()
	require.Equal(t, []string{"aggregate", "update"}, commands)
	require.Less(t, received, first+3000)
	require.Len(t, texts(load(t, s, f, "u")), 53)

	c.take()
	save(t, s, f, "u", func(turn *stores.Turn) { turn.ID, turn.Deliver = "c1", true }, said("to deliver", 9200)...)
	require.NoError(t, s.Settle(t.Context(), []stores.CommitRef{{SenderID: "u", ID: "c1"}, {SenderID: "v", ID: "c2"}}))
	commands, _ = c.take()
	require.Equal(t, []string{"aggregate", "update", "update"}, commands)
	require.Equal(t, bson.Type(0), stored(t, database(t, cfg), "u").Lookup("_parley").Type)

	c.take()
	cold := eventlog.New(l, eventlog.Config{CacheEvents: -1})
	require.Len(t, texts(load(t, cold, f, "u")), 54)
	commands, _ = c.take()
	require.Equal(t, []string{"aggregate"}, commands, "a node that does not know the conversation reads it in one round trip")
}

// TestLostUpdates lets many nodes append to the same conversations, new ones among them, without a lock.
func TestLostUpdates(t *testing.T) {
	const nodes, turns = 6, 40
	f := factory(t, "testdata/domain.yml")
	cfg := config(t)
	cfg.Segments, cfg.SegmentEvents = mongo.SegmentAlways, 100
	var done sync.WaitGroup
	for n := range nodes {
		s := closing(t, eventlog.New(open(t, cfg), eventlog.Config{}))
		done.Go(func() {
			for i := range turns {
				for tries := 0; ; tries++ {
					conv, err := s.Load(context.Background(), f, "u")
					if err == nil {
						tr := conv.Tracker
						if tr == nil {
							tr = f.New("u")
						}
						turn := stores.Turn{Tracker: tr, Known: len(tr.Events()), At: conv.At}
						tr.UpdateAll(said(fmt.Sprintf("%d/%d", n, i), float64(1000+i)))
						if _, err = s.Save(context.Background(), turn); err == nil {
							break
						}
					}
					if tries > 1000 || !strings.Contains(err.Error(), stores.ErrConflict.Error()) {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	done.Wait()
	s := closing(t, eventlog.New(open(t, cfg), eventlog.Config{}))
	conv, err := s.LoadAll(t.Context(), f, "u")
	require.NoError(t, err)
	seen := map[string]int{}
	for _, text := range texts(conv.Tracker) {
		seen[text]++
	}
	require.Len(t, seen, nodes*turns)
	require.Len(t, conv.Tracker.Events(), nodes*turns*5)
	stored(t, database(t, cfg), "u") // it is one document
}

// TestNumericSender reads a conversation whose sender_id is a number, as old versions of Rasa wrote it.
func TestNumericSender(t *testing.T) {
	f := factory(t, "testdata/domain.yml")
	cfg := config(t)
	s := closing(t, eventlog.New(open(t, cfg), eventlog.Config{}))
	turn(t, s, f, "4711", "hello", 1000)
	conversations := database(t, cfg).Collection("conversations")
	_, err := conversations.UpdateOne(t.Context(), bson.D{{Key: "sender_id", Value: "4711"}}, bson.D{{Key: "$set", Value: bson.D{{Key: "sender_id", Value: 4711}}}})
	require.NoError(t, err)
	require.Equal(t, []string{"hello"}, texts(load(t, closing(t, eventlog.New(open(t, cfg), eventlog.Config{})), f, "4711")))
	stored(t, database(t, cfg), "4711")
	_, err = conversations.UpdateOne(t.Context(), bson.D{{Key: "sender_id", Value: "4711"}}, bson.D{{Key: "$set", Value: bson.D{{Key: "sender_id", Value: 4711}}}})
	require.NoError(t, err)
	n, err := s.Delete(t.Context(), "4711")
	require.NoError(t, err)
	require.Equal(t, 5, n)
	for _, id := range []string{"²", "99999999999999999999", "-1", ""} {
		require.Empty(t, load(t, s, f, id).Events())
	}
}

func TestDuplicates(t *testing.T) {
	f := factory(t, "testdata/domain.yml")
	cfg := config(t)
	var text strings.Builder
	cfg.Env.Logger = slog.New(slog.NewTextHandler(&text, nil))
	conversations := database(t, cfg).Collection("conversations")
	for _, id := range []string{"a", "b", "b", "c"} {
		_, err := conversations.InsertOne(t.Context(), bson.D{{Key: "sender_id", Value: id}, {Key: "events", Value: bson.A{}}})
		require.NoError(t, err)
	}
	l := open(t, cfg)
	ids, err := l.Duplicates(t.Context(), 10)
	require.NoError(t, err)
	require.Equal(t, []string{"b"}, ids)
	s := eventlog.New(l, eventlog.Config{})
	turn(t, s, f, "b", "hello", 1000)
	require.Equal(t, []string{"hello"}, texts(load(t, s, f, "b")))
	found, err := s.IDs(t.Context(), stores.Query{}, "", 2)
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, found)
	found, err = s.IDs(t.Context(), stores.Query{}, "a", 2)
	require.NoError(t, err)
	require.Equal(t, []string{"b", "c"}, found)
	require.NoError(t, s.Close())
	require.Contains(t, text.String(), "more than one document")
}

// TestForeignIndex starts beside an index that somebody made unique.
func TestForeignIndex(t *testing.T) {
	f := factory(t, "testdata/domain.yml")
	cfg := config(t)
	_, err := database(t, cfg).Collection("conversations").Indexes().CreateOne(t.Context(),
		mongodriver.IndexModel{Keys: bson.D{{Key: "sender_id", Value: 1}}, Options: options.Index().SetUnique(true)})
	require.NoError(t, err)
	turn(t, closing(t, eventlog.New(open(t, cfg), eventlog.Config{})), f, "u", "hello", 1000)
}

// TestUnavailable checks what is said of a server that is not there, does not answer, or comes back.
func TestUnavailable(t *testing.T) {
	f := factory(t, "testdata/domain.yml")
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	cfg := mongo.Config{Client: options.Client().ApplyURI("mongodb://" + closed.Addr().String()).SetServerSelectionTimeout(100 * time.Millisecond)}
	absent := closing(t, eventlog.New(open(t, cfg), eventlog.Config{}))
	_, err = absent.Load(t.Context(), f, "u")
	require.ErrorIs(t, err, stores.ErrUnavailable)

	server := testservers.MongoServer(t)
	cfg = mongo.Config{Client: options.Client().ApplyURI(server.URL).SetTimeout(2 * time.Second).SetServerSelectionTimeout(2 * time.Second)}
	s := closing(t, eventlog.New(open(t, cfg), eventlog.Config{}))
	answers := func() bool {
		_, err := s.Load(t.Context(), f, "u")
		return err == nil
	}
	require.Eventually(t, answers, 30*time.Second, 50*time.Millisecond) // its first answers may come late
	turn(t, s, f, "u", "before", 1000)
	conv, err := s.Load(t.Context(), f, "u")
	require.NoError(t, err)
	server.Stop()
	_, err = s.Load(t.Context(), f, "u")
	require.ErrorIs(t, err, stores.ErrUnavailable)
	_, err = s.Save(t.Context(), stores.Turn{Tracker: conv.Tracker, Known: len(conv.Tracker.Events()), At: conv.At})
	require.ErrorIs(t, err, stores.ErrUnavailable)
	require.NotErrorIs(t, err, stores.ErrConflict)
	_, err = s.IDs(t.Context(), stores.Query{}, "", 0)
	require.ErrorIs(t, err, stores.ErrUnavailable)
	_, err = s.Timers().Claim(t.Context(), time.Now(), time.Minute, 1)
	require.ErrorIs(t, err, stores.ErrUnavailable)
	server.Cont()
	require.Eventually(t, answers, 30*time.Second, 50*time.Millisecond)
	require.Equal(t, []string{"before"}, texts(load(t, s, f, "u")))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.Load(ended, f, "u")
	require.ErrorIs(t, err, context.Canceled)
}
