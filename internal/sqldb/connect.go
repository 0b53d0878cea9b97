package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // registered as "sqlite"

	"github.com/parleybot/parley/internal/tlsfile"
)

// defaultTimeout bounds the making of a connection and, with SQLite, the wait for another process's transaction.
const defaultTimeout = 5 * time.Second

// Postgres returns the configuration of a connection to PostgreSQL.
func (o Options) Postgres() (*pgx.ConnConfig, error) {
	u := url.URL{Scheme: "postgres", Path: "/" + o.Database}
	switch {
	case o.Port != 0:
		u.Host = net.JoinHostPort(o.Host, strconv.Itoa(o.Port))
	case strings.Contains(o.Host, ":"):
		u.Host = "[" + o.Host + "]"
	default:
		u.Host = o.Host
	}
	if o.Username != "" {
		u.User = url.UserPassword(o.Username, o.Password)
	}
	query := url.Values{}
	for key, v := range o.Query {
		query.Set(key, v)
	}
	if o.Schema != "" {
		query.Set("search_path", o.Schema)
	}
	u.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20") // as libpq, the driver takes a plus sign for itself
	c, err := pgx.ParseConfig(u.String())
	if err != nil {
		// The driver's own words repeat the URL.
		if cause := errors.Unwrap(err); cause != nil {
			err = cause
		}
		return nil, err
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = defaultTimeout
	}
	return c, nil
}

// MySQL returns the configuration of a connection to MySQL or MariaDB.
func (o Options) MySQL() (*mysql.Config, error) {
	c := mysql.NewConfig()
	c.User, c.Passwd, c.DBName = o.Username, o.Password, o.Database
	host, port := o.Host, o.Port
	if host == "" {
		host = "localhost"
	}
	if port == 0 {
		port = 3306
	}
	c.Net, c.Addr = "tcp", net.JoinHostPort(host, strconv.Itoa(port))
	c.Timeout = defaultTimeout
	c.InterpolateParams = true // a statement is one round trip, then
	c.Collation = "utf8mb4_general_ci"
	if err := o.mysqlQuery(c); err != nil {
		return nil, err
	}
	return c, nil
}

// mysqlQuery applies the options of PyMySQL.
func (o Options) mysqlQuery(c *mysql.Config) error {
	var ca, cert, key string
	encrypted, hostname := false, true
	for name, v := range o.Query {
		var err error
		switch name {
		case "charset", "use_unicode", "autocommit":
			// Texts are UTF-8 and transactions explicit, whatever these say.
		case "unix_socket":
			c.Net, c.Addr = "unix", v
		case "connect_timeout":
			c.Timeout, err = seconds(v)
		case "read_timeout":
			c.ReadTimeout, err = seconds(v)
		case "write_timeout":
			c.WriteTimeout, err = seconds(v)
		case "ssl_ca":
			ca, encrypted = v, true
		case "ssl_cert":
			cert, encrypted = v, true
		case "ssl_key":
			key, encrypted = v, true
		case "ssl_check_hostname", "ssl_verify_cert", "ssl_verify_identity":
			hostname, encrypted = hostname && truth(v), true
		default:
			err = errors.New("parley does not know this option of PyMySQL")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if !encrypted {
		return nil
	}
	t, err := tlsfile.Config(ca, cert, key, "", !hostname)
	if err != nil {
		return err
	}
	if t.ServerName == "" {
		t.ServerName = o.Host
	}
	c.TLS = t
	return nil
}

func truth(v string) bool { return v != "" && v != "0" && !strings.EqualFold(v, "false") }

func seconds(v string) (time.Duration, error) {
	n, err := strconv.ParseFloat(v, 64)
	if err != nil || n < 0 || n > 1e6 {
		return 0, fmt.Errorf("%q is no number of seconds", v)
	}
	return time.Duration(n * float64(time.Second)), nil
}

// timeout is how long SQLite waits for other processes. sqlite3 of Python has the option as well.
func (o Options) timeout() (time.Duration, error) {
	for key := range o.Query {
		if key != "timeout" {
			return 0, fmt.Errorf("parley does not know the option %q of SQLite", key)
		}
	}
	if v, ok := o.Query["timeout"]; ok {
		return seconds(v)
	}
	return defaultTimeout, nil
}

// Open returns the database; a connection is made when it is used first. SQLite has one connection at a time.
func (o Options) Open() (*sql.DB, error) {
	switch o.Dialect {
	case PostgreSQL:
		c, err := o.Postgres()
		if err != nil {
			return nil, err
		}
		return stdlib.OpenDB(*c), nil
	case MySQL:
		c, err := o.MySQL()
		if err != nil {
			return nil, err
		}
		connector, err := mysql.NewConnector(c)
		if err != nil {
			return nil, err
		}
		return sql.OpenDB(connector), nil
	case SQLite:
	}
	name, err := o.sqliteName()
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", name)
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

// sqliteName is what the driver of SQLite calls the database. A path may have any character.
func (o Options) sqliteName() (string, error) {
	wait, err := o.timeout()
	if err != nil {
		return "", err
	}
	query := url.Values{"_pragma": {"busy_timeout(" + strconv.FormatInt(wait.Milliseconds(), 10) + ")"}}
	if o.Database == "" || o.Database == ":memory:" {
		return ":memory:?" + query.Encode(), nil
	}
	path, err := filepath.Abs(o.Database)
	if err != nil {
		return "", err
	}
	if path = filepath.ToSlash(path); !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	u := url.URL{Scheme: "file", Path: path, OmitHost: true, RawQuery: query.Encode()}
	return u.String(), nil
}

// CreateDatabase makes the database of PostgreSQL by way of LoginDatabase if it is not there. It does nothing without one.
func (o Options) CreateDatabase(ctx context.Context) (err error) {
	if o.LoginDatabase == "" || o.Dialect != PostgreSQL {
		return nil
	}
	login := o
	login.Database = o.LoginDatabase
	c, err := login.Postgres()
	if err != nil {
		return err
	}
	conn, err := pgx.ConnectConfig(ctx, c)
	if err != nil {
		return fmt.Errorf("logging in to database %q: %w", o.LoginDatabase, err)
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	var found bool
	const exists = "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_database WHERE datname = $1)"
	if err := conn.QueryRow(ctx, exists, o.Database).Scan(&found); err != nil || found {
		return err
	}
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{o.Database}.Sanitize()); err != nil && !isDuplicate(err) {
		return fmt.Errorf("creating database %q: %w", o.Database, err)
	}
	return nil
}
