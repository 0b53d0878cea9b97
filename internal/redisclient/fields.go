package redisclient

import (
	"time"

	"github.com/parleybot/parley/component"
)

// DefaultSocketTimeout is how long a command may take when socket_timeout does not say otherwise. It is that of Rasa's
// lock store; Rasa's tracker store would wait for ever.
const DefaultSocketTimeout = 10 * time.Second

// Fields returns the options that a back end in Redis has for its connection. db is the default of the option db: Rasa
// keeps conversations in database 0 and locks in 1.
func Fields(db int) []component.Field { return append(rasasFields(db), ownFields()...) }

func rasasFields(db int) []component.Field {
	return []component.Field{
		{Name: "url", Kind: component.String, Default: "localhost", Doc: "Host of the server."},
		{Name: "port", Kind: component.Int, Default: int64(6379), Doc: "Port of the server."},
		{Name: "db", Kind: component.Int, Default: int64(db), Doc: "Number of the database in the server."},
		{Name: "username", Kind: component.String, Doc: "User to log in as; without it the server's default user."},
		{Name: "password", Kind: component.String, Doc: "Password to log in with."},
		{Name: "use_ssl", Kind: component.Bool, Default: false, Doc: "Whether to connect by TLS."},
		{Name: "ssl_certfile", Kind: component.String, Doc: "A file with the client's own certificate."},
		{Name: "ssl_keyfile", Kind: component.String, Doc: "A file with the key of that certificate."},
		{Name: "ssl_ca_certs", Kind: component.String,
			Doc: "A file with the certificates that the server's is checked against; without it those of the system."},
		{Name: "socket_timeout", Kind: component.Float, Default: DefaultSocketTimeout.Seconds(),
			Doc: "Seconds that connecting or one command may take."},
		{Name: "key_prefix", Kind: component.String,
			Doc: "Prefix of all keys, letters and digits only; any other is ignored with a warning, as in Rasa."},
	}
}

func ownFields() []component.Field {
	return []component.Field{
		{Name: "ssl_check_hostname", Kind: component.Bool,
			Doc: "Whether the server's certificate has to name its host. Default: not with ssl_ca_certs, as in Rasa. Not in Rasa."},
		{Name: "sentinel_master", Kind: component.String,
			Doc: "Name of the master that Redis Sentinel watches; url and port are not used then. Not in Rasa."},
		{Name: "sentinels", Kind: component.Strings, Doc: "The Sentinels, each as host:port. Not in Rasa."},
		{Name: "sentinel_username", Kind: component.String, Doc: "User to log in as at the Sentinels. Not in Rasa."},
		{Name: "sentinel_password", Kind: component.String, Doc: "Password to log in with at the Sentinels. Not in Rasa."},
		{Name: "cluster", Kind: component.Strings,
			Doc: "Some nodes of a Redis Cluster, each as host:port; url and port are not used then, db must be 0. Not in Rasa."},
		{Name: "pool_size", Kind: component.Int, Default: int64(0),
			Doc: "Connections to one server at most; 0 means ten for each processor. Not in Rasa."},
	}
}

// options are those of Fields. What may be a number or a text in a configuration that came from the environment is any.
type options struct {
	URL              string   `option:"url"`
	Port             any      `option:"port"`
	DB               any      `option:"db"`
	Username         any      `option:"username"`
	Password         any      `option:"password"`
	UseSSL           bool     `option:"use_ssl"`
	CertFile         string   `option:"ssl_certfile"`
	KeyFile          string   `option:"ssl_keyfile"`
	CACerts          string   `option:"ssl_ca_certs"`
	SocketTimeout    *float64 `option:"socket_timeout"`
	KeyPrefix        any      `option:"key_prefix"`
	CheckHostname    *bool    `option:"ssl_check_hostname"`
	SentinelMaster   string   `option:"sentinel_master"`
	Sentinels        []string `option:"sentinels"`
	SentinelUsername any      `option:"sentinel_username"`
	SentinelPassword any      `option:"sentinel_password"`
	Cluster          []string `option:"cluster"`
	PoolSize         int      `option:"pool_size"`
}
