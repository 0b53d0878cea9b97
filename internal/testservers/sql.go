package testservers

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

var sharedPostgres, sharedMariaDB shared

// Postgres makes a database on the shared server and returns its URL.
func Postgres(tb testing.TB) string {
	tb.Helper()
	return sharedPostgres.get(tb, postgres).NewDatabase(tb)
}

// PostgresServer starts a server; URL is that of its database postgres.
func PostgresServer(tb testing.TB) *Server {
	tb.Helper()
	sp, err := postgres()
	return own(tb, sp, err)
}

// MariaDB makes a database on the shared server and returns its URL, mysql://root@host:port/database.
func MariaDB(tb testing.TB) string {
	tb.Helper()
	return sharedMariaDB.get(tb, mariadb).NewDatabase(tb)
}

// MariaDBServer starts a server; URL is that of its database mysql.
func MariaDBServer(tb testing.TB) *Server {
	tb.Helper()
	sp, err := mariadb()
	return own(tb, sp, err)
}

// NewDatabase makes a database on a server of PostgreSQL or MariaDB and returns its URL.
func (s *Server) NewDatabase(tb testing.TB) string {
	tb.Helper()
	name := Name(tb)
	host, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.Command("psql", "-X", "-q", s.URL, "-c", "create database "+name) //nolint:noctx // a command of our own
	if s.spec.name == "mariadb" {
		cmd = exec.Command("mariadb", "--no-defaults", "-h", host, "-P", port, "-u", "root", "-e", //nolint:noctx // see above
			"create database "+name+" character set utf8mb4")
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("making a database: %v\n%s%s", err, out, hint)
	}
	return s.URL[:strings.LastIndex(s.URL, "/")+1] + name + s.spec.query
}

// systemUser returns the account that a server runs as when this process is root's, which servers of databases refuse;
// otherwise nil, for the account of this process.
func systemUser(name string) (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, hint)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, err
}

// command runs a program that prepares a server's files.
func command(as *syscall.Credential, dir string, argv ...string) error {
	cmd := exec.Command(argv[0], argv[1:]...) //nolint:noctx // see above
	cmd.Dir, cmd.SysProcAttr = dir, &syscall.SysProcAttr{Credential: as}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(argv[0]), err, out)
	}
	return nil
}

func postgres() (spec, error) {
	initdb, err := program("initdb", "/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return spec{}, err
	}
	as, err := systemUser("postgres")
	return spec{
		name: "postgres", user: as, query: "?sslmode=disable",
		prepare: func(_ int, dir string) error {
			return command(as, dir, initdb, "-D", filepath.Join(dir, "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
		},
		argv: func(port int, dir string) []string {
			return []string{filepath.Join(filepath.Dir(initdb), "postgres"), "-D", filepath.Join(dir, "data"), "-p", strconv.Itoa(port),
				"-k", "", "-c", "listen_addresses=127.0.0.1", "-c", "shared_buffers=16MB", "-c", "max_connections=200", "-c", "log_min_messages=warning"}
		},
		ready: "database system is ready to accept connections",
		url:   func(addr string) string { return "postgres://postgres@" + addr + "/postgres?sslmode=disable" },
	}, err
}

func mariadb() (spec, error) {
	path, err := program("mariadbd")
	if err != nil {
		return spec{}, err
	}
	install, err := program("mariadb-install-db")
	if err != nil {
		return spec{}, err
	}
	as, err := systemUser("mysql")
	return spec{
		name: "mariadb", user: as,
		prepare: func(_ int, dir string) error {
			// The tables of the server itself are made by a server of its own, whose sizes cost time.
			return command(as, dir, install, "--no-defaults", "--datadir="+filepath.Join(dir, "data"), "--auth-root-authentication-method=normal",
				"--skip-test-db", "--skip-name-resolve", "--innodb-log-file-size=8M", "--innodb-buffer-pool-size=16M")
		},
		argv: func(port int, dir string) []string {
			return []string{path, "--no-defaults", "--datadir=" + filepath.Join(dir, "data"), "--port=" + strconv.Itoa(port), "--bind-address=127.0.0.1",
				"--socket=" + filepath.Join(dir, "socket"), "--pid-file=" + filepath.Join(dir, "pid"), "--tmpdir=" + dir, "--skip-name-resolve",
				"--innodb-log-file-size=8M", "--innodb-buffer-pool-size=32M", "--character-set-server=utf8mb4", "--max-connections=200"}
		},
		ready: "ready for connections",
		url:   func(addr string) string { return "mysql://root@" + addr + "/mysql" },
	}, err
}
