package mongo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/tlsfile"
	"github.com/parleybot/parley/stores"
)

// How long things may take unless the URL says otherwise (timeoutMS, serverSelectionTimeoutMS).
const (
	callTimeout      = 10 * time.Second
	selectionTimeout = 5 * time.Second
	closeTimeout     = 5 * time.Second
	// scanTimeout bounds the search for duplicates, which reads the whole index.
	scanTimeout = 10 * time.Minute
)

var connectionFields = []component.Field{
	{Name: "url", Kind: component.String, Default: defaultURL,
		Doc: "The server: a host, host:port, or a mongodb:// or mongodb+srv:// address with whatever such can hold (replica set, TLS, " +
			"timeouts, read and write concern; majority is the default for both). The primary is read whatever it says."},
	{Name: "db", Kind: component.String, Default: defaultDB, Doc: "The database."},
	{Name: "username", Kind: component.String, Doc: "The user, instead of one that the URL names."},
	{Name: "password", Kind: component.String, Doc: "The user's password."},
	{Name: "auth_source", Kind: component.String, Default: defaultAuthSource, Doc: "The database that knows the user named by username."},
	{Name: "collection", Kind: component.String, Default: defaultCollection, Doc: "The collection of the conversations."},
	{Name: "tls_ca_file", Kind: component.String, Doc: "A file with the certificates that the server's is checked against; turns TLS on."},
	{Name: "tls_cert_file", Kind: component.String, Doc: "A file with the certificate that parley shows; turns TLS on."},
	{Name: "tls_key_file", Kind: component.String, Doc: "A file with its key, unless tls_cert_file holds it, too."},
}

type storeOptions struct {
	URL           string `option:"url"`
	DB            string `option:"db"`
	Username      string `option:"username"`
	Password      string `option:"password"`
	AuthSource    string `option:"auth_source"`
	Collection    string `option:"collection"`
	CAFile        string `option:"tls_ca_file"`
	CertFile      string `option:"tls_cert_file"`
	KeyFile       string `option:"tls_key_file"`
	Segments      string `option:"segments"`
	SegmentEvents int    `option:"segment_events"`
}

// client returns how to connect. Errors do not repeat the URL, which may hold a password.
func (o *storeOptions) client(cfg *component.Config) (*options.ClientOptions, error) {
	address := or(o.URL, defaultURL)
	if !strings.Contains(address, "://") {
		address = "mongodb://" + address // pymongo takes a bare host as well
	}
	c := options.Client().ApplyURI(address)
	if err := c.Validate(); err != nil {
		if strings.Contains(address, "@") {
			err = errors.New("it is not an address of MongoDB")
		}
		return nil, cfg.OptionError("url", "cannot be used: %v", err)
	}
	if w := c.WriteConcern; w != nil && !w.Acknowledged() {
		return nil, cfg.OptionError("url", "asks for unacknowledged writes (w=0), with which turns would be lost")
	}
	if o.Username != "" {
		auth := options.Credential{}
		if c.Auth != nil {
			auth.AuthMechanism, auth.AuthMechanismProperties = c.Auth.AuthMechanism, c.Auth.AuthMechanismProperties
		}
		auth.Username, auth.Password, auth.PasswordSet, auth.AuthSource = o.Username, o.Password, true, or(o.AuthSource, defaultAuthSource)
		c.SetAuth(auth)
	}
	if o.CAFile != "" || o.CertFile != "" || o.KeyFile != "" {
		tls, err := tlsfile.Config(o.CAFile, o.CertFile, o.KeyFile, "", false)
		if err != nil {
			key := "tls_cert_file"
			if o.CAFile != "" && strings.Contains(err.Error(), o.CAFile) {
				key = "tls_ca_file"
			}
			return nil, cfg.OptionError(key, "cannot be used: %v", err)
		}
		c.SetTLSConfig(tls)
	}
	withDefaults(c)
	if err := c.Validate(); err != nil {
		return nil, cfg.OptionError("username", "cannot be used: %v", err)
	}
	return c, nil
}

// withDefaults sets what the URL does not say.
func withDefaults(c *options.ClientOptions) {
	if c.AppName == nil {
		c.SetAppName("parley")
	}
	if c.Timeout == nil {
		c.SetTimeout(callTimeout)
	}
	if c.ServerSelectionTimeout == nil {
		c.SetServerSelectionTimeout(selectionTimeout)
	}
	// Another node would show the conversation as it was a while ago, and the turn would be refused.
	c.SetReadPreference(readpref.Primary())
	if c.WriteConcern == nil {
		c.SetWriteConcern(writeconcern.Majority())
	}
	if c.ReadConcern == nil {
		c.SetReadConcern(readconcern.Majority())
	}
}

