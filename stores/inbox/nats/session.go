package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/parleybot/parley/internal/natsnode"
	"github.com/parleybot/parley/stores"
)

const (
	// patience is how long a server may take for a request.
	patience = 5 * time.Second
	// deadAge is how long dead letters are kept.
	deadAge = 30 * 24 * time.Hour
	// minRecordAge is the least time for which the record of a conversation is kept when nobody writes it.
	minRecordAge = time.Minute
)

// session is what an open inbox works with.
type session struct {
	conn              *nats.Conn
	js                jetstream.JetStream
	messages, records jetstream.Stream
}

// session returns the open streams, which it makes if need be.
func (in *Inbox) session(ctx context.Context) (*session, error) {
	if s := in.open.Load(); s != nil {
		return s, nil
	}
	select {
	case in.opening <- struct{}{}:
		defer func() { <-in.opening }()
	case <-ctx.Done():
		return nil, in.failed("opening the inbox", context.Cause(ctx))
	}
	if s := in.open.Load(); s != nil {
		return s, nil
	}
	conn, err := in.node.Conn(ctx)
	if err != nil {
		return nil, in.failed("opening the inbox", err)
	}
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, in.failed("opening the inbox", err)
	}
	s := &session{conn: conn, js: js}
	if s.messages, err = js.CreateOrUpdateStream(ctx, in.messagesConfig()); err != nil {
		return nil, in.failed("opening the stream "+in.cfg.Stream, err)
	}
	if s.records, err = js.CreateOrUpdateStream(ctx, in.recordsConfig()); err != nil {
		return nil, in.failed("opening the stream "+in.recordStream(), err)
	}
	in.open.Store(s)
	return s, nil
}

func (in *Inbox) messagesConfig() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: in.cfg.Stream, Subjects: []string{in.subject("*")}, Description: "parley: messages whose turns are not stored yet",
		Storage: jetstream.FileStorage, Replicas: in.cfg.Replicas, Duplicates: in.cfg.DuplicateWindow,
		// Members of a cluster may be behind; then only the leader may be asked.
		AllowDirect: in.cfg.Replicas == 1,
	}
}

func (in *Inbox) recordsConfig() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: in.recordStream(), Subjects: []string{in.recordSubject("*")}, Description: "parley: who handles which conversation",
		Storage: jetstream.FileStorage, Replicas: in.cfg.Replicas, MaxMsgsPerSubject: 1, MaxAge: in.recordAge(), Duplicates: 100 * time.Millisecond,
		AllowDirect: in.cfg.Replicas == 1,
	}
}

// recordAge is for how long a record is kept that nobody writes. Owners write theirs more often.
func (in *Inbox) recordAge() time.Duration {
	return max(in.cfg.DuplicateWindow, 4*in.cfg.Lease, minRecordAge)
}

// purge deletes the messages of a subject. A stream that is not there has none.
func (in *Inbox) purge(ctx context.Context, s *session, stream, subject string) (int, error) {
	request, err := json.Marshal(map[string]string{"filter": subject})
	if err != nil {
		return 0, err
	}
	m, err := s.conn.RequestWithContext(ctx, "$JS.API.STREAM.PURGE."+stream, request)
	if err != nil {
		return 0, in.failed("deleting from the stream "+stream, err)
	}
	var answer struct {
		Purged int                 `json:"purged"`
		Error  *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return 0, fmt.Errorf("deleting from the stream %s: %w", stream, err)
	}
	if answer.Error != nil && answer.Error.ErrorCode != jetstream.JSErrCodeStreamNotFound {
		return 0, in.failed("deleting from the stream "+stream, answer.Error)
	}
	return answer.Purged, nil
}

// failed says what an error of the server means: everything but a message that is too long, a folder that another process
// owns and a closed inbox may be over the next time.
func (in *Inbox) failed(step string, err error) error {
	if errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, jetstream.ErrStreamNotFound) {
		in.open.Store(nil) // somebody deleted the streams: they are made again
	}
	for _, last := range []error{nats.ErrMaxPayload, nats.ErrConnectionClosed, natsnode.ErrOwned, natsnode.ErrClosed, context.Canceled} {
		if errors.Is(err, last) {
			return fmt.Errorf("%s: %w", step, err)
		}
	}
	return fmt.Errorf("%s: %w: %w", step, stores.ErrUnavailable, err)
}
