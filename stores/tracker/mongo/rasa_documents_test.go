package mongo_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
	"github.com/parleybot/parley/stores"
)

func factory(t testing.TB, file string) *tracker.Factory {
	t.Helper()
	domain, problems := project.LoadDomain(file)
	require.NoError(t, problems.Err())
	return tracker.NewFactory(domain)
}

// asJSON prints events with the keys in order.
func asJSON(t *testing.T, events any) string {
	t.Helper()
	if list, ok := events.([]tracker.Event); ok {
		maps := make([]any, len(list))
		for i, e := range list {
			maps[i] = tracker.AsMap(e)
		}
		events = maps
	}
	return strings.ReplaceAll(string(value.Encode(events, value.JSON)), "}, {", "},\n{")
}

// TestRasaDocuments reads documents that real Rasa wrote (conformance/stores/mongo.py record) and writes them again.
func TestRasaDocuments(t *testing.T) {
	f := factory(t, "testdata/domain.yml")
	files, err := filepath.Glob("testdata/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			var parts struct{ Document, Retrieve, Full json.RawMessage }
			require.NoError(t, json.Unmarshal(readable(data), &parts))
			var document bson.Raw
			require.NoError(t, bson.UnmarshalExtJSON(parts.Document, true, &document))
			recorded, err := value.DecodeObject(data)
			require.NoError(t, err)
			last, all := readDocument(t, document)
			require.Equal(t, asJSON(t, orEmpty(recorded.List("retrieve"))), asJSON(t, last))
			require.Equal(t, asJSON(t, orEmpty(recorded.List("full"))), asJSON(t, all))
			writeDocument(t, f, document, last, all)
		})
	}
}

// readable replaces the numbers that Python's JSON has and Go's does not; they are only in parts that are not used.
func readable(data []byte) []byte {
	return []byte(strings.ReplaceAll(string(data), ": Infinity", ": null"))
}

func orEmpty(list []any) []any {
	if list == nil {
		return []any{}
	}
	return list
}

// readDocument returns what the store reads of a document: the last session and all.
func readDocument(t *testing.T, document bson.Raw) (last, all []tracker.Event) {
	t.Helper()
	cfg := config(t)
	l := closing(t, open(t, cfg))
	_, err := database(t, cfg).Collection("conversations").InsertOne(t.Context(), document)
	require.NoError(t, err)
	sender := document.Lookup("sender_id").StringValue()
	tail, err := l.Read(t.Context(), sender, stores.Position{}, false)
	require.NoError(t, err)
	require.True(t, tail.Found)
	require.False(t, tail.Continues)
	whole, err := l.Read(t.Context(), sender, stores.Position{}, true)
	require.NoError(t, err)
	require.Equal(t, tail.At.Count, whole.At.Count)
	return tail.Events, whole.Events
}

// writeDocument writes the same conversation and compares the documents, byte by byte in each field.
func writeDocument(t *testing.T, f *tracker.Factory, want bson.Raw, last, all []tracker.Event) {
	t.Helper()
	cfg := config(t)
	l := closing(t, open(t, cfg))
	sender := want.Lookup("sender_id").StringValue()
	var at stores.Position
	var err error
	if before := all[:len(all)-len(last)]; len(before) > 0 {
		at, err = l.Append(t.Context(), stores.Turn{Tracker: f.FromEvents(sender, before)})
		require.NoError(t, err)
	}
	at, err = l.Append(t.Context(), stores.Turn{Tracker: f.FromEvents(sender, last), At: at})
	require.NoError(t, err)
	require.Equal(t, len(all), at.Count)
	got := stored(t, database(t, cfg), sender)
	require.ElementsMatch(t, keys(t, want), keys(t, got))
	for _, key := range keys(t, want) {
		if key != "_id" {
			require.True(t, want.Lookup(key).Equal(got.Lookup(key)), "%s: want %s, got %s", key, want.Lookup(key), got.Lookup(key))
		}
	}
	require.Equal(t, bson.TypeObjectID, got.Lookup("_id").Type)
}

func keys(t *testing.T, document bson.Raw) []string {
	t.Helper()
	elements, err := document.Elements()
	require.NoError(t, err)
	out := make([]string, len(elements))
	for i, e := range elements {
		out[i] = e.Key()
	}
	return out
}