func index(keys ...bson.E) mongo.IndexModel {
	return mongo.IndexModel{Keys: bson.D(keys), Options: options.Index()} // the driver writes to the options
}

const commitTime = fieldOwn + ".commits.time"

// preparation is what happens before the first use.
type preparation struct {
	done chan struct{}
	// err is set before done is closed.
	err error
}

// ready waits until the collections are prepared, which is tried again after an error. All callers wait for one attempt.
func (l *Log) ready(ctx context.Context) error {
	l.mu.Lock()
	p := l.prepared
	if p == nil {
		p = &preparation{done: make(chan struct{})}
		background, stop := context.WithCancel(context.WithoutCancel(ctx))
		l.prepared, l.stop = p, stop
		l.done.Go(func() {
			defer stop()
			l.prepare(background, p)
		})
	}
	l.mu.Unlock()
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		return classify(ctx.Err())
	}
}

// prepare makes the indexes, as Rasa does at its start, and looks for duplicates.
func (l *Log) prepare(ctx context.Context, p *preparation) {
	if p.err = l.makeIndexes(ctx); p.err != nil {
		l.mu.Lock()
		l.prepared = nil
		l.mu.Unlock()
	}
	close(p.done)
	if p.err == nil {
		scan, cancel := context.WithTimeout(ctx, scanTimeout)
		defer cancel()
		l.warnOfDuplicates(scan)
	}
}

// makeIndexes makes Rasa's index, which is not unique, and parley's own.
func (l *Log) makeIndexes(ctx context.Context) error {
	sender := bson.E{Key: fieldSender, Value: 1}
	unsettled := index(bson.E{Key: commitTime, Value: 1})
	unsettled.Options.SetSparse(true)
	for _, i := range []struct {
		of   *mongo.Collection
		what mongo.IndexModel
	}{
		{l.conversations, index(sender)},
		{l.conversations, unsettled},
		{l.segments, index(sender, bson.E{Key: "base", Value: -1})},
		{l.timers.collection, index(bson.E{Key: "free", Value: 1})},
		{l.timers.collection, index(sender, bson.E{Key: "name", Value: 1})},
	} {
		_, err := i.of.Indexes().CreateOne(ctx, i.what)
		if conflicting(err) {
			l.log.Warn("an index that differs is used as it is", "err", err)
		} else if err != nil {
			return fmt.Errorf("creating an index of %s: %w", i.of.Name(), classify(err))
		}
	}
	return nil
}

// Errors of createIndexes about an index of the same name or keys with other options.
const (
	codeIndexOptionsConflict  = 85
	codeIndexKeySpecsConflict = 86
)

func conflicting(err error) bool {
	var server mongo.ServerError
	return errors.As(err, &server) && (server.HasErrorCode(codeIndexOptionsConflict) || server.HasErrorCode(codeIndexKeySpecsConflict))
}

// classify makes errors that may pass wrap stores.ErrUnavailable: everything that a server did not say itself, and what it
// says when it is not the primary, is starting or stopping, or refuses the credentials that somebody may be changing. What
// is wrong with the data stays an error of its own.
func classify(err error) error {
	if err == nil || errors.Is(err, stores.ErrUnavailable) {
		return err
	}
	var server mongo.ServerError
	if errors.As(err, &server) && !mongo.IsTimeout(err) && !mongo.IsNetworkError(err) && !passing(server) {
		return err
	}
	return fmt.Errorf("%w: %w", stores.ErrUnavailable, err)
}

// passingCodes are those of "not primary" and "node is recovering", of time limits and of access.
var passingCodes = []int{6, 7, 11, 13, 18, 50, 64, 89, 91, 133, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436}

func passing(err mongo.ServerError) bool {
	if err.HasErrorLabel("RetryableWriteError") || err.HasErrorLabel("TransientTransactionError") {
		return true
	}
	for _, code := range passingCodes {
		if err.HasErrorCode(code) {
			return true
		}
	}
	// A write that took place here but not on enough members may be rolled back.
	var write mongo.WriteException
	if errors.As(err, &write) {
		return write.WriteConcernError != nil && len(write.WriteErrors) == 0
	}
	var bulk mongo.BulkWriteException
	return errors.As(err, &bulk) && bulk.WriteConcernError != nil && len(bulk.WriteErrors) == 0
}
