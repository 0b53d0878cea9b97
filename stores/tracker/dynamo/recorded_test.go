package dynamo

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/testservers"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
	"github.com/parleybot/parley/stores"
)

// After -update conformance/stores/dynamo.py record has to be run again: it records what Rasa makes of the new files.
var update = flag.Bool("update", false, "write testdata/parley_*.json")

func factory(t *testing.T) *tracker.Factory {
	t.Helper()
	d, problems := project.ParseDomain([]byte(`
version: "3.1"
intents: [greet, order]
slots:
  dish: {type: text, mappings: [{type: custom}]}
  extras: {type: list, mappings: [{type: custom}]}
responses:
  utter_hello: [{text: Hello}]
actions: [action_cook]
forms:
  order_form: {required_slots: [dish]}
`), "domain.yml")
	require.NoError(t, problems.Err())
	return tracker.NewFactory(d)
}

// plain returns an attribute in the JSON of DynamoDB's protocol.
func plain(a attr) any {
	switch a := a.(type) {
	case *text:
		return value.NewMap("S", a.Value)
	case *number:
		return value.NewMap("N", a.Value)
	case *truth:
		return value.NewMap("BOOL", a.Value)
	case *list:
		out := make([]any, len(a.Value))
		for i, item := range a.Value {
			out[i] = plain(item)
		}
		return value.NewMap("L", out)
	case *mapping:
		return value.NewMap("M", plainItem(a.Value))
	}
	return value.NewMap("NULL", true)
}

func plainItem(d document) *value.Map {
	m := value.NewMap()
	for key, a := range d {
		m.Set(key, plain(a))
	}
	return m
}

// fromPlain is the reverse of plain.
func fromPlain(t *testing.T, v any) attr {
	t.Helper()
	for kind, v := range v.(*value.Map).All() {
		switch kind {
		case "S":
			return &text{Value: v.(string)}
		case "N":
			return &number{Value: v.(string)}
		case "BOOL":
			return &truth{Value: v.(bool)}
		case "NULL":
			return &null{Value: true}
		case "L":
			out := []attr{}
			for _, item := range v.([]any) {
				out = append(out, fromPlain(t, item))
			}
			return &list{Value: out}
		case "M":
			return &mapping{Value: fromPlainItem(t, v.(*value.Map))}
		}
	}
	t.Fatalf("%s is no attribute", value.Repr(v))
	return nil
}

func fromPlainItem(t *testing.T, m *value.Map) document {
	t.Helper()
	d := document{}
	for key, v := range m.All() {
		d[key] = fromPlain(t, v)
	}
	return d
}

func readFile(t *testing.T, path string) *value.Map {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	m, err := value.DecodeObject(content)
	require.NoError(t, err)
	return m
}

func put(t *testing.T, c *dynamodb.Client, table string, item document) {
	t.Helper()
	_, err := c.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: item})
	require.NoError(t, err)
}

func rawItem(t *testing.T, l *Log, id string) document {
	t.Helper()
	out, err := l.client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &l.table, Key: document{fieldSender: senderKey(id)}, ConsistentRead: aws.Bool(true)})
	require.NoError(t, err)
	return out.Item
}

func maps(events []tracker.Event) []any {
	out := make([]any, len(events))
	for i, e := range events {
		out[i] = tracker.AsMap(e)
	}
	return out
}

func sorted(v any) string { return string(value.Encode(v, value.SortKeys)) }

func openLog(t *testing.T, bytes int) *Log {
	t.Helper()
	l := Open(Config{Client: client(t), Table: testservers.Name(t), SegmentBytes: bytes})
	require.NoError(t, l.ready(t.Context()))
	return l
}

