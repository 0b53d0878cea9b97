// Package redisclient makes connections to Redis from the options of endpoints.yml: those of Rasa's tracker store and lock
// store (rasa/core/tracker_store.py and rasa/core/lock_store.py of 3.6.21), and options for Sentinel and Cluster, which
// Rasa has none for.
package redisclient

import (
	"context"
	"net"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
)

// Client is a connection to one server, to a master that Sentinel watches, or to a Cluster. Commands are not sent again
// when a connection breaks, except on a Cluster, where the library repeats them: a script has to bear being run twice
// there. It is safe for concurrent use.
type Client struct {
	redis.UniversalClient
	// Prefix is the prefix of keys with its colon, "" when there is none.
	Prefix string
	// Cluster tells that the keys of one command have to share a slot.
	Cluster bool
}

// silence takes what the library would print to standard error: failures of connections, which commands return, too.
type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}

func init() { redis.SetLogger(silence{}) }

// New returns the client that cfg describes; cfg's part has the options of Fields. It does not connect. Errors name the
// option and its place.
func New(cfg component.Config) (*Client, error) {
	var o options
	if err := cfg.Decode(&o); err != nil {
		return nil, err
	}
	universal, err := o.universal(&cfg)
	if err != nil {
		return nil, err
	}
	return &Client{
		UniversalClient: redis.NewUniversalClient(universal),
		Prefix:          o.prefix(&cfg),
		Cluster:         universal.IsClusterMode,
	}, nil
}

func (o *options) universal(cfg *component.Config) (*redis.UniversalOptions, error) {
	db, err := integer(cfg, "db", o.DB, 1<<20)
	if err != nil {
		return nil, err
	}
	addresses, err := o.addresses(cfg, db)
	if err != nil {
		return nil, err
	}
	timeout, err := o.timeout(cfg)
	if err != nil {
		return nil, err
	}
	if o.PoolSize < 0 {
		return nil, cfg.OptionError("pool_size", "must not be negative")
	}
	encryption, err := o.tls(cfg)
	if err != nil {
		return nil, err
	}
	return &redis.UniversalOptions{
		Addrs: addresses, DB: db, MasterName: o.SentinelMaster, IsClusterMode: len(o.Cluster) > 0,
		Username: text(o.Username), Password: text(o.Password),
		SentinelUsername: text(o.SentinelUsername), SentinelPassword: text(o.SentinelPassword),
		TLSConfig: encryption, PoolSize: o.PoolSize,
		DialTimeout: timeout, ReadTimeout: timeout, WriteTimeout: timeout, PoolTimeout: timeout, ContextTimeoutEnabled: true,
		// A command whose connection broke may have been carried out, so the stores decide what to send again.
		MaxRetries: -1, DialerRetries: 1,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}, nil
}

// addresses returns where to connect to and checks that the options agree on one of the three kinds of servers.
func (o *options) addresses(cfg *component.Config, db int) ([]string, error) {
	switch {
	case len(o.Cluster) > 0:
		if o.SentinelMaster != "" {
			return nil, cfg.OptionError("cluster", "excludes sentinel_master")
		}
		if db != 0 {
			return nil, cfg.OptionError("db", "must be 0 on a Cluster, not %d", db)
		}
		return o.Cluster, checkAddresses(cfg, "cluster", o.Cluster)
	case o.SentinelMaster != "":
		if len(o.Sentinels) == 0 {
			return nil, cfg.OptionError("sentinels", "must list the Sentinels of sentinel_master")
		}
		return o.Sentinels, checkAddresses(cfg, "sentinels", o.Sentinels)
	case len(o.Sentinels) > 0:
		return nil, cfg.OptionError("sentinels", "needs sentinel_master")
	}
	if strings.ContainsAny(o.URL, "/@") {
		return nil, cfg.OptionError("url", "must be the name or address of a host, without scheme, user and path")
	}
	port, err := integer(cfg, "port", o.Port, 65535)
	if err != nil {
		return nil, err
	}
	host := strings.Trim(o.URL, "[]")
	if host == "" {
		host = "localhost"
	}
	return []string{net.JoinHostPort(host, strconv.Itoa(port))}, nil
}

func checkAddresses(cfg *component.Config, key string, list []string) error {
	for _, address := range list {
		if _, port, err := net.SplitHostPort(address); err != nil || port == "" {
			return cfg.OptionError(key, "must be a list of host:port, not %q", address)
		}
	}
	return nil
}

func (o *options) timeout(cfg *component.Config) (time.Duration, error) {
	if o.SocketTimeout == nil { // redis-py waits for ever then
		return -1, nil
	}
	if s := *o.SocketTimeout; !(s > 0) || s > 1e6 {
		return 0, cfg.OptionError("socket_timeout", "must be a number of seconds above 0, not %v", s)
	}
	return time.Duration(*o.SocketTimeout * float64(time.Second)), nil
}

// prefix follows _set_key_prefix of both stores of Rasa.
func (o *options) prefix(cfg *component.Config) string {
	if !value.Truthy(o.KeyPrefix) {
		return ""
	}
	if s, ok := o.KeyPrefix.(string); ok && isAlnum(s) {
		return s + ":"
	}
	log := cfg.Env.WithDefaults().Logger
	log.Warn("key_prefix may only have letters and digits, it is ignored", "value", value.Repr(o.KeyPrefix))
	return ""
}

// isAlnum is str.isalnum of Python.
func isAlnum(s string) bool {
	for _, r := range s {
		if !unicode.IsLetter(r) && !unicode.IsNumber(r) {
			return false
		}
	}
	return s != ""
}

// integer takes a number that may be written as a text, as redis-py does.
func integer(cfg *component.Config, key string, v any, most int) (int, error) {
	n, err := strconv.Atoi(value.Str(v))
	if err != nil || n < 0 || n > most {
		return 0, cfg.OptionError(key, "must be an integer from 0 to %d, not %s", most, value.Repr(v))
	}
	return n, nil
}

// text returns an option as it is written; passwords often are numbers.
func text(v any) string {
	if v == nil {
		return ""
	}
	return value.Str(v)
}
