package dynamo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/testservers"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// network counts requests and does to them what a test asks for.
type network struct {
	http.RoundTripper
	mu         sync.Mutex
	operations []string
	sent, got  int
	// lose makes the answers to that many requests get lost.
	lose int
	// refuse answers that many requests with an error of DynamoDB's.
	refuse int
	code   string
}

func (n *network) Do(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	n.operations = append(n.operations, operation)
	n.sent += int(r.ContentLength)
	if n.refuse > 0 {
		n.refuse--
		body := fmt.Sprintf(`{"__type": "com.amazonaws.dynamodb.v20120810#%s", "message": "as a test wants it"}`, n.code)
		return &http.Response{StatusCode: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
			Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	}
	resp, err := n.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	n.got += len(body)
	resp.Body = io.NopCloser(bytes.NewReader(body))
	if n.lose > 0 {
		n.lose--
		return nil, errors.New("connection reset by peer")
	}
	return resp, nil
}

func (n *network) reset() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.operations, n.sent, n.got = nil, 0, 0
}

// overNetwork returns a log whose requests go over a network of the test's.
func overNetwork(t *testing.T, segmentBytes int) (*Log, *network) {
	t.Helper()
	n := &network{RoundTripper: http.DefaultTransport}
	l := Open(Config{Client: client(t, func(o *dynamodb.Options) { o.HTTPClient = n }), Table: testservers.Name(t), SegmentBytes: segmentBytes})
	require.NoError(t, l.ready(t.Context()))
	n.reset()
	return l, n
}

// A turn is one read and one write, and the bytes of both do not grow with the conversation.
func TestCostOfTurns(t *testing.T) {
	for _, deliver := range []bool{false, true} {
		costs := map[int]int{}
		for _, events := range []int{10, 300, 2000} {
			l, n := overNetwork(t, 100_000)
			c := &conversation{t: t, l: l, f: factory(t), id: "u", clock: 1_795_000_000}
			var all []tracker.Event
			for len(all) < events {
				all = append(all, c.says("soup, please")...)
			}
			at, err := l.Append(t.Context(), stores.Turn{Tracker: c.f.FromEvents(c.id, all)})
			require.NoError(t, err)
			require.Equal(t, len(all), at.Count)
			tail, err := l.Read(t.Context(), c.id, stores.Position{}, true)
			require.NoError(t, err)
			require.Len(t, tail.Events, len(all))
			tr := c.f.FromEvents(c.id, all)

			n.reset()
			for i := range 5 {
				tail, err := l.Read(t.Context(), c.id, at, false)
				require.NoError(t, err)
				require.True(t, tail.Continues)
				require.Empty(t, tail.Events)
				known := len(tr.Events())
				tr.UpdateAll(c.says("more soup"))
				at, err = l.Append(t.Context(), stores.Turn{Tracker: tr, Known: known, At: tail.At, ID: fmt.Sprint(i), Deliver: deliver})
				require.NoError(t, err)
				if deliver {
					require.NoError(t, l.Settle(t.Context(), []stores.CommitRef{{SenderID: c.id, ID: fmt.Sprint(i)}}))
				}
			}
			write := "UpdateItem"
			if deliver {
				write = "TransactWriteItems"
			}
			turn := n.operations[:2]
			require.Equal(t, []string{"TransactGetItems", write}, turn)
			if !deliver {
				require.Len(t, n.operations, 10)
			}
			costs[events] = n.sent + n.got
			t.Logf("deliver %t, %d events: %d bytes a turn", deliver, events, costs[events]/5)
		}
		require.Less(t, float64(costs[2000]), 1.3*float64(costs[10]))
	}
}

// A write that got no answer may have taken place: it is not sent again, unless DynamoDB recognises it, and never taken for
// refused.
func TestLostAnswers(t *testing.T) {
	for _, deliver := range []bool{false, true} {
		l, n := overNetwork(t, 0)
		c := &conversation{t: t, l: l, f: factory(t), id: "u", clock: 1_795_000_000}
		c.turn(c.session()...)
		tail, err := l.Read(t.Context(), c.id, stores.Position{}, false)
		require.NoError(t, err)
		turn := stores.Turn{Tracker: c.f.FromEvents(c.id, append(tail.Events, c.says("soup")...)), Known: len(tail.Events), At: tail.At, ID: "c", Deliver: deliver}
		n.reset()
		n.lose = 1
		_, err = l.Append(t.Context(), turn)
		if deliver {
			require.NoError(t, err)
			require.Len(t, n.operations, 2)
		} else {
			require.ErrorIs(t, err, stores.ErrUnavailable)
			require.NotErrorIs(t, err, stores.ErrConflict)
			require.Len(t, n.operations, 1)
		}
		tail, err = l.Read(t.Context(), c.id, stores.Position{}, false)
		require.NoError(t, err)
		require.Len(t, tail.Events, 9)
		_, err = l.Append(t.Context(), turn)
		require.ErrorIs(t, err, stores.ErrConflict)
	}
}