// What Rasa wrote is read as Rasa reads it, and written the same.
func TestRasasItems(t *testing.T) {
	paths, err := filepath.Glob("testdata/rasa_*.json")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".json"), func(t *testing.T) {
			recorded := readFile(t, path)
			item := fromPlainItem(t, recorded.Map("item"))
			id := textOf(item[fieldSender])
			l := openLog(t, 0)
			put(t, l.client, l.table, item)

			tail, err := l.Read(t.Context(), id, stores.Position{}, false)
			require.NoError(t, err)
			require.True(t, tail.Found)
			require.Equal(t, sorted(recorded.List("retrieve")), sorted(maps(tail.Events)))

			// Goes on where Rasa ended.
			f := factory(t)
			tr := f.FromEvents(id, tail.Events)
			tr.Update(&tracker.ActionExecuted{Base: tracker.Base{Timestamp: 1_800_000_000}, Name: "action_cook", Confidence: 1})
			at, err := l.Append(t.Context(), stores.Turn{Tracker: tr, Known: len(tail.Events), At: tail.At})
			require.NoError(t, err)
			require.Equal(t, len(tail.Events)+1, at.Count)

			// From the start.
			other := openLog(t, 0)
			_, err = other.Append(t.Context(), stores.Turn{Tracker: f.FromEvents(id, tail.Events)})
			require.NoError(t, err)
			require.Equal(t, normal(item), normal(rawItem(t, other, id)))
		})
	}
}

// normal returns an item with numbers as Rasa rounds them.
func normal(a any) string {
	d, ok := a.(document)
	if ok {
		return normal(plainItem(d))
	}
	v := walk(a, func(n string) string {
		f, _ := strconv.ParseFloat(n, 64)
		return strconv.FormatFloat(f, 'f', 9, 64)
	})
	return sorted(v)
}

func walk(v any, number func(string) string) any {
	switch v := v.(type) {
	case *value.Map:
		out := value.NewMap()
		for key, item := range v.All() {
			if s, ok := item.(string); ok && key == "N" {
				item = number(s)
			}
			out.Set(key, walk(item, number))
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = walk(item, number)
		}
		return out
	}
	return v
}

// conversation writes turns to a log and returns all events.
type conversation struct {
	t      *testing.T
	l      *Log
	f      *tracker.Factory
	id     string
	clock  float64
	events []tracker.Event
}

func (c *conversation) base() tracker.Base {
	c.clock += 0.3700001
	return tracker.Base{Timestamp: c.clock}
}

func (c *conversation) turn(events ...tracker.Event) {
	c.t.Helper()
	tail, err := c.l.Read(c.t.Context(), c.id, stores.Position{}, false)
	require.NoError(c.t, err)
	tr := c.f.FromEvents(c.id, append(tail.Events, events...))
	_, err = c.l.Append(c.t.Context(), stores.Turn{Tracker: tr, Known: len(tail.Events), At: tail.At})
	require.NoError(c.t, err)
	c.events = append(c.events, events...)
}

func (c *conversation) session() []tracker.Event {
	return []tracker.Event{&tracker.ActionExecuted{Base: c.base(), Name: tracker.ActionSessionStart, Confidence: 1}, &tracker.SessionStarted{Base: c.base()},
		&tracker.ActionExecuted{Base: c.base(), Name: tracker.ActionListen, Confidence: tracker.NoConfidence}}
}

func (c *conversation) says(message string) []tracker.Event {
	parse := value.NewMap("text", message, "intent", value.NewMap("name", "greet", "confidence", 0.9876543210987),
		"entities", []any{value.NewMap("entity", "dish", "start", int64(0), "end", int64(4), "value", message[:4])}, "text_tokens", []any{[]any{int64(0), int64(4)}})
	u := tracker.NewUserUttered(message, parse, "rest", "m", value.NewMap("page", int64(3)))
	u.Base.Timestamp = c.base().Timestamp
	return []tracker.Event{u, &tracker.DefinePrevUserUtteredFeaturization{Base: c.base()},
		&tracker.SlotSet{Base: c.base(), Key: "dish", Value: message[:4]},
		&tracker.ActionExecuted{Base: c.base(), Name: "utter_hello", Policy: "RulePolicy", Confidence: 1},
		&tracker.BotUttered{Base: c.base(), Text: "Grüß Gott 🍑", Data: value.NewMap("custom", nil)},
		&tracker.ActionExecuted{Base: c.base(), Name: tracker.ActionListen, Policy: "RulePolicy", Confidence: 1}}
}

