package mongo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

func TestOptionErrors(t *testing.T) {
	for _, c := range []struct {
		name    string
		options *value.Map
		want    string
	}{
		{"no address", value.NewMap("url", "http://db"), `option "url" cannot be used: `},
		{"hidden password", value.NewMap("url", "mongodb://me:secret@db/?replicaSet=a&w=x&ssl=perhaps"), `option "url" cannot be used: it is not an address of MongoDB`},
		{"unacknowledged", value.NewMap("url", "mongodb://db/?w=0"), `option "url" asks for unacknowledged writes`},
		{"segments", value.NewMap("segments", "some"), `option "segments" must be sessions, always or off, not "some"`},
		{"segment_events", value.NewMap("segment_events", int64(3)), `option "segment_events" must be at least 20`},
		{"authority", value.NewMap("tls_ca_file", "/nowhere/ca.pem"), `option "tls_ca_file" cannot be used: reading certificates: open /nowhere/ca.pem`},
		{"certificate", value.NewMap("tls_cert_file", "/nowhere/own.pem"), `option "tls_cert_file" cannot be used: reading the certificate /nowhere/own.pem`},
		{"type", value.NewMap("db", int64(1)), `option "db" must be a string, not 1`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := stores.Trackers.Build(component.Config{Name: "mongod", Options: c.options, Pos: "endpoints.yml:3:3"})
			require.ErrorContains(t, err, "endpoints.yml:3:3: component \"mongod\": "+c.want)
			require.NotContains(t, err.Error(), "secret")
		})
	}
}

func TestConnection(t *testing.T) {
	for _, c := range []struct {
		name                   string
		o                      storeOptions
		hosts                  []string
		user, password, source string
		concern                any
	}{
		{"defaults", storeOptions{}, []string{"localhost:27017"}, "", "", "", "majority"},
		{"bare host", storeOptions{URL: "db:1,db:2"}, []string{"db:1", "db:2"}, "", "", "", "majority"},
		{"user", storeOptions{URL: "mongodb://db", Username: "me", Password: "x", AuthSource: "users"}, []string{"db"}, "me", "x", "users", "majority"},
		{"user of Rasa's default", storeOptions{URL: "db", Username: "me", Password: "x"}, []string{"db"}, "me", "x", "admin", "majority"},
		{"user in the address", storeOptions{URL: "mongodb://me:x@db/users?w=1", AuthSource: "admin"}, []string{"db"}, "me", "x", "users", 1},
		{"option before address", storeOptions{URL: "mongodb://me:x@db/users", Username: "you", Password: "y"}, []string{"db"}, "you", "y", "admin", "majority"},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, err := c.o.client(&component.Config{Name: "mongod"})
			require.NoError(t, err)
			require.Equal(t, c.hosts, client.Hosts)
			if c.user == "" {
				require.Nil(t, client.Auth)
			} else {
				require.Equal(t, []string{c.user, c.password, c.source}, []string{client.Auth.Username, client.Auth.Password, client.Auth.AuthSource})
			}
			require.Equal(t, c.concern, client.WriteConcern.W)
			require.Equal(t, "majority", client.ReadConcern.Level)
			require.Equal(t, callTimeout, *client.Timeout)
		})
	}
}

func TestClassify(t *testing.T) {
	write := func(code int) error { return mongo.WriteException{WriteErrors: mongo.WriteErrors{{Code: code}}} }
	for _, c := range []struct {
		name                  string
		err                   error
		unavailable, tooLarge bool
	}{
		{"connection", io.ErrUnexpectedEOF, true, false},
		{"time", context.DeadlineExceeded, true, false},
		{"not primary", mongo.CommandError{Code: 10107}, true, false},
		{"network", mongo.CommandError{Labels: []string{"NetworkError"}}, true, false},
		{"access", mongo.CommandError{Code: 13}, true, false},
		{"bad value", mongo.CommandError{Code: 2}, false, false},
		{"invalid field", write(52), false, false},
		{"large document", write(17419), false, true},
		{"not on enough members", mongo.WriteException{WriteConcernError: &mongo.WriteConcernError{Code: 100}}, true, false},
		{"retryable", mongo.WriteException{Labels: []string{"RetryableWriteError"}, WriteErrors: mongo.WriteErrors{{Code: 1}}}, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := classify(fmt.Errorf("step: %w", c.err))
			require.Equal(t, c.unavailable, errors.Is(err, stores.ErrUnavailable))
			require.Equal(t, c.tooLarge, tooLarge(err))
			require.Equal(t, err, classify(err))
		})
	}
	require.NoError(t, classify(nil))
}
