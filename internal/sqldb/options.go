// Package sqldb reads what endpoints.yml says of SQL databases, as Rasa's SQLTrackerStore.get_db_url does
// (rasa/core/tracker_store.py, 3.6.21), and connects to them: SQLite, PostgreSQL, MySQL and MariaDB. It knows no tables.
package sqldb

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/parleybot/parley/component"
	"github.com/parleybot/parley/internal/value"
)

// Dialect is a kind of database.
type Dialect string

// The dialects, under the names of SQLAlchemy.
const (
	SQLite     Dialect = "sqlite"
	PostgreSQL Dialect = "postgresql"
	// MySQL is MariaDB as well.
	MySQL Dialect = "mysql"
)

// Options say which database is meant.
type Options struct {
	Dialect Dialect
	// Host is "" for the driver's default, Port is 0 for it.
	Host     string
	Port     int
	Username string
	Password string
	// Database is the name of a database, or the file of SQLite ("" or ":memory:" for one that is not kept).
	Database string
	// LoginDatabase is the database of PostgreSQL to connect to for making Database, "" for none.
	LoginDatabase string
	// Query are options of the driver: those of libpq for PostgreSQL, those of PyMySQL for MySQL.
	Query map[string]string
	// Schema is the search path of PostgreSQL, "" for the server's.
	Schema string
}

// Fields returns the options that FromConfig reads, for the spec of a part. database is the default of db.
func Fields(database string) []component.Field {
	return []component.Field{
		{Name: "dialect", Kind: component.String, Default: "sqlite",
			Doc: "The database: sqlite, postgresql, mysql or mariadb, with or without a driver of SQLAlchemy behind a plus sign."},
		{Name: "url", Kind: component.String, Doc: "The server's host, with or without a port, or a complete URL such as postgresql://user:password@host:5432/db."},
		{Name: "port", Kind: component.Any, Doc: "The server's port."},
		{Name: "db", Kind: component.String, Default: database, Doc: "The name of the database; for SQLite, the file."},
		{Name: "username", Kind: component.String, Doc: "The user to log in as."},
		{Name: "password", Kind: component.Any, Doc: "The user's password."},
		{Name: "login_db", Kind: component.String, Doc: "A database of PostgreSQL to log in to; db is made if it is not there."},
		{Name: "query", Kind: component.Map, Doc: "Options of the connection: those of libpq for PostgreSQL (sslmode, sslrootcert, ...), those of PyMySQL for MySQL (ssl_ca, unix_socket, ...)."},
	}
}

type settings struct {
	Dialect  string     `option:"dialect"`
	URL      string     `option:"url"`
	Port     any        `option:"port"`
	DB       string     `option:"db"`
	Username string     `option:"username"`
	Password any        `option:"password"`
	LoginDB  string     `option:"login_db"`
	Query    *value.Map `option:"query"`
}

// FromConfig reads the options of Fields. Errors name the place in the file, never a password.
func FromConfig(cfg component.Config) (Options, error) {
	var s settings
	if err := cfg.Decode(&s); err != nil {
		return Options{}, err
	}
	if strings.Contains(s.URL, "://") {
		o, err := fromURL(s.URL)
		if err != nil {
			return o, cfg.OptionError("url", "cannot be used: %v", err)
		}
		return o, check(cfg, o, "url")
	}
	o := Options{Host: s.URL, Username: s.Username, Database: s.DB, LoginDatabase: s.LoginDB}
	var ok bool
	if o.Dialect, ok = dialectOf(s.Dialect); !ok {
		return o, cfg.OptionError("dialect", "is %q, known are sqlite, postgresql, mysql and mariadb", s.Dialect)
	}
	if s.Password != nil {
		o.Password = value.Str(s.Password)
	}
	if s.Port != nil {
		n, err := strconv.Atoi(strings.TrimSpace(value.Str(s.Port)))
		if err != nil || n < 0 || n > 65535 {
			return o, cfg.OptionError("port", "must be the number of a port, not %s", value.Repr(s.Port))
		}
		o.Port = n
	}
	if o.Host != "" {
		parsed, err := url.Parse("scheme://" + o.Host)
		if err != nil || parsed.Hostname() == "" {
			return o, cfg.OptionError("url", "must be a host, with or without a port, or a complete URL")
		}
		if parsed.Port() != "" {
			o.Port, _ = strconv.Atoi(parsed.Port()) // Parse has checked that it is a number
		}
		o.Host = parsed.Hostname()
	}
	o.Query = make(map[string]string)
	for key, v := range s.Query.All() {
		switch v.(type) {
		case []any, *value.Map, nil:
			return o, cfg.OptionError("query", "must have texts and numbers as values, which that of %q is not", key)
		}
		o.Query[key] = value.Str(v)
	}
	return o, check(cfg, o, "query")
}

// dialectOf returns the dialect that SQLAlchemy knows by a name ("mysql+pymysql").
func dialectOf(name string) (Dialect, bool) {
	name, _, _ = strings.Cut(name, "+")
	switch name {
	case "sqlite":
		return SQLite, true
	case "postgresql", "postgres":
		return PostgreSQL, true
	case "mysql", "mariadb":
		return MySQL, true
	}
	return "", false
}

// fromURL reads a complete URL. Its error does not repeat it.
func fromURL(text string) (Options, error) {
	u, err := url.Parse(text)
	if err != nil {
		return Options{}, fmt.Errorf("it is no URL")
	}
	o := Options{Host: u.Hostname(), Query: make(map[string]string)}
	var ok bool
	if o.Dialect, ok = dialectOf(u.Scheme); !ok {
		return o, fmt.Errorf("its dialect is %q, known are sqlite, postgresql, mysql and mariadb", u.Scheme)
	}
	if u.Port() != "" {
		o.Port, _ = strconv.Atoi(u.Port())
	}
	o.Username = u.User.Username()
	o.Password, _ = u.User.Password()
	// What follows the host's slash: sqlite:///events.db is a relative file, sqlite:////events.db an absolute one.
	o.Database = strings.TrimPrefix(u.Path, "/")
	for key, list := range u.Query() {
		o.Query[key] = list[0]
	}
	return o, nil
}

// check refuses what the driver would refuse.
func check(cfg component.Config, o Options, key string) error {
	var err error
	switch o.Dialect {
	case SQLite:
		if o.Host != "" {
			return cfg.OptionError("url", "names a host, and SQLite has none; db is its file")
		}
		_, err = o.timeout()
	case PostgreSQL:
		_, err = o.Postgres()
	case MySQL:
		_, err = o.MySQL()
	}
	if err != nil {
		return cfg.OptionError(key, "cannot be used: %v", err)
	}
	return nil
}