// parleys are conversations that are written as testdata/parley_*.json.
var parleys = map[string]struct {
	bytes int
	write func(c *conversation)
}{
	"plain": {0, func(c *conversation) {
		c.turn(c.session()...)
		c.turn(c.says("soup, please")...)
	}},
	"odd": {0, func(c *conversation) {
		c.turn(c.session()...)
		c.turn(&tracker.SlotSet{Base: c.base(), Key: "extras", Value: []any{int64(1), 2.0, 1e300, "", value.NewMap("", int64(1), "_parley", "x", "a.b", nil)}})
	}},
	"sessions": {6000, func(c *conversation) {
		for range 4 {
			c.turn(c.session()...)
			c.turn(c.says("soup, please")...)
			c.turn(c.says("cake!")...)
		}
	}},
	"parted": {5000, func(c *conversation) {
		c.turn(c.session()...)
		c.turn(&tracker.SlotSet{Base: c.base(), Key: "extras", Value: []any{int64(1), "two"}}, &tracker.ActiveLoop{Base: c.base(), Name: "order_form"},
			&tracker.ActionExecuted{Base: c.base(), Name: tracker.ActionListen, Confidence: 1})
		for i := range 9 {
			c.turn(c.says(fmt.Sprint("rice no ", i))...)
		}
	}},
}

// Items that parley writes stay as recorded; what Rasa reads of them and writes back was recorded by
// conformance/stores/dynamo.py and is read with all events.
func TestItemsForRasa(t *testing.T) {
	for name, p := range parleys {
		t.Run(name, func(t *testing.T) {
			l := openLog(t, p.bytes)
			ids := 0
			l.newID = func() string { ids++; return fmt.Sprint("id", ids) }
			c := &conversation{t: t, l: l, f: factory(t), id: "parley " + name, clock: 1_795_000_000}
			p.write(c)
			file := "testdata/parley_" + name + ".json"
			item := rawItem(t, l, c.id)
			written := value.NewMap("item", plainItem(item), "segments", segments(t, l, c.id))
			if *update {
				var indented any
				require.NoError(t, json.Unmarshal(value.Encode(written, value.JSON), &indented))
				content, err := json.MarshalIndent(indented, "", " ")
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(file, append(content, '\n'), 0o600))
				return
			}
			require.Equal(t, normal(readFile(t, file)), normal(written))

			all, err := l.Read(t.Context(), c.id, stores.Position{}, true)
			require.NoError(t, err)
			require.Equal(t, sorted(maps(c.events)), sorted(maps(all.Events)))
			session, err := l.Read(t.Context(), c.id, stores.Position{}, false)
			require.NoError(t, err)
			rasas := readFile(t, "testdata/parley_"+name+".rasa.json")
			requireSameState(t, c.f, session.Events, rasas)

			// A node of Rasa took the next turn.
			after := fromPlainItem(t, rasas.Map("item"))
			put(t, l.client, l.table, after)
			tail, err := l.Read(t.Context(), c.id, all.At, false)
			require.NoError(t, err)
			require.Len(t, tail.Events, 7)
			require.True(t, tail.Continues, "the item of Rasa goes on from what was there")
			for _, since := range []stores.Position{{}, tail.At} {
				joined, err := l.Read(t.Context(), c.id, since, true)
				require.NoError(t, err)
				require.Len(t, joined.Events, len(c.events)+7)
				require.Equal(t, len(c.events)+7, joined.At.Count)
				for i, e := range c.events {
					require.Equal(t, e.Type(), joined.Events[i].Type())
					require.InDelta(t, e.Meta().Timestamp, joined.Events[i].Meta().Timestamp, 1e-6)
					require.Empty(t, joined.Events[i].Meta().Metadata.Value(fieldOwn))
				}
			}
			c.turn(c.says("more")...)
			n, err := l.Delete(t.Context(), c.id)
			require.NoError(t, err)
			require.Equal(t, len(c.events)+7, n)
			require.Empty(t, segments(t, l, c.id))
		})
	}
}

// requireSameState checks that Rasa came to the slots and the loop that the events lead to.
func requireSameState(t *testing.T, f *tracker.Factory, events []tracker.Event, rasas *value.Map) {
	t.Helper()
	tr := f.FromEvents("u", events)
	for name, v := range tr.SlotValues().All() {
		if s, ok := v.(string); ok || v == nil {
			require.Equal(t, s, rasas.Map("slots").String(name), name)
		}
	}
	require.Equal(t, tr.State().LoopName(), rasas.String("active_loop"))
}

func segments(t *testing.T, l *Log, id string) []any {
	t.Helper()
	found, err := l.tables.has(t.Context(), l.segmentsTable())
	require.NoError(t, err)
	out := []any{}
	if found {
		require.NoError(t, l.eachSegment(t.Context(), l.segmentsQuery(id), func(d document) error {
			out = append(out, plainItem(d))
			return nil
		}))
	}
	return out
}
