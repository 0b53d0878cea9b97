//go:build mixed

package mixed

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/parleybot/parley/internal/testservers"
)

// database is a tracker store as the test sees it from outside.
type database struct {
	// section is what endpoints.yml says, the same for both kinds of nodes.
	section string
	// empty removes all conversations.
	empty func()
	// stored returns how many documents, keys or rows there are of each sender.
	stored func() map[string]int
	// single tells that there must be one of each sender.
	single bool
}

// open makes the database of a type of endpoints.yml.
func open(t *testing.T, kind string) database {
	t.Helper()
	switch kind {
	case "mongod":
		return openMongo(t)
	case "redis":
		return openRedis(t)
	case "SQL":
		return openSQL(t)
	}
	require.FailNow(t, "no store "+kind)
	return database{}
}

func openMongo(t *testing.T) database {
	server, name := testservers.Mongo(t), testservers.Name(t)
	client, err := mongo.Connect(options.Client().ApplyURI(server))
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Disconnect(context.Background()) }) // the server goes as well
	conversations := client.Database(name).Collection("conversations")
	return database{
		section: fmt.Sprintf("tracker_store:\n  type: mongod\n  url: %s\n  db: %s\n", server, name),
		single:  true,
		empty: func() {
			_, err := conversations.DeleteMany(t.Context(), bson.D{})
			require.NoError(t, err)
		},
		stored: func() map[string]int {
			cursor, err := conversations.Find(t.Context(), bson.D{}, options.Find().SetProjection(bson.D{{Key: "sender_id", Value: 1}}))
			require.NoError(t, err)
			var list []struct {
				Sender string `bson:"sender_id"`
			}
			require.NoError(t, cursor.All(t.Context(), &list))
			count := map[string]int{}
			for _, d := range list {
				count[d.Sender]++
			}
			return count
		},
	}
}

func openRedis(t *testing.T) database {
	server := testservers.RedisWith(t, "--save", "")
	host, port, err := net.SplitHostPort(server.Addr)
	require.NoError(t, err)
	client := redis.NewClient(&redis.Options{Addr: server.Addr})
	t.Cleanup(func() { _ = client.Close() }) // the server goes as well
	return database{
		section: fmt.Sprintf("tracker_store:\n  type: redis\n  url: %s\n  port: %s\n", host, port),
		single:  true,
		empty:   func() { require.NoError(t, client.FlushDB(t.Context()).Err()) },
		stored: func() map[string]int {
			keys, err := client.Keys(t.Context(), "tracker:*").Result()
			require.NoError(t, err)
			count := map[string]int{}
			for _, key := range keys {
				count[strings.TrimPrefix(key, "tracker:")]++
			}
			return count
		},
	}
}

func openSQL(t *testing.T) database {
	address := testservers.Postgres(t)
	to, err := url.Parse(address)
	require.NoError(t, err)
	db, err := sql.Open("pgx", address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() }) // the server goes as well
	return database{
		section: fmt.Sprintf("tracker_store:\n  type: SQL\n  dialect: postgresql\n  url: %s\n  port: %s\n  db: %s\n  username: %s\n",
			to.Hostname(), to.Port(), strings.TrimPrefix(to.Path, "/"), to.User.Username()),
		empty: func() {
			_, err := db.ExecContext(t.Context(), "DELETE FROM events")
			require.NoError(t, err)
		},
		stored: func() map[string]int {
			rows, err := db.QueryContext(t.Context(), "SELECT sender_id, COUNT(*) FROM events GROUP BY sender_id")
			require.NoError(t, err)
			defer rows.Close()
			count := map[string]int{}
			for rows.Next() {
				var sender string
				var n int
				require.NoError(t, rows.Scan(&sender, &n))
				count[sender] = n
			}
			require.NoError(t, rows.Err())
			return count
		},
	}
}
