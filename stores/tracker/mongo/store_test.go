package mongo_test

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	mongodriver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.uber.org/goleak"

	"github.com/parleybot/parley/internal/testservers"
	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/eventlog"
	"github.com/parleybot/parley/stores/storetest"
	"github.com/parleybot/parley/stores/tracker/mongo"
)

// config is that of a log in a database of its own on the shared server.
func config(t *testing.T) mongo.Config {
	t.Helper()
	return mongo.Config{Client: options.Client().ApplyURI(testservers.Mongo(t)).SetTimeout(10 * time.Second), DB: testservers.Name(t)}
}

func open(t *testing.T, cfg mongo.Config) *mongo.Log {
	t.Helper()
	l, err := mongo.Open(cfg)
	require.NoError(t, err)
	return l
}

// closing closes c at the end of the test.
func closing[C io.Closer](t *testing.T, c C) C {
	t.Helper()
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// database is the database of cfg, as another program sees it.
func database(t *testing.T, cfg mongo.Config) *mongodriver.Database {
	t.Helper()
	client, err := mongodriver.Connect(cfg.Client)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Disconnect(context.Background())) })
	return client.Database(cfg.DB)
}

func TestStore(t *testing.T) {
	for name, change := range map[string]func(*mongo.Config){
		"usual":         func(*mongo.Config) {},
		"short":         func(c *mongo.Config) { c.SegmentEvents = 20 },
		"always shorts": func(c *mongo.Config) { c.Segments, c.SegmentEvents = mongo.SegmentAlways, 20 },
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Trackers(t, func(t *testing.T) storetest.Place {
				cfg := config(t)
				change(&cfg)
				return func() stores.TrackerStore { return eventlog.New(open(t, cfg), eventlog.Config{}) }
			})
		})
	}
}

// TestWithoutCache reads every conversation from the beginning.
func TestWithoutCache(t *testing.T) {
	storetest.Trackers(t, func(t *testing.T) storetest.Place {
		cfg := config(t)
		cfg.Segments, cfg.SegmentEvents = mongo.SegmentAlways, 20
		return func() stores.TrackerStore { return eventlog.New(open(t, cfg), eventlog.Config{CacheEvents: -1}) }
	})
}

func TestCloseLeavesNoGoroutines(t *testing.T) {
	cfg := config(t)
	before := goleak.IgnoreCurrent()
	l := open(t, cfg)
	_, err := l.IDs(t.Context(), stores.Query{}, "", 0)
	require.NoError(t, err)
	require.NoError(t, l.Close())
	goleak.VerifyNone(t, before)
}

// stored returns the only document of a conversation.
func stored(t *testing.T, db *mongodriver.Database, senderID string) bson.Raw {
	t.Helper()
	cursor, err := db.Collection("conversations").Find(t.Context(), bson.D{{Key: "sender_id", Value: senderID}})
	require.NoError(t, err)
	var found []bson.Raw
	require.NoError(t, cursor.All(t.Context(), &found))
	require.Len(t, found, 1)
	return found[0]
}