func TestErrorsOfDynamoDB(t *testing.T) {
	l, n := overNetwork(t, 0)
	c := &conversation{t: t, l: l, f: factory(t), id: "u", clock: 1_795_000_000}
	c.turn(c.session()...)
	tail, err := l.Read(t.Context(), c.id, stores.Position{}, false)
	require.NoError(t, err)
	turn := stores.Turn{Tracker: c.f.FromEvents(c.id, append(tail.Events, c.says("soup")...)), Known: len(tail.Events), At: tail.At}
	for code, want := range map[string]error{
		"ProvisionedThroughputExceededException": stores.ErrUnavailable,
		"ThrottlingException":                    stores.ErrUnavailable,
		"AccessDeniedException":                  stores.ErrUnavailable,
		"ExpiredTokenException":                  stores.ErrUnavailable,
		"ResourceNotFoundException":              stores.ErrUnavailable,
		"TransactionConflictException":           stores.ErrUnavailable,
		"ConditionalCheckFailedException":        stores.ErrConflict,
	} {
		n.refuse, n.code = 100, code
		_, err := l.Append(t.Context(), turn)
		require.ErrorIs(t, err, want, code)
	}
	n.refuse, n.code = 100, "ValidationException"
	_, err = l.Append(t.Context(), turn)
	require.Error(t, err)
	require.NotErrorIs(t, err, stores.ErrUnavailable)

	n.refuse, n.code = 1, "ProvisionedThroughputExceededException"
	_, err = l.Append(t.Context(), turn)
	require.NoError(t, err, "it was turned away once")
}

func TestServerGone(t *testing.T) {
	s := testservers.DynamoDBServer(t)
	c := client(t, func(o *dynamodb.Options) { o.BaseEndpoint = aws.String(s.URL) })
	l := Open(Config{Client: c, Table: "states"})
	conv := &conversation{t: t, l: l, f: factory(t), id: "u", clock: 1_795_000_000}
	conv.turn(conv.session()...)

	s.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := l.Read(ctx, "u", stores.Position{}, false)
	require.ErrorIs(t, err, stores.ErrUnavailable)
	s.Cont()
	conv.turn(conv.says("soup")...)

	s.Kill()
	_, err = l.Read(t.Context(), "u", stores.Position{}, false)
	require.ErrorIs(t, err, stores.ErrUnavailable)
	_, err = Open(Config{Client: c, Table: "others"}).Read(t.Context(), "u", stores.Position{}, false)
	require.ErrorIs(t, err, stores.ErrUnavailable)
	_, err = l.Append(t.Context(), stores.Turn{Tracker: conv.f.FromEvents("v", conv.says("soup"))})
	require.ErrorIs(t, err, stores.ErrUnavailable)
	_, err = l.Timers().Claim(t.Context(), time.Now(), time.Minute, 1)
	require.ErrorIs(t, err, stores.ErrUnavailable)
	s.Restart()
	conv.turn(conv.says("cake")...)
	tail, err := l.Read(t.Context(), "u", stores.Position{}, true)
	require.NoError(t, err)
	require.Equal(t, sorted(maps(conv.events)), sorted(maps(tail.Events)))
}

func TestOptions(t *testing.T) {
	for name, c := range map[string]struct {
		options *value.Map
		want    string
	}{
		"table":    {value.NewMap("table_name", ""), `endpoints.yml:3:1: component "dynamo": option "table_name" must not be empty`},
		"endpoint": {value.NewMap("endpoint_url", "localhost:8000"), `option "endpoint_url" must begin with http:// or https://`},
		"small":    {value.NewMap("segment_bytes", int64(10)), `option "segment_bytes" must be from 2000 to 350000`},
		"type":     {value.NewMap("region", int64(1)), `option "region" must be a string`},
	} {
		_, err := stores.Trackers.Build(component.Config{Name: "dynamo", Options: c.options, Pos: "endpoints.yml:3:1"})
		require.ErrorContains(t, err, c.want, name)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "local")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "local")
	s, err := stores.Trackers.Build(component.Config{Name: "dynamo", Pos: "endpoints.yml:3:1",
		Options: value.NewMap("table_name", testservers.Name(t), "region", "eu-central-1", "endpoint_url", testservers.DynamoDB(t))})
	require.NoError(t, err)
	conv, err := s.Load(t.Context(), factory(t), "nobody")
	require.NoError(t, err)
	require.Nil(t, conv.Tracker)
	require.NoError(t, s.Close())
}
